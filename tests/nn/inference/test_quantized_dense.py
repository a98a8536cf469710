"""Dense layers in int8, against the layers in float64."""

import warnings

import pytest
import torch
from torch.nn import functional

from spacy_deberta.nn.inference import int8_product
from spacy_deberta.nn.inference.quantized_dense import prepare_quantized, quantize_weight
from spacy_deberta.nn.ops.processor import has_vnni

INPUTS, OUTPUTS, ROWS = 96, 64, 70


@pytest.fixture(params=["8 bits", "7 bits", "without oneDNN"])
def kind(request, monkeypatch):
    """On every kind of processor: with VNNI, without it, and in a build without oneDNN."""
    if request.param == "8 bits" and not has_vnni():
        pytest.skip("needs VNNI")
    monkeypatch.setattr(int8_product, "has_vnni", lambda: request.param == "8 bits")
    if request.param == "without oneDNN":
        monkeypatch.setattr(int8_product, "_has_onednn", lambda: False)
    elif not int8_product._has_onednn():
        pytest.skip("needs oneDNN")
    return request.param


@pytest.fixture
def operands():
    torch.manual_seed(0)
    rows = torch.randn(ROWS, INPUTS)
    rows[3, 5] = 1000.0  # costs its own row only
    rows[7] = 0.0
    return rows, torch.randn(OUTPUTS, INPUTS), torch.randn(OUTPUTS)


def error(found, expected):
    """Relative error of each row."""
    difference = (found.double() - expected).norm(dim=1)
    return difference / expected.norm(dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_row_is_as_precise_as_its_bits(kind, operands, dtype):
    rows, weight, bias = operands
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as for the quantized tensors that torch will remove
        dense = prepare_quantized(quantize_weight(weight), bias, dtype=dtype)
        found = dense(rows)
    assert found.dtype == dtype
    bound = 0.03 if kind == "7 bits" else 0.02
    errors = error(found, functional.linear(rows.double(), weight.double(), bias.double()))
    usual = torch.arange(ROWS) != 3
    assert errors[usual].max() < bound
    assert 0.001 < errors[usual].median() < bound / 1.5


def test_positive_rows_have_nearly_all_integers(kind, operands):
    rows, weight, bias = operands
    rows = functional.gelu(3 * rows)
    expected = functional.linear(rows.double(), weight.double(), bias.double())
    symmetric, shifted = (
        prepare_quantized(quantize_weight(weight, zero=zero), bias, dtype=torch.float32)
        for zero in (128, 32)
    )
    assert error(shifted(rows), expected).median() < error(symmetric(rows), expected).median()
    residual = torch.randn(ROWS, OUTPUTS)
    together = shifted.add_to(residual, rows.clone())
    assert torch.allclose(together, shifted(rows) + residual, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_is_the_same_alone_and_in_any_batch(kind, operands, dtype, threads):
    rows, weight, bias = operands
    dense = prepare_quantized(quantize_weight(weight, zero=32), bias, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = dense(rows)
        for first, last in ((0, 1), (3, 5), (4, 21), (11, 44), (5, ROWS)):
            assert dense(rows[first:last]).equal(together[first:last])
        assert dense(rows[:0]).shape == (0, OUTPUTS)
    finally:
        torch.set_num_threads(before)


def test_no_sum_overflows(kind):
    """The largest integers of one sign: without VNNI, pairs are summed in 16 bits."""
    rows, weight = torch.full((40, 512), 3.0), torch.full((32, 512), 2.0)
    dense = prepare_quantized(quantize_weight(weight), torch.zeros(32), dtype=torch.float32)
    for sign in (1.0, -1.0):
        assert torch.allclose(dense(sign * rows), torch.full((40, 32), sign * 3072), rtol=1e-2)


def test_factors_move_an_outlier_to_the_weight(operands):
    rows, weight, bias = operands
    rows[:, 11] *= 30
    expected = functional.linear(rows.double(), weight.double(), bias.double())
    factors = torch.ones(INPUTS)
    factors[11] = 1 / 4
    errors = []
    for moved in (None, factors):
        quantized = quantize_weight(weight, moved)
        assert torch.allclose(quantized.dequantize(), weight, atol=0.05)
        dense = prepare_quantized(quantized, bias, dtype=torch.float32)
        errors.append(error(dense(rows), expected).median())
    assert errors[1] < errors[0] / 1.5


def test_rows_that_are_no_numbers_stay_so(kind, operands):
    rows, weight, bias = operands
    rows[2, 2], rows[4, 4] = float("nan"), float("inf")
    found = prepare_quantized(quantize_weight(weight), bias, dtype=torch.float32)(rows)
    assert (~found.isfinite()).any(dim=1).nonzero().flatten().tolist() == [2, 4]
