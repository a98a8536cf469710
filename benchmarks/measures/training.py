"""A training step of encoder and entity recognizer: words per second, and memory.

Each side has its own process, for its own peak memory; their steps are interleaved.
"""

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from spacy.tokens import Doc
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

from benchmarks.measures import machine
from benchmarks.measures.corpora import batch_of_words, make_examples, read_entity_docs
from benchmarks.measures.results import Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError, Workload, gather, interleave, not_here
from benchmarks.measures.workers import Step, Worker
from benchmarks.peers import ours, spacy_transformers
from benchmarks.peers.pipelines import make_optimizer

# By contender: the package of the pipeline, and its precision.
SIDES = {
    "ours": ("ours", "fp32"),
    "ours, bf16": ("ours", "bf16"),
    "spacy-transformers": ("stock", "fp32"),
}
# Enough for a batch and all labels.
READ_DOCS = 1000
DROPOUT = 0.1
# Steps that are not timed: the first allocates the optimizer's state, and memory settles after it.
WARM_UP = 3


def run(settings: Settings, results: Results) -> None:
    """Measure on the CPU, and on the GPU if there is one."""
    words = sum(map(len, training_batch(settings, Vocab())))
    for device in ("cpu", "cuda"):
        case = {"device": device, "words": words}
        if not results.has(case):
            results.add(measure_device(settings, case))


def measure_device(settings: Settings, case: dict[str, Any]) -> list[Measurement]:
    """Words per second and peak memory of all contenders on one device."""
    measured: list[Measurement] = []
    with ExitStack() as stack:
        contenders = gather(
            {name: partial(start, stack, settings, name, case["device"]) for name in SIDES}
        )
        peaks: dict[str, list[float]] = {name: [] for name in contenders.runs}
        runs = {
            name: lambda name=name, run=run: peaks[name].append(run())
            for name, run in contenders.runs.items()
        }
        for _ in range(WARM_UP):
            for run in runs.values():
                run()
        seconds = interleave(runs, repeats=settings.sizes.training_repeats)
    for name, error in contenders.absent.items():
        measured += [error.as_measurement(case, name, unit) for unit in ("words/s", "GiB")]
    for name, values in seconds.items():
        speed = tuple(case["words"] / value for value in values)
        measured.append(Measurement(case=case, who=name, quantity="words/s", values=speed))
        # The maximum of all steps, because later steps reuse the memory of the first one.
        peak = (max(peaks[name]),)
        measured.append(Measurement(case=case, who=name, quantity="GiB", values=peak))
    return measured


def start(stack: ExitStack, settings: Settings, name: str, device: str) -> Workload:
    """Start a process that trains, and ends with the stack; returns its workload.

    Raises:
        CannotMeasureError: The hardware does not support it, or the process has died.
    """
    side, precision = SIDES[name]
    if why := why_not(device, precision):
        raise not_here(why)
    worker = stack.enter_context(Worker(make_step, settings, side, precision, device))
    worker.wait_until_built()
    return worker.run


def why_not(device: str, precision: str) -> str:
    """Why the hardware does not support it; empty if it does."""
    if device == "cuda":
        return machine.why_no_gpu()
    return machine.why_no_bf16() if precision == "bf16" else ""


def training_batch(settings: Settings, vocab: Vocab) -> list[Doc]:
    """The documents of one step."""
    docs = read_entity_docs(settings.entities, vocab, READ_DOCS)
    return batch_of_words(docs, settings.sizes.training_words)


def make_step(settings: Settings, side: str, precision: str, device: str) -> Step:
    """Make a pipeline and its update step; run in its own process.

    Args:
        settings: The data.
        side: `"ours"` or `"stock"`.
        precision: Ours only.
        device: `"cpu"` or `"cuda"`.

    Returns:
        A function that does one update, synchronizes with the device, and returns the peak memory
        so far in GiB: of the process, or of the device.
    """
    torch.set_num_threads(settings.threads)
    if device == "cuda":
        _use_gpu()
    fix_random_seed(0)
    docs = read_entity_docs(settings.entities, Vocab(), READ_DOCS)
    if side == "ours":
        nlp = ours.make_pipeline(
            settings.checkpoint, precision=precision, heads=("ner",), docs=docs
        )
    else:
        nlp = spacy_transformers.make_pipeline(settings.checkpoint, heads=("ner",), docs=docs)
    optimizer = make_optimizer()
    batch = training_batch(settings, nlp.vocab)
    machine.reset_peak_memory()

    def step() -> float:
        nlp.update(make_examples(nlp, batch), sgd=optimizer, drop=DROPOUT)
        if device == "cuda":
            torch.cuda.synchronize()
            return torch.cuda.max_memory_allocated() / machine.GIB
        return machine.peak_memory()

    return step


def _use_gpu() -> None:
    import spacy

    try:
        spacy.require_gpu()
    except ValueError as error:
        why = "CuPy is not installed: pip install -r benchmarks/requirements-gpu.txt"
        raise CannotMeasureError(why) from error
