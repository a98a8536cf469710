"""Scaling with the length of a document, the batch size, and the number of heads on one encoder.

The encoder has few layers, so that its cost does not hide the rest.
"""

import time
from typing import Any

import numpy as np
import torch
from spacy.vocab import Vocab

from benchmarks import saving
from benchmarks.measures import machine
from benchmarks.measures.corpora import count_words, read_entity_docs, read_texts, text_of_words
from benchmarks.measures.results import Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import Contenders, measure
from benchmarks.measures.workers import run_fresh
from benchmarks.peers import ours, spacy_transformers

MAKERS = {"ours": ours.make_pipeline, "spacy-transformers": spacy_transformers.make_pipeline}
# Enough documents for some labels.
SHOWN_DOCS = 200


def run(settings: Settings, results: Results) -> None:
    """Measure all three kinds of scaling."""
    checkpoint = settings.work / "growth"
    if not checkpoint.exists():
        changes = {**settings.sizes.shape, "num_hidden_layers": settings.sizes.growth_layers}
        saving.make_checkpoint(checkpoint, settings.vocabulary, **changes)
    texts = read_texts(settings.documents, settings.sizes.host_documents)
    for words in settings.sizes.growth_words:
        case = {"grows": "document", "words": words}
        if not results.has(case):
            results.add(measure_length(settings, case, text_of_words(texts, words)))
    texts = texts[: settings.sizes.documents]
    total = count_words(texts)
    for size in settings.sizes.batch_sizes:
        case = {"grows": "batch", "documents": size}
        if not results.has(case):
            nlps = {name: make(checkpoint) for name, make in MAKERS.items()}
            results.add(measure_pipe(settings, case, nlps, texts, words=total, batch_size=size))
    for count in settings.sizes.heads:
        case = {"grows": "heads", "heads": count}
        if not results.has(case):
            heads = [f"tagger_{number}" for number in range(count)]
            docs = read_entity_docs(settings.entities, Vocab(), SHOWN_DOCS)
            nlps = {name: make(checkpoint, heads=heads, docs=docs) for name, make in MAKERS.items()}
            results.add(measure_pipe(settings, case, nlps, texts, words=total, batch_size=128))


def measure_length(settings: Settings, case: dict[str, Any], text: str) -> list[Measurement]:
    """Words per second and memory for one document, each side in its own process."""
    measured = []
    for name in MAKERS:
        if name != "ours" and case["words"] > settings.sizes.stock_growth_words:
            continue
        runs = [
            run_fresh(process_once, settings, name, text)
            for _ in range(1 if case["words"] > 1000 else settings.sizes.few_repeats)
        ]
        for quantity in ("words/s", "GiB"):
            values = tuple(found[quantity] for found in runs)
            measured.append(Measurement(case=case, who=name, quantity=quantity, values=values))
    return measured


def process_once(settings: Settings, name: str, text: str) -> dict[str, float]:
    """Process one document: words per second, and peak memory minus the memory before and the
    memory that the document keeps.
    """
    torch.set_num_threads(settings.threads)
    nlp = MAKERS[name](settings.work / "growth")
    nlp.max_length = len(text) + 1
    nlp("A short text comes first, because some things are made only once.")
    machine.reset_peak_memory()
    before = machine.peak_memory()
    seconds, doc = timed(nlp, text)
    data = doc._.trf_data
    kept = sum(np.asarray(array).nbytes for array in data.model_output.values())
    beyond = machine.peak_memory() - before - kept / machine.GIB
    return {"words/s": len(doc) / seconds, "GiB": max(beyond, 0.0)}


def measure_pipe(
    settings: Settings,
    case: dict[str, Any],
    nlps: dict[str, Any],
    texts: list[str],
    *,
    words: int,
    batch_size: int,
) -> list[Measurement]:
    """Words per second of both sides, interleaved."""

    def consume(nlp: Any) -> None:
        for _ in nlp.pipe(texts, batch_size=batch_size):
            pass

    runs = {name: lambda nlp=nlp: consume(nlp) for name, nlp in nlps.items()}
    repeats = settings.sizes.few_repeats
    return measure(Contenders(runs, {}), case, repeats=repeats, words=words)


def timed(nlp: Any, text: str) -> tuple[float, Any]:
    """Seconds, and the document."""
    start = time.perf_counter()
    doc = nlp(text)
    return time.perf_counter() - start, doc
