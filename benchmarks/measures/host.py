"""Preprocessing and alignment: tokenization, windows and splitting; the encoder returns zeros."""

from collections.abc import Callable
from functools import partial
from typing import Any

from spacy.tokens import Doc

from benchmarks.measures.corpora import read_texts
from benchmarks.measures.results import WRONG, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import CannotMeasureError, Workload, gather, measure
from benchmarks.peers import ours, spacy_transformers


def run(settings: Settings, results: Results) -> None:
    """Measure words per second of documents that spaCy has already tokenized."""
    texts = read_texts(settings.documents, settings.sizes.host_documents)
    sides: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
        "ours": (ours.make_pipeline, ours.without_encoder),
        "spacy-transformers": (
            spacy_transformers.make_pipeline,
            spacy_transformers.without_encoder,
        ),
    }
    nlps = {name: without(make(settings.checkpoint)) for name, (make, without) in sides.items()}
    docs = {name: [nlp.make_doc(text) for text in texts] for name, nlp in nlps.items()}
    words = sum(map(len, docs["ours"]))
    case = {"documents": len(texts), "words": words}
    if results.has(case):
        return
    builders = {name: partial(component_run, nlp, docs[name]) for name, nlp in nlps.items()}
    repeats = settings.sizes.repeats
    results.add(measure(gather(builders), case, repeats=repeats, words=words))


def component_run(nlp: Any, docs: list[Doc]) -> Workload:
    """The workload of the component on documents.

    Raises:
        CannotMeasureError: The encoder was not replaced.
    """
    pipe = nlp.get_pipe("transformer").pipe

    def process() -> None:
        for _ in pipe(docs, batch_size=nlp.batch_size):
            pass

    process()
    if any(doc._.trf_data.model_output.last_hidden_state.any() for doc in docs if len(doc)):
        raise CannotMeasureError("its encoder has run", WRONG)
    return process
