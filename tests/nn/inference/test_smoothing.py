"""Outliers of the input of int8 layers, against the layers in float64."""

import pytest
import torch
from torch.nn import functional

from spacy_deberta.nn import Precision
from spacy_deberta.nn.inference import int8_product, smoothing
from spacy_deberta.nn.inference.quantized_dense import prepare_quantized, quantize_weight
from spacy_deberta.nn.inference.smoothing import choose_factors
from tests.nn.common import model_like, packed_batch

ROWS, INPUTS, OUTPUTS = 200, 96, 64
CPU = torch.device("cpu")
INT8 = Precision(torch.float32, torch.int8)


def _operands(kind):
    torch.manual_seed(0)
    rows, weight = torch.randn(ROWS, INPUTS), torch.randn(OUTPUTS, INPUTS)
    if kind == "outliers":
        rows[:, [3, 40]] *= 50
    elif kind == "positive":
        rows = functional.gelu(2 * rows)
    return rows, weight


@pytest.mark.parametrize("bits", [7, 8])
@pytest.mark.parametrize("kind", ["even", "outliers", "positive"])
def test_the_expected_error_is_the_error(kind, bits, monkeypatch):
    # Without oneDNN, inputs have 8 bits on every processor.
    monkeypatch.setattr(int8_product, "_has_onednn", lambda: bits == 7)
    monkeypatch.setattr(int8_product, "has_vnni", lambda: False)
    rows, weight = _operands(kind)
    factors, zero, expected = choose_factors(weight, rows)
    exact = rows.double() @ weight.double().T
    errors = []
    for quantized in (quantize_weight(weight), quantize_weight(weight, factors, zero=zero)):
        dense = prepare_quantized(quantized, torch.zeros(OUTPUTS), dtype=torch.float32)
        errors.append(float((dense(rows).double() - exact).norm() / exact.norm()))
    assert errors[1] == pytest.approx(expected, rel=0.15)
    assert errors[1] < errors[0] * {"even": 1.02, "outliers": 0.6, "positive": 0.95}[kind]


def _error(model, pieces, *, smoothed):
    if not smoothed:
        model._embed_examples = None
    with torch.no_grad():
        exact = model.forward_packed(pieces).last_hidden_state
        with INT8.active(CPU):
            found = model.forward_packed(pieces).last_hidden_state
    return float((found - exact).norm() / exact.norm())


def _model(**changes):
    """A model with initial weights, but outliers in its normalizations."""
    model = model_like(**changes)
    model.init_weights(torch.Generator().manual_seed(0))
    with torch.no_grad():
        for layer in model.encoder.layer:
            layer.attention.output.LayerNorm.weight[[2, 17]] = 15.0
            layer.output.LayerNorm.weight[[5, 9]] = 15.0
    return model


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_outliers_of_normalizations_are_moved_to_the_weights(variant):
    pieces = packed_batch([31, 5, 64])
    smoothed, plain = (
        _error(_model(variant=variant), pieces, smoothed=smoothed) for smoothed in (True, False)
    )
    assert smoothed < 0.8 * plain


def test_a_layer_that_eight_bits_cannot_hold_stays_as_precise_as_the_rest(monkeypatch):
    pieces = packed_batch([31, 5, 64])
    quantized = _error(_model(), pieces, smoothed=True)
    monkeypatch.setattr(smoothing, "_LARGEST_ERROR", 0.0)
    assert _error(_model(), pieces, smoothed=True) < 1e-5 < quantized
