"""The encoder on a CUDA device: the same numbers as on the CPU."""

import pytest
import torch

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, PackedPieces, resolve_attention
from spacy_deberta.nn.attention import BatchLayout
from spacy_deberta.nn.relative_positions import slot_table
from tests.nn.common import attend

pytestmark = pytest.mark.gpu
LENGTHS = [3, 130, 64, 1, 300]


@pytest.fixture
def model(tiny_config):
    model = DebertaV2Model(DebertaV2Config.from_dict(tiny_config))
    model.init_weights(torch.Generator().manual_seed(0))
    return model.eval()


@pytest.fixture
def pieces():
    ids = torch.randint(4, 400, (sum(LENGTHS),), generator=torch.Generator().manual_seed(1))
    return PackedPieces.from_lengths(ids, LENGTHS)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
def test_rows_are_those_of_the_cpu(model, pieces, dtype, bound):
    with torch.no_grad():
        expected = model.forward_packed(pieces).last_hidden_state
        model.to("cuda")
        with torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32):
            found = model.forward_packed(pieces.to("cuda")).last_hidden_state
    torch.testing.assert_close(found.float().cpu(), expected, rtol=0, atol=bound)


def test_gradients_are_those_of_the_cpu(model, pieces):
    gradients = []
    for device in ("cpu", "cuda"):
        model.zero_grad()
        model.to(device)
        model.forward_packed(pieces.to(device)).last_hidden_state.square().sum().backward()
        gradients.append({k: p.grad.cpu() for k, p in model.named_parameters()})
    for key, expected in gradients[0].items():
        bound = 1e-3 * expected.abs().max().item()
        torch.testing.assert_close(gradients[1][key], expected, rtol=0, atol=bound)


def _attend(name, tensors, weights, lengths, device, dtype):
    """Context and gradients by a kernel, with the official table of positions."""
    config = DebertaV2Config(
        relative_attention=True, position_buckets=256, max_position_embeddings=512, vocab_size=9
    )
    slots = slot_table(max(lengths), config, torch.device(device))
    sums = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    cu_seqlens = torch.tensor(sums, dtype=torch.int32, device=device)
    layout = BatchLayout(tuple(lengths), cu_seqlens, weights.shape[1], slots)
    leaves = [x.to(device, dtype).clone().requires_grad_() for x in tensors]
    kernel = resolve_attention(name)
    context, _ = attend(kernel, leaves, kernel.plan(layout), scale=192**-0.5)
    context.backward(weights.to(device, dtype))
    return [x.double().cpu() for x in (context.detach(), *(leaf.grad for leaf in leaves))]


@pytest.mark.parametrize("head_dim", [32, 64, 128])
@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float32, 1e-5), (torch.float16, 4e-3), (torch.bfloat16, 3e-2)]
)
def test_triton_kernels(dtype, bound, head_dim):
    pytest.importorskip("triton")
    lengths, slots = [700, 0, 1, 130, 64, 33], 512 - 1
    generator = torch.Generator().manual_seed(0)
    shapes = [sum(lengths)] * 3 + [slots] * 2 + [sum(lengths)]
    draws = [torch.randn(rows, 3, head_dim, generator=generator) for rows in shapes]
    *tensors, weights = [x.to(dtype).double() for x in draws]
    expected = _attend("reference", tensors, weights, lengths, "cpu", torch.float64)
    found = _attend("triton", tensors, weights, lengths, "cuda", dtype)
    for actual, wanted in zip(found, expected, strict=True):
        allowed = bound * max(1.0, wanted.abs().max().item())
        torch.testing.assert_close(actual, wanted, rtol=0, atol=allowed)


def test_triton_does_not_wait_for_the_device():
    pytest.importorskip("triton")
    lengths = [70, 12]
    draws = [torch.randn(rows, 2, 64, device="cuda") for rows in (82, 82, 82, 139, 139, 82)]
    _attend("triton", draws[:5], draws[5], lengths, "cuda", torch.bfloat16)  # compiles
    config = DebertaV2Config(
        relative_attention=True, position_buckets=256, max_position_embeddings=512, vocab_size=9
    )
    cu_seqlens = torch.tensor([0, 70, 82], dtype=torch.int32, device="cuda")
    slots = slot_table(70, config, torch.device("cuda"))
    leaves = [x.to(torch.bfloat16).requires_grad_() for x in draws[:5]]
    kernel = resolve_attention("triton")
    torch.cuda.set_sync_debug_mode("error")
    try:
        plan = kernel.plan(BatchLayout(tuple(lengths), cu_seqlens, 2, slots))
        context, _ = attend(kernel, leaves, plan, scale=0.1, dropout=0.1)
        context.sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
