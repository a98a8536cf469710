"""Dense layers prepared for prediction, against the layers themselves."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from spacy_deberta.nn import Precision
from spacy_deberta.nn.inference.prepared_dense import prepare_dense, prepare_together
from spacy_deberta.nn.ops.activations import ACTIVATIONS

INPUTS, OUTPUTS = 64, 96
ERRORS = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}


@pytest.fixture
def dense():
    torch.manual_seed(0)
    return nn.Linear(INPUTS, OUTPUTS)


@pytest.fixture(params=[True, False], ids=["oneDNN", "plain"])
def with_onednn(request, monkeypatch):
    """With oneDNN where the processor has it, and with torch's own layers."""
    if request.param and not torch.backends.mkldnn.is_available():
        pytest.skip("needs oneDNN")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: request.param)
    return request.param


@pytest.mark.parametrize("rows", [0, 1, 3, 1500])
@pytest.mark.parametrize("activation", [None, "gelu", "gelu_new", "relu"])
@pytest.mark.parametrize("dtype", ERRORS)
@torch.no_grad()
def test_a_prepared_layer_computes_what_the_layer_does(dtype, activation, rows, dense, with_onednn):
    function = ACTIVATIONS[activation or "linear"]
    prepared = prepare_dense(
        dense, Precision(dtype, dtype), None if activation is None else function
    )
    inputs = torch.randn(rows, INPUTS)
    kept = inputs.clone()
    found, expected = prepared(inputs), function(dense(inputs))
    assert found.dtype == dtype
    assert found.shape == expected.shape
    assert torch.allclose(found.float(), expected, atol=ERRORS[dtype], rtol=ERRORS[dtype])
    assert torch.equal(inputs, kept)


@pytest.mark.parametrize("dtype", ERRORS)
@torch.no_grad()
def test_layers_together_give_what_each_gives(dtype, with_onednn):
    layers = [nn.Linear(INPUTS, INPUTS) for _ in range(3)]
    inputs = torch.randn(17, INPUTS)
    found = prepare_together(layers, Precision(dtype, dtype))(inputs)
    for one, layer in zip(found, layers, strict=True):
        assert torch.allclose(one.float(), layer(inputs), atol=ERRORS[dtype], rtol=ERRORS[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_onednn_is_called_once_for_a_layer_and_its_activation(dtype, dense):
    if not torch.backends.mkldnn.is_available():
        pytest.skip("needs oneDNN")
    if dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("needs a processor with AVX512")
    prepared = prepare_dense(dense, Precision(dtype, dtype), functional.gelu)
    with torch.no_grad(), torch.profiler.profile() as calls:
        prepared(torch.randn(5, INPUTS))
    names = {event.key for event in calls.key_averages()}
    assert "mkldnn::_linear_pointwise" in names
    assert not names & {"aten::linear", "aten::gelu", "aten::gelu_"}
