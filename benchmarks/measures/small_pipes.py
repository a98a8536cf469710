"""Short texts and small models, which are bound by the road to the encoder rather than by it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy.cli.init_config import init_config
from spacy.util import load_model_from_config
from spacy.vocab import Vocab

from benchmarks.measures.corpora import (
    count_words,
    make_examples,
    read_entity_docs,
    read_texts,
)
from benchmarks.measures.results import Case, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import Workload, gather, measure
from benchmarks.peers import ours, spacy_transformers
from spacy_deberta.checkpoints.repository.embedded import find_embedded

SMALL = "deberta-v3-mini-en"
# 20 words for spaCy's English tokenizer, with the full stop.
TEXT = (
    "The committee of the United Nations adopted the report of its working group "
    "on international trade in Geneva today."
)
# Calls in one measurement, since one takes milliseconds.
CALLS = 20
# Documents with entities, for the labels of the recognizers.
LABELLED = 50


def run(settings: Settings, results: Results) -> None:
    """Measure the latency of one text, and words per second with entities."""
    for model in ("base", "mini"):
        case: Case = {"what": "one text", "model": model}
        if not results.has(case):
            _measure_latency(_checkpoint(settings, model), settings, case, results)
    texts = read_texts(settings.documents, settings.sizes.documents)
    case = {"what": "entities", "model": "mini", "words": count_words(texts)}
    if not results.has(case):
        _measure_entities(texts, settings, case, results)


def _measure_latency(checkpoint: Path, settings: Settings, case: Case, results: Results) -> None:
    makers: dict[str, Callable[[], Any]] = {
        "ours": partial(ours.make_pipeline, checkpoint, precision="auto"),
        "spacy-transformers": partial(spacy_transformers.make_pipeline, checkpoint),
    }
    contenders = gather({name: partial(latency_run, make) for name, make in makers.items()})
    measured = measure(contenders, case, repeats=settings.sizes.repeats)
    results.add(
        replace(found, values=tuple(value / CALLS for value in found.values)) for found in measured
    )


def latency_run(make: Callable[[], Any]) -> Workload:
    """The workload of `CALLS` calls with one text."""
    nlp = make()
    nlp(TEXT)

    def process() -> None:
        for _ in range(CALLS):
            nlp(TEXT)

    return process


def _measure_entities(texts: list[str], settings: Settings, case: Case, results: Results) -> None:
    makers: dict[str, Callable[[], Any]] = {
        "ours": partial(make_ours, settings),
        "spaCy's CNN": partial(make_cnn, settings),
    }
    contenders = gather({name: partial(_stream_run, make, texts) for name, make in makers.items()})
    repeats = settings.sizes.few_repeats
    results.add(measure(contenders, case, repeats=repeats, words=case["words"]))


def _stream_run(make: Callable[[], Any], texts: list[str]) -> Workload:
    nlp = make()

    def process() -> None:
        for _ in nlp.pipe(texts):
            pass

    process()
    return process


def _checkpoint(settings: Settings, model: str) -> Path:
    embedded = find_embedded(SMALL)
    assert embedded is not None
    return settings.checkpoint if model == "base" else embedded


def make_ours(settings: Settings) -> Any:
    """The small model of the package with an entity recognizer, with `precision = "auto"`."""
    docs = read_entity_docs(settings.entities, Vocab(), LABELLED)
    checkpoint = _checkpoint(settings, "mini")
    return ours.make_pipeline(checkpoint, precision="auto", heads=["ner"], docs=docs)


def make_cnn(settings: Settings) -> Any:
    """What `spacy init config --lang en --pipeline ner --optimize efficiency` trains.

    It has no static vectors.
    """
    config = init_config(lang="en", pipeline=["ner"], optimize="efficiency", gpu=False, silent=True)
    nlp = load_model_from_config(config, auto_fill=True)
    docs = read_entity_docs(settings.entities, nlp.vocab, LABELLED)
    nlp.initialize(lambda: make_examples(nlp, docs))
    nlp.batch_size = 128
    return nlp
