"""`spacy deberta annotate`: against a plain loop, two processes against one, and its memory."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spacy
import torch

from benchmarks.measures import machine
from benchmarks.measures.corpora import count_words, read_entity_docs, read_texts
from benchmarks.measures.results import Case, Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.workers import run_fresh
from benchmarks.peers import ours
from spacy_deberta.annotation import Counts, annotate, make_job

# Enough batches for two processes, and short enough that both end at about the same time.
BATCH_SIZE, DOCUMENTS = 4, 4
LABELLED = 50


def run(settings: Settings, results: Results) -> None:
    """Measure words per second, and then memory."""
    texts = read_texts(settings.documents, settings.sizes.documents * DOCUMENTS)
    case: Case = {"what": "speed", "documents": len(texts), "words": count_words(texts)}
    if not results.has(case):
        results.add(measure_speed(settings, texts, case))
    for count in settings.sizes.annotation_texts:
        case = {"what": "memory", "texts": count}
        if not results.has(case):
            peak = run_fresh(peak_memory, settings.work, count)
            results.add([Measurement(case=case, who="ours", quantity="GiB", values=(peak,))])


def measure_speed(settings: Settings, texts: list[str], case: Case) -> list[Measurement]:
    """Words per second of a loop and of one process with all threads, and of one and two processes
    with one thread each, interleaved; without loading the pipeline.
    """
    pipeline = settings.work / "annotation" / "pipeline"
    pipeline.parent.mkdir(parents=True, exist_ok=True)
    docs = read_entity_docs(settings.entities, spacy.blank("en").vocab, LABELLED)
    ours.make_pipeline(settings.checkpoint, heads=["ner"], docs=docs).to_disk(pipeline)
    nlp = spacy.load(pipeline)
    source = write_texts(settings.work / "annotation" / "texts.jsonl", texts)

    def process(workers: int) -> float:
        return seconds_of_job(pipeline, source, workers=workers)

    runs: dict[str, tuple[int, Callable[[], float]]] = {
        "nlp.pipe": (settings.threads, lambda: seconds_of_loop(nlp, texts)),
        "ours": (settings.threads, lambda: process(1)),
        "ours, one thread": (1, lambda: process(1)),
        # Two threads are divided among the two.
        "ours, two processes": (2, lambda: process(2)),
    }
    values: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(settings.sizes.few_repeats):
        for name, (threads, seconds) in runs.items():
            with threads_set(threads):
                values[name].append(case["words"] / seconds())
    return [
        Measurement(case=case, who=name, quantity="words/s", values=tuple(found))
        for name, found in values.items()
    ]


def seconds_of_loop(nlp: Any, texts: Sequence[str]) -> float:
    """Seconds of a plain loop."""
    before = time.perf_counter()
    for _ in nlp.pipe(texts, batch_size=BATCH_SIZE):
        pass
    return time.perf_counter() - before


def seconds_of_job(pipeline: Path, source: Path, *, workers: int) -> float:
    """Seconds from the start of the annotation to its end."""
    report = Stopwatch()
    output = source.with_name("annotated")
    job = make_job(str(pipeline), [source], output, batch_size=BATCH_SIZE, workers=workers)
    annotate(job, report, overwrite=True)
    return time.perf_counter() - report.started


def peak_memory(folder: Path, count: int) -> float:
    """Peak memory of annotating with a blank pipeline, minus the memory before, in GiB.

    Every text has words that no other one has.
    """
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    (folder / "annotation").mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder / "annotation" / "blank")
    texts = (f"Number {n} is x{n}y, and its square is {n * n}z." for n in range(count))
    source = write_texts(folder / "annotation" / f"{count}.jsonl", texts)
    pipeline, output = folder / "annotation" / "blank", folder / "annotation" / str(count)
    job = make_job(str(pipeline), [source], output, workers=1)
    machine.reset_peak_memory()
    before = machine.peak_memory()
    annotate(job, Stopwatch(), overwrite=True)
    return max(machine.peak_memory() - before, 0.0)


def write_texts(path: Path, texts: Sequence[str] | Iterator[str]) -> Path:
    """Write texts as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    return path


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """Run PyTorch with a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Stopwatch:
    """A report of the progress that only notes when the annotation starts."""

    def __init__(self) -> None:
        self.started = 0.0

    def start(self, bytes_read: int, total_bytes: int) -> None:
        """The pipeline is loaded."""
        self.started = time.perf_counter()

    def say(self, text: str) -> None:
        """Nothing is shown."""

    def advance(self, counts: Counts, bytes_read: int) -> None:
        """Nothing is shown."""
