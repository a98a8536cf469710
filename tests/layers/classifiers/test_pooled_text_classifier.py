import numpy as np
import pytest
import torch
from thinc.api import Model, fix_random_seed, set_dropout_rate

from spacy_deberta.layers import TransformerData, pooled_text_classifier
from spacy_deberta.layers.listening.transformer_data import ModelOutput
from tests.layers.rows import WIDTH, batch

LABELS = 3
POOLING = ("cls", "mean", "attention")


def given_rows():
    """A fake listener, whose documents are their rows."""

    def forward(model, docs, is_train):
        return docs, lambda gradients: gradients

    return Model("given_rows", forward)


def make_model(**settings):
    fix_random_seed(0)
    settings = {
        "pooling": "mean",
        "exclusive_classes": True,
        "hidden_size": None,
        "dropout": None,
        "grad_factor": 1.0,
        "nO": None,
        **settings,
    }
    model = pooled_text_classifier(given_rows(), **settings)
    model.initialize(X=batch(), Y=np.zeros((len(batch()), LABELS), dtype="f"))
    rng = np.random.default_rng(0)
    for node in model.walk():
        for name in node.param_names:
            shape = node.get_param(name).shape
            node.set_param(name, rng.normal(size=shape).astype("f") * 0.7)
    return model


def parameters_of(model):
    return [(node, name) for node in model.walk() for name in node.param_names]


def pool(rows, query, pooling):
    """The definition in PyTorch. `rows` are `[CLS]`, pieces and `[SEP]`."""
    if rows is None:
        return torch.zeros(WIDTH, dtype=torch.float64)
    if pooling == "cls":
        return rows[0]
    pieces = rows[1:-1]
    if not len(pieces):
        return torch.zeros(WIDTH, dtype=torch.float64)
    if pooling == "mean":
        return pieces.mean(dim=0)
    return torch.softmax(pieces @ query, dim=0) @ pieces


def reference(model, docs, *, pooling, exclusive, hidden):
    """Scores by the definition, with the tensors for gradients: parameters and rows."""
    tensors = [
        torch.tensor(node.get_param(name), dtype=torch.float64, requires_grad=True)
        for node, name in parameters_of(model)
    ]
    by_name = {
        (node.name, name): tensor
        for (node, name), tensor in zip(parameters_of(model), tensors, strict=True)
    }
    states = [
        torch.tensor(doc.model_output.last_hidden_state, dtype=torch.float64, requires_grad=True)
        for doc in docs
        if "last_hidden_state" in doc.model_output
    ]
    remaining = iter(states)
    rows = []
    for doc in docs:
        if "last_hidden_state" not in doc.model_output:
            rows.append(None)
            continue
        length = int(doc.wordpieces.attention_mask.sum())
        rows.append(next(remaining)[0, :length])
    query = by_name.get(("para-attn", "Q"))
    X = torch.stack([pool(row, query, pooling) for row in rows])
    if hidden:
        X = X @ by_name["gelu", "W"].T + by_name["gelu", "b"]
        X = torch.nn.functional.gelu(X)
    output = "softmax" if exclusive else "linear"
    X = X @ by_name[output, "W"].T + by_name[output, "b"]
    return (torch.softmax(X, dim=-1) if exclusive else torch.sigmoid(X)), X, tensors, states


@pytest.mark.parametrize("hidden_size", [None, 4])
@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("pooling", POOLING)
def test_scores_and_gradients_are_those_of_autograd(pooling, exclusive, hidden_size):
    model = make_model(pooling=pooling, exclusive_classes=exclusive, hidden_size=hidden_size)
    docs = batch()
    scores, backprop = model.begin_update(docs)
    expected, logits, tensors, states = reference(
        model, docs, pooling=pooling, exclusive=exclusive, hidden=hidden_size
    )
    np.testing.assert_allclose(scores, expected.detach(), atol=1e-5)
    gradient = np.random.default_rng(5).normal(size=scores.shape).astype("f")
    found = backprop(gradient)
    # thinc's Softmax takes the gradient of the logits, which is `scores - truth`.
    end = logits if exclusive else expected
    end.backward(torch.tensor(gradient, dtype=torch.float64))
    for data, state in zip(found, states, strict=True):
        wanted = torch.zeros_like(state) if state.grad is None else state.grad
        np.testing.assert_allclose(data.model_output.last_hidden_state, wanted, atol=1e-5)
    for (node, name), tensor in zip(parameters_of(model), tensors, strict=True):
        np.testing.assert_allclose(node.get_grad(name), tensor.grad, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLING)
def test_documents_without_tokens_get_the_score_of_the_bias(pooling):
    model = make_model(pooling=pooling)
    bias = model.get_ref("output_layer").get_param("b")
    expected = np.exp(bias) / np.exp(bias).sum()
    for docs in (batch(), [TransformerData.empty()] * 2):
        np.testing.assert_allclose(model.predict(docs)[1], expected, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLING)
def test_a_document_is_scored_by_itself(pooling):
    model = make_model(pooling=pooling, hidden_size=4)
    together = model.predict(batch())
    alone = np.concatenate([model.predict([doc]) for doc in batch()])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_only_cls_reads_cls():
    changed = batch()
    for data in changed:
        if "last_hidden_state" in data.model_output:
            rows = data.model_output.last_hidden_state.copy()
            rows[0, 0] += 1.0
            data.model_output = ModelOutput(last_hidden_state=rows)
    for pooling in POOLING:
        model = make_model(pooling=pooling)
        same = np.allclose(model.predict(batch()), model.predict(changed))
        assert same == (pooling != "cls")


@pytest.mark.parametrize("exclusive", [True, False])
def test_labels_can_be_added_to_a_trained_model(exclusive):
    model = make_model(exclusive_classes=exclusive)
    before = model.predict(batch())
    assert model.attrs["resize_output"](model, LABELS + 1) is model
    after = model.predict(batch())
    assert model.get_dim("nO") == after.shape[1] == LABELS + 1
    assert after[:, -1].max() < 0.05
    if exclusive:
        before = before * (1.0 - after[:, -1:])
    np.testing.assert_allclose(after[:, :LABELS], before, atol=1e-5)
    assert model.get_ref("output_layer").get_dim("nO") == LABELS + 1
    # Of a copy, too, which has lost its references.
    copy = make_model(exclusive_classes=exclusive).copy()
    assert copy.attrs["resize_output"](copy, LABELS + 2).predict(batch()).shape[1] == LABELS + 2


def test_dropout_is_that_of_training_or_its_own():
    def differ(model):
        return not np.array_equal(model.begin_update(batch())[0], model.begin_update(batch())[0])

    model = make_model(dropout=None)
    assert not differ(model)
    set_dropout_rate(model, 0.5)
    assert differ(model)

    model = make_model(dropout=0.5)
    set_dropout_rate(model, 0.0)
    assert differ(model)
    np.testing.assert_array_equal(model.predict(batch()), model.predict(batch()))
    # Dropped values have no gradient; the others are scaled up.
    layer = next(node for node in model.walk() if node.name == "fixed_dropout")
    ones = np.ones((20, 20), dtype="f")
    Y, backprop = layer.begin_update(ones)
    assert set(np.unique(Y)) == {0.0, 2.0}
    np.testing.assert_array_equal(backprop(ones), Y)


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "max"},
        {"hidden_size": 0},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"grad_factor": -1.0},
    ],
)
def test_impossible_settings_are_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"E413.*'{name}'"):
        make_model(**settings)


def test_a_model_can_be_saved_and_read_again():
    model = make_model(pooling="attention", hidden_size=4)
    other = make_model(pooling="attention", hidden_size=4)
    for node, name in parameters_of(other):
        node.set_param(name, node.get_param(name) * 0)
    other.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(model.predict(batch()), other.predict(batch()))
