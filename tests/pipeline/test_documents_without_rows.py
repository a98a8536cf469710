"""Documents without tokens, and documents without spans of the span getter."""

import numpy as np
import pytest
import spacy
from spacy.training import Example

from tests.pipeline.pipelines import FACTORIES, make_pipeline, make_trained

WIDTH = 32


@spacy.registry.span_getters("tests.marked_spans.v1")  # type: ignore[attr-defined]
def marked_spans():
    """A span getter that takes the sentences with an exclamation mark only."""
    return lambda docs: [[doc[:]] if "!" in doc.text else [] for doc in docs]


def marked_pipeline(checkpoint, factory, **settings):
    getter = {"@span_getters": "tests.marked_spans.v1"}
    nlp = make_pipeline(
        checkpoint, factory=factory, heads=("tagger",), get_spans=getter, **settings
    )
    nlp.initialize(lambda: tagged(nlp, ["Mira left", "Nobody expected it !"]))
    return nlp


def tagged(nlp, texts):
    docs = [nlp.make_doc(text) for text in texts]
    return [
        Example.from_dict(doc, {"tags": ["ODD" if t.i % 2 else "EVEN" for t in doc]})
        for doc in docs
    ]


@pytest.mark.parametrize("settings", [{}, {"max_batch_pieces": 4}])
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.filterwarnings("ignore:.*W401")
def test_a_batch_without_spans_of_the_span_getter(factory, settings, tiny_checkpoint):
    nlp = marked_pipeline(tiny_checkpoint, factory, **settings)
    with pytest.warns(UserWarning, match="W401"):
        docs = list(nlp.pipe(["Mira left", "  ", "Mira left Lyon"]))
    for doc in docs:
        rows = doc._.trf_data.model_output.last_hidden_state
        assert rows.shape[0] == 1
        assert rows.shape[2] == WIDTH
        assert not rows.any()
    gradients = []

    def collect(key, weights, gradient):
        gradients.append(gradient.copy())
        return weights, gradient

    nlp.update(tagged(nlp, ["Mira left", "Mira left Lyon"]), sgd=False)
    nlp.get_pipe("transformer").finish_update(collect)
    assert not any(gradient.any() for gradient in gradients)
    nlp.update(tagged(nlp, ["Mira left", "Nobody expected it !"]), sgd=False)
    nlp.get_pipe("tagger").finish_update(nlp.create_optimizer())
    nlp.update(tagged(nlp, ["Mira left", "Nobody expected it !"]), sgd=False)
    nlp.get_pipe("transformer").finish_update(collect)
    assert any(gradient.any() for gradient in gradients)


@pytest.mark.filterwarnings("ignore:.*W401")
def test_the_others_of_a_batch_keep_their_rows(tiny_checkpoint):
    nlp = marked_pipeline(tiny_checkpoint, "deberta")
    text = "Nobody expected it !"
    alone = nlp(text)._.trf_data.model_output.last_hidden_state
    assert alone.any()
    docs = list(nlp.pipe(["Mira left", text, ""]))
    together = docs[1]._.trf_data.model_output.last_hidden_state
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("texts", [[""], ["", "Mira left Lyon.", "", " "]])
@pytest.mark.parametrize("layers", [False, True])
def test_a_document_without_tokens_has_no_rows_but_a_width(layers, texts, tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, heads=("tagger",), output_hidden_states=layers)
    for doc in [*nlp.pipe(texts), *nlp.pipe(texts, n_process=2, batch_size=2)]:
        output = doc._.trf_data.model_output
        tensors = [output.last_hidden_state, output["last_hidden_state"]]
        if layers:
            assert len(output.hidden_states) == 3
            tensors += output.hidden_states
        for rows in tensors:
            assert rows.dtype == np.float32
            assert rows.shape == (1, rows.shape[1], WIDTH)
            assert (rows.shape[1] == 0) == (len(doc) == 0)
        assert doc._.trf_data.tensors[0] is output.last_hidden_state


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_frozen_encoder_annotates_documents_without_tokens(factory, tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, factory=factory, heads=("tagger",))
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    history = []
    for _ in range(5):
        examples = tagged(nlp, ["", "Mira left", ""])
        for example in examples:
            for token in example.reference:
                token.tag_ = "LOW"
        losses = nlp.update(
            examples, sgd=optimizer, exclude=["transformer"], annotates=["transformer"]
        )
        history.append(losses["tagger"])
    assert history[-1] < history[0]
