"""Names with labels of one's own: `deberta_gliner` against gliner and gliner-spacy.

All load one random checkpoint. The others run in an environment of their own, which `settings`
names; without it, only ours is measured.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.measures import machine
from benchmarks.measures.corpora import read_sentences
from benchmarks.measures.results import Case, Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError, Workload, gather, measure
from benchmarks.measures.workers import run_fresh
from benchmarks.peers import gliner
from benchmarks.peers.gliner import PEER_BATCH, GLiNERProcess

LABELS = [
    *("person", "organization", "location", "date", "product", "event", "work of art", "law"),
    *("language", "currency", "means of transport", "animal", "plant", "food", "disease"),
    *("medicine", "weapon", "sport", "award", "phone number", "email address", "title"),
    *("nationality", "religion", "time of day"),
]
FEW = 8
# Contenders: of ours their precision, of the others whether it is the component.
OURS = {"ours": "fp32", "ours, auto": "auto", "ours, int8": "int8"}
PEERS = {"gliner": False, "gliner-spacy": True}
# Words of a paragraph, and texts in a batch whose memory is measured.
PARAGRAPH = 127
MEMORY_BATCH = 32
TRAINED = 8
# Words of a usual short text.
SHORT = 8
# From texts and labels to a workload that finds entities.
Finder = Callable[[Sequence[str], Sequence[str]], Workload]


def run(settings: Settings, results: Results) -> None:
    """Measure prediction, the latency of one text, training and memory."""
    folder = settings.work / "gliner"
    if not folder.exists():
        gliner.make_checkpoint(folder, settings.vocabulary, settings.sizes.config)
    sentences = read_sentences(settings.documents)
    paragraphs = join_paragraphs(sentences)
    with ExitStack() as stack:
        finders = {name: _ours(folder, precision) for name, precision in OURS.items()}
        finders |= {name: _theirs(stack, settings, folder, name) for name in PEERS}
        for kind, texts in (("sentences", sentences), ("paragraphs", paragraphs)):
            own = take(texts, settings.sizes.gliner_words)
            words = sum(len(text.split()) for text in own)
            for count in (FEW, len(LABELS)):
                case: Case = {"texts": kind, "labels": count, "words": words}
                _measure_speed(finders, own, case, settings, results, words=words)
        short = min(sentences, key=lambda text: abs(len(text.split()) - SHORT))
        case = {"texts": "one sentence", "labels": len(LABELS)}
        _measure_speed(finders, [short], case, settings, results)
    _measure_training(settings, folder, paragraphs, results)
    _measure_memory(settings, folder, paragraphs, results)


def join_paragraphs(sentences: Sequence[str]) -> list[str]:
    """Texts of at least `PARAGRAPH` words, and one of the rest."""
    texts: list[list[str]] = [[]]
    for sentence in sentences:
        if len(texts[-1]) >= PARAGRAPH:
            texts.append([])
        texts[-1] += sentence.split()
    return [" ".join(words) for words in texts]


def take(texts: Sequence[str], count: int) -> list[str]:
    """The first texts that have this many words in total."""
    taken: list[str] = []
    total = 0
    for text in texts:
        if total >= count:
            break
        taken.append(text)
        total += len(text.split())
    return taken


def _ours(folder: Path, precision: str) -> Finder:
    nlp = gliner.make_pipeline(folder, precision, LABELS)
    return lambda texts, labels: partial(find_ours, nlp, texts, labels)


def find_ours(nlp: Any, texts: Sequence[str], labels: Sequence[str]) -> int:
    """Find entities with our pipeline; returns their number."""
    nlp.get_pipe("deberta_gliner").labels = labels
    return sum(len(doc.ents) for doc in nlp.pipe(texts))


def _theirs(stack: ExitStack, settings: Settings, folder: Path, name: str) -> Finder:
    try:
        process = _start(stack, settings, folder, component=PEERS[name])
    except CannotMeasureError as error:
        return partial(_cannot, error)

    def find(texts: Sequence[str], labels: Sequence[str]) -> Workload:
        given = {"texts": list(texts), "labels": list(labels), "batch_size": PEER_BATCH}
        return partial(process.ask, "find", **given)

    return find


def _cannot(error: CannotMeasureError, texts: Sequence[str], labels: Sequence[str]) -> Workload:
    raise error


def _start(stack: ExitStack, settings: Settings, folder: Path, *, component: bool) -> GLiNERProcess:
    if settings.gliner_python is None:
        raise CannotMeasureError("--gliner-python names no environment with gliner")
    process = GLiNERProcess(
        settings.gliner_python, folder, component=component, threads=settings.threads
    )
    stack.callback(process.close)
    return process


def _measure_speed(
    finders: Mapping[str, Finder],
    texts: Sequence[str],
    case: Case,
    settings: Settings,
    results: Results,
    *,
    words: int | None = None,
) -> None:
    if results.has(case):
        return
    labels = LABELS[: case["labels"]]
    contenders = gather({name: partial(find, texts, labels) for name, find in finders.items()})
    for workload in contenders.runs.values():  # the first run prepares the weights
        workload()
    repeats = settings.sizes.few_repeats
    results.add(measure(contenders, case, repeats=repeats, words=words))


def make_examples(paragraphs: Sequence[str]) -> list[dict[str, Any]]:
    """A training batch of gliner: texts with an entity in each, and labels."""
    return [
        {
            "tokenized_text": [word for word in text.split() if word.isalnum()],
            "ner": [[0, 1, LABELS[0]]],
            "ner_labels": LABELS[:FEW],
        }
        for text in paragraphs[:TRAINED]
    ]


def _measure_training(
    settings: Settings, folder: Path, paragraphs: Sequence[str], results: Results
) -> None:
    case: Case = {"what": "training", "texts": f"{TRAINED} paragraphs", "labels": FEW}
    if results.has(case):
        return
    examples = make_examples(paragraphs)
    with ExitStack() as stack:
        builders: dict[str, Callable[[], Workload]] = {
            name: partial(_our_update, folder, precision, examples)
            for name, precision in OURS.items()
            if precision != "int8"
        }
        builders["gliner"] = partial(_their_update, stack, settings, folder, examples)
        contenders = gather(builders)
        for workload in contenders.runs.values():  # the first step allocates the optimizer's state
            workload()
        results.add(measure(contenders, case, repeats=settings.sizes.few_repeats))


def _our_update(folder: Path, precision: str, examples: Sequence[dict[str, Any]]) -> Workload:
    nlp = gliner.make_pipeline(folder, precision, LABELS[:FEW])
    made = gliner.make_training(nlp, examples)
    return partial(nlp.update, made, sgd=nlp.create_optimizer())


def _their_update(
    stack: ExitStack, settings: Settings, folder: Path, examples: Sequence[dict[str, Any]]
) -> Workload:
    process = _start(stack, settings, folder, component=False)
    return partial(process.ask, "train", examples=list(examples))


def _measure_memory(
    settings: Settings, folder: Path, paragraphs: Sequence[str], results: Results
) -> None:
    case: Case = {"what": "memory", "texts": f"{MEMORY_BATCH} paragraphs", "labels": FEW}
    if results.has(case):
        return
    texts = list(paragraphs[:MEMORY_BATCH])
    measured = [
        Measurement(
            case=case,
            who=name,
            quantity="GiB",
            values=(run_fresh(peak_of_ours, folder, precision, texts, settings.threads),),
        )
        for name, precision in OURS.items()
    ]
    try:
        with ExitStack() as stack:
            process = _start(stack, settings, folder, component=False)
            process.ask("find", texts=texts, labels=LABELS[:FEW], batch_size=MEMORY_BATCH)
            peak = process.ask("memory")["gib"]
        measured.append(Measurement(case=case, who="gliner", quantity="GiB", values=(peak,)))
    except CannotMeasureError as error:
        measured.append(error.as_measurement(case, "gliner", "GiB"))
    results.add(measured)


def peak_of_ours(folder: Path, precision: str, texts: Sequence[str], threads: int) -> float:
    """Peak memory of this process after prediction in one batch, in GiB. Run it in a new one."""
    torch.set_num_threads(threads)
    nlp = gliner.make_pipeline(folder, precision, LABELS)
    nlp.batch_size = MEMORY_BATCH
    find_ours(nlp, texts, LABELS[:FEW])
    return machine.peak_memory()
