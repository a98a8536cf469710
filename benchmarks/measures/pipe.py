"""`nlp.pipe` on real documents of mixed length."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measures import machine, small_pipes
from benchmarks.measures.corpora import count_words, read_texts
from benchmarks.measures.results import WRONG, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError, Workload, gather, measure, not_here
from benchmarks.peers import huggingface, onnx, ours, spacy_transformers

# Maximum relative error of hidden states, against Hugging Face's.
TOLERANCES = {
    "ours, auto": 1e-1,
    "ours, int8": 1e-1,
    "spacy-transformers, onnxruntime int8": 1e-1,
}
TOLERANCE = 1e-3
# Fits into one window on both sides, so the hidden states must be equal.
TEXT = "The committee adopted the report of the working group on trade."


def run(settings: Settings, results: Results) -> None:
    """Measure words per second, and then short texts and small models."""
    _run_documents(settings, results)
    small_pipes.run(settings, results)


def _run_documents(settings: Settings, results: Results) -> None:
    sizes = settings.sizes
    texts = read_texts(settings.documents, sizes.documents)
    case = {"documents": len(texts), "words": count_words(texts)}
    if results.has(case):
        return
    encoder = huggingface.load_encoder(settings.checkpoint)
    expected = huggingface.rows_of_text(encoder, settings.checkpoint, TEXT).numpy()
    del encoder

    def build(name: str) -> Workload:
        nlp = PIPELINES[name](settings)
        check_rows(nlp, expected, TOLERANCES.get(name, TOLERANCE))
        return lambda: consume(nlp, texts)

    contenders = gather({name: partial(build, name) for name in PIPELINES})
    results.add(measure(contenders, case, repeats=sizes.few_repeats, words=case["words"]))


def make_ours(settings: Settings) -> Any:
    """Ours, exact."""
    return ours.make_pipeline(settings.checkpoint)


def make_ours_auto(settings: Settings) -> Any:
    """Ours, with `precision = "auto"`.

    Raises:
        CannotMeasureError: "auto" is fp32 here.
    """
    if why := machine.why_auto_is_fp32():
        raise not_here(why)
    return ours.make_pipeline(settings.checkpoint, precision="auto")


def make_ours_int8(settings: Settings) -> Any:
    """Ours, with int8 quantization."""
    return ours.make_pipeline(settings.checkpoint, precision="int8")


def make_stock(settings: Settings) -> Any:
    """spacy-transformers."""
    return spacy_transformers.make_pipeline(settings.checkpoint)


def make_onnx(settings: Settings, load: Any = onnx.load_encoder) -> Any:
    """spacy-transformers, with ONNX Runtime instead of Hugging Face's encoder."""
    encoder = load(
        huggingface.load_encoder(settings.checkpoint),
        settings.work / "encoder.onnx",
        threads=settings.threads,
    )
    return spacy_transformers.with_onnx(make_stock(settings), encoder)


def make_onnx_int8(settings: Settings) -> Any:
    """The same with its dynamic int8 quantization."""
    return make_onnx(settings, onnx.load_int8_encoder)


PIPELINES: dict[str, Callable[[Settings], Any]] = {
    "ours": make_ours,
    "ours, auto": make_ours_auto,
    "ours, int8": make_ours_int8,
    "spacy-transformers": make_stock,
    "spacy-transformers, onnxruntime": make_onnx,
    "spacy-transformers, onnxruntime int8": make_onnx_int8,
}


def check_rows(nlp: Any, expected: np.ndarray, tolerance: float) -> None:
    """Compare the hidden states of one text with Hugging Face's.

    Raises:
        CannotMeasureError: They are incorrect.
    """
    error = np.linalg.norm(rows_of(nlp, TEXT) - expected) / np.linalg.norm(expected)
    if error > tolerance:
        raise CannotMeasureError(f"its rows differ from Hugging Face's by {error:.1g}", WRONG)


def consume(nlp: Any, texts: Sequence[str]) -> None:
    """Process texts, and drop each document, like a user who streams them."""
    for _ in nlp.pipe(texts):
        pass


def rows_of(nlp: Any, text: str) -> np.ndarray:
    """The hidden states of a text, (rows, width): `[CLS]`, its pieces and `[SEP]`."""
    data = nlp(text)._.trf_data
    return np.asarray(data.model_output.last_hidden_state).reshape(-1, data.width)
