"""Our dropout: its rate, its mean, and its gradient."""

import pytest
import torch

from spacy_deberta.nn.ops.dropout import Dropout, drop_out


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_so_many_are_dropped_and_the_mean_stays(rate, dtype):
    torch.manual_seed(0)
    rows = drop_out(torch.ones(1001, 997, dtype=dtype), rate)
    assert rows.dtype == dtype
    dropped = (rows == 0).float()
    # Five standard deviations of a mean of a million draws.
    assert abs(dropped.mean() - rate) < 0.0025
    torch.testing.assert_close(rows.max().float(), torch.tensor(1 / (1 - rate)), rtol=0.01, atol=0)
    # Each of the numbers that are drawn together, and neighbours.
    flat = dropped.flatten()
    for lane in range(4):
        assert abs(flat[lane::4].mean() - rate) < 0.005
    assert abs((flat[1:] * flat[:-1]).mean() - rate**2) < 0.0025


def test_the_gradient_is_dropped_where_the_rows_are():
    rows = torch.randn(57, 33, dtype=torch.double, requires_grad=True)
    torch.manual_seed(0)
    output = drop_out(rows, 0.3)
    d_output = torch.randn_like(output)
    output.backward(d_output)
    factor = torch.where(output == 0, 0.0, output / rows).detach()
    torch.testing.assert_close(rows.grad, d_output * factor)
    assert set(factor.flatten().round(decimals=3).tolist()) == {0.0, 1.429}
    torch.manual_seed(0)
    assert torch.equal(drop_out(rows, 0.3), output)
    assert not torch.equal(drop_out(rows, 0.3), output)


def test_one_byte_is_kept_for_each_element():
    kept = []
    rows = torch.ones(64, 64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        drop_out(rows, 0.1)
    assert [tensor.nbytes for tensor in kept] == [64 * 64]


@pytest.mark.parametrize("rate", [0.0, 1e-7, 1 - 1e-7])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (5,)])
def test_extremes(rate, shape):
    rows = torch.ones(shape)
    output = drop_out(rows, rate)
    assert output.shape == shape
    assert torch.equal(drop_out(rows, 0.0), rows)


def test_the_module_drops_in_training_only():
    module, rows = Dropout(0.5), torch.ones(100)
    assert 10 < int((module(rows) == 0).sum()) < 90
    assert module.eval()(rows) is rows
