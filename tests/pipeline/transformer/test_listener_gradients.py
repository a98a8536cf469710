import numpy as np
import pytest
import spacy
from thinc.api import chain, concatenate, list2ragged, reduce_mean

from spacy_deberta.architectures import deberta_v2_tok2vec_v1
from spacy_deberta.layers import piece_windows_v1
from spacy_deberta.pipeline.transformer.listener_gradients import ListenerGradients
from tests.layers.rows import document_data


def gradients(seed):
    """Output of a listener's backward pass: one gradient for each of two documents."""
    data = [document_data(pieces, seed=seed + pieces) for pieces in (3, 5)]
    return data, np.concatenate([d.model_output.last_hidden_state[0] for d in data])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_gradients_of_all_listeners_are_summed_once(order):
    calls = []
    collected = ListenerGradients(3, lambda rows, squares: calls.append((rows, squares)))
    listeners = [*(gradients(seed) for seed in (1, 20)), ([], None)]
    for i in order:
        assert not calls
        collected.add(listeners[i][0])
    ((rows, squares),) = calls
    one, other = listeners[0][1], listeners[1][1]
    np.testing.assert_allclose(rows, one + other, rtol=1e-6)
    assert squares == pytest.approx((one**2).sum() + (other**2).sum(), rel=1e-5)
    collected.backprop()
    assert len(calls) == 1


def test_the_gradients_of_a_listener_stay_as_they_are():
    data, rows = gradients(1)
    collected = ListenerGradients(2, lambda *_: None)
    collected.add(data)
    collected.add(gradients(2)[0])
    kept = np.concatenate([d.model_output.last_hidden_state[0] for d in data])
    assert (kept == rows).all()


def test_updates_of_several_encoders_do_not_change_the_documents(tiny_checkpoint):
    nlp = spacy.blank("en")
    docs = [nlp.make_doc("Mira left."), nlp.make_doc("Nobody expected it!")]
    layers = [
        deberta_v2_tok2vec_v1(piece_windows_v1(), reduce_mean(), name=str(tiny_checkpoint))
        for _ in range(2)
    ]
    model = chain(concatenate(*layers), list2ragged(), reduce_mean())
    for layer in layers:
        layer.initialize(docs)
    given = list(docs)
    rows, backprop = model.begin_update(given)
    backprop(np.ones_like(rows))
    assert given == docs
