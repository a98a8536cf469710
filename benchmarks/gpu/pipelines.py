"""Stage 2: words per second of `nlp.pipe` and `nlp.update`, and where the time goes."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import spacy
import torch
from spacy.util import fix_random_seed, minibatch
from spacy.vocab import Vocab
from thinc.api import Model

from benchmarks.gpu.run import Run
from benchmarks.measures.corpora import (
    batch_of_words,
    count_words,
    make_examples,
    read_entity_docs,
    read_texts,
)
from benchmarks.measures.results import Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError, Workload, gather, measure
from benchmarks.measures.workers import Step, Worker
from benchmarks.peers import ours, spacy_transformers
from benchmarks.peers.pipelines import make_optimizer
from spacy_deberta.layers import get_encoder

# By contender: whose pipeline, and whether the encoder alone is on the GPU, without CuPy.
SIDES = {
    "ours, auto": ("ours", False),
    "ours, auto, device": ("ours", True),
    "spacy-transformers": ("stock", False),
}
GRAPH_SIDES = {
    "ours, auto, device": ("ours", True),
    "ours, auto, device, graphs": ("graphs", True),
}
DROPOUT = 0.1
READ_DOCS = 500
# Layers by the name of thinc's model, and what they are in the results.
LAYERS = {
    "doc_tokenizer": "tokenizer",
    "deberta_encoder": "encoder",
    "doc_outputs": "rows of documents",
    "transformer-listener": "listener",
}


def run(run: Run, results: Results) -> None:
    """Measure prediction, training, and the parts of prediction."""
    texts = read_texts(run.inputs.texts, run.settings.sizes.documents)
    case: dict[str, Any] = {"what": "pipe", "documents": len(texts), "words": count_words(texts)}
    run.measure(results, case, partial(compare, run, case, make_pipe_step))
    docs = read_entity_docs(run.settings.entities, Vocab(), READ_DOCS)
    words = sum(map(len, batch_of_words(docs, run.settings.sizes.training_words)))
    case = {"what": "update", "words": words}
    run.measure(results, case, partial(compare, run, case, make_update_step))
    for is_own in (False, True):
        case = {"what": "parts", "device": "device" if is_own else "gpu-id"}
        run.measure(results, case, partial(measure_parts, run, case, is_own=is_own))


def run_graphs(run: Run, results: Results) -> None:
    """Measure prediction with and without CUDA graphs."""
    texts = read_texts(run.inputs.texts, run.settings.sizes.documents)
    case = {"what": "pipe, graphs", "documents": len(texts), "words": count_words(texts)}
    run.measure(results, case, partial(compare, run, case, make_pipe_step, GRAPH_SIDES))


def compare(
    run: Run,
    case: dict[str, Any],
    make: Callable[..., Step],
    sides: Mapping[str, tuple[str, bool]] = SIDES,
) -> list[Measurement]:
    """Words per second of all contenders, each in a process of its own, in turns."""
    repeats = run.settings.sizes.few_repeats
    with ExitStack() as stack:

        def start(side: str, is_own: bool) -> Workload:
            work = build(stack, run, make, side, is_own)
            # Kernels are compiled, and memory is allocated.
            work()
            return work

        contenders = gather({name: partial(_tried, start, *side) for name, side in sides.items()})
        return measure(contenders, case, repeats=repeats, words=case["words"])


def build(
    stack: ExitStack, run: Run, make: Callable[..., Step], side: str, is_own: bool
) -> Workload:
    """Build a workload in a process of its own; with `quick` here, which saves its start."""
    if run.quick:
        return make(run.settings, side, run.device, is_own)
    worker = stack.enter_context(Worker(make, run.settings, side, run.device, is_own))
    worker.wait_until_built()
    return worker.run


def _tried(start: Callable[..., Workload], *side: Any) -> Workload:
    try:
        return start(*side)
    except RuntimeError as error:
        raise CannotMeasureError(str(error).splitlines()[0][:300]) from error


def make_nlp(settings: Settings, side: str, device: str, is_own: bool) -> Any:
    """A pipeline with an entity recognizer, on the GPU as a whole or with its encoder only.

    Raises:
        CannotMeasureError: CuPy is not installed.
    """
    torch.set_num_threads(settings.threads)
    if device == "cuda" and not is_own:
        try:
            spacy.require_gpu(0)
        except ValueError as error:
            raise CannotMeasureError("CuPy is not installed") from error
    fix_random_seed(0)
    docs = read_entity_docs(settings.entities, Vocab(), READ_DOCS)
    if side == "stock":
        return spacy_transformers.make_pipeline(settings.checkpoint, heads=("ner",), docs=docs)
    nlp = ours.make_pipeline(
        settings.checkpoint,
        precision="auto",
        heads=("ner",),
        docs=docs,
        device=device if is_own else None,
    )
    get_encoder(nlp.get_pipe("transformer").model).cuda_graphs = side == "graphs"
    return nlp


def make_pipe_step(settings: Settings, side: str, device: str, is_own: bool) -> Step:
    """A function that processes all texts."""
    nlp = make_nlp(settings, side, device, is_own)
    texts = read_texts(settings.documents, settings.sizes.documents)

    def step() -> None:
        for _ in nlp.pipe(texts):
            pass
        synchronize(device)

    return step


def make_update_step(settings: Settings, side: str, device: str, is_own: bool) -> Step:
    """A function that makes one update."""
    nlp = make_nlp(settings, side, device, is_own)
    docs = read_entity_docs(settings.entities, nlp.vocab, READ_DOCS)
    batch = batch_of_words(docs, settings.sizes.training_words)
    optimizer = make_optimizer()

    def step() -> None:
        nlp.update(make_examples(nlp, batch), sgd=optimizer, drop=DROPOUT)
        synchronize(device)

    return step


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device == "cuda":
        torch.cuda.synchronize()


def measure_parts(run: Run, case: dict[str, Any], *, is_own: bool) -> list[Measurement]:
    """Seconds of each part of `nlp.pipe`."""
    with ExitStack() as stack:
        work = build(stack, run, make_parts_step, "ours", is_own)
        work()
        repeats = [work() for _ in range(run.settings.sizes.few_repeats)]
    return [
        Measurement(case={**case, "part": part}, who="ours", values=tuple(r[part] for r in repeats))
        for part in repeats[0]
    ] + [Measurement(case=case, who="ours", values=tuple(sum(r.values()) for r in repeats))]


def make_parts_step(settings: Settings, side: str, device: str, is_own: bool) -> Step:
    """A function that processes all texts, and returns the seconds of each part.

    The device is waited for before and after each part, so the sum is more than `nlp.pipe` takes.
    """
    nlp = make_nlp(settings, side, device, is_own)
    texts = read_texts(settings.documents, settings.sizes.documents)
    seconds: defaultdict[str, float] = defaultdict(float)
    for name, component in nlp.pipeline:
        for node in component.model.walk():
            if node.name in LAYERS:
                _time_node(node, LAYERS[node.name], name, seconds, device)

    def step() -> dict[str, float]:
        seconds.clear()
        for batch in minibatch(texts, nlp.batch_size):
            start = time.perf_counter()
            docs = [nlp.make_doc(text) for text in batch]
            seconds["spaCy's tokenizer"] += time.perf_counter() - start
            for name, component in nlp.pipeline:
                synchronize(device)
                start = time.perf_counter()
                docs = list(component.pipe(docs, batch_size=nlp.batch_size))
                synchronize(device)
                seconds[f"rest of {name}"] += time.perf_counter() - start
        return dict(seconds)

    return step


def _time_node(
    node: Model, part: str, component: str, seconds: defaultdict[str, float], device: str
) -> None:
    """Count the time of a layer as a part of its own, and not as that of its component."""
    forward = node._func

    def timed(model: Model, inputs: Any, is_train: bool) -> Any:
        synchronize(device)
        start = time.perf_counter()
        outputs = forward(model, inputs, is_train)
        synchronize(device)
        passed = time.perf_counter() - start
        seconds[part] += passed
        seconds[f"rest of {component}"] -= passed
        return outputs

    node._func = timed
