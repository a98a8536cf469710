"""Half precision, as weights and under autocast, against float32."""

import pytest
import torch

from spacy_deberta.nn import ATTENTION_KERNELS
from tests.nn.common import model_like, packed_batch

LENGTHS = [31, 5, 1, 64, 60]
# bfloat16 has 8 bits of mantissa, float16 has 11; two layers of random weights between.
NEAR = {torch.bfloat16: 0.1, torch.float16: 0.015}


def _far(actual, expected):
    """Norm of the difference of two tensors, relative to the norm of the expected one."""
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).norm() / expected.norm())


@pytest.mark.parametrize("attention", ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("grad", [False, True])
def test_half_precision_weights(variant, dtype, attention, grad):
    pieces, model = packed_batch(LENGTHS), model_like(variant, attention=attention)
    with torch.set_grad_enabled(grad):
        expected = model.forward_packed(pieces).last_hidden_state
        output = model.to(dtype).forward_packed(pieces, output_attentions=True)
        fused = model.forward_packed(pieces).last_hidden_state
    assert output.last_hidden_state.dtype == fused.dtype == dtype
    assert _far(output.last_hidden_state, expected) < NEAR[dtype]
    assert _far(fused, expected) < NEAR[dtype]
    assert output.attentions[0][3].dtype == dtype


@pytest.mark.parametrize("attention", ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_autocast(variant, attention):
    pieces, model = packed_batch(LENGTHS), model_like(variant, attention=attention)
    expected = model.forward_packed(pieces).last_hidden_state
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            assert _far(model.forward_packed(pieces).last_hidden_state, expected) < 0.1
        rows = model.train().forward_packed(pieces).last_hidden_state
    rows.float().square().sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(g.dtype == torch.float32 and bool(g.isfinite().all()) for g in gradients)


@pytest.mark.parametrize("attention", ATTENTION_KERNELS)
def test_gradients_in_bfloat16(attention):
    pieces = packed_batch(LENGTHS)
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        model = model_like(attention=attention).to(dtype)
        rows = model.forward_packed(pieces).last_hidden_state.float()
        (rows * torch.linspace(-1, 1, rows.numel()).view_as(rows)).sum().backward()
        gradients.append(model.encoder.rel_embeddings.weight.grad)
    assert _far(gradients[1], gradients[0]) < 0.25
