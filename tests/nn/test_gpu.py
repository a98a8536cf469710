"""The encoder on a CUDA device: the same numbers as on the CPU."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, PackedPieces, load_in, resolve_attention
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


GRAPH_LENGTHS = ([300, 64, 130, 3], [200, 200, 90, 7], [64] * 7 + [48])


@pytest.fixture
def with_graphs(tiny_config):
    pytest.importorskip("triton")
    config = DebertaV2Config.from_dict({**tiny_config, "num_attention_heads": 1})
    model = DebertaV2Model(config, attention="triton", cuda_graphs=True)
    model.init_weights(torch.Generator().manual_seed(0))
    return model.to("cuda").eval()


def _predict(model, lengths, dtype=torch.bfloat16, *, graphs=True):
    generator = torch.Generator().manual_seed(sum(lengths[1:]))
    ids = torch.randint(4, 400, (sum(lengths),), generator=generator)
    pieces = PackedPieces.from_lengths(ids, lengths).to("cuda")
    model.cuda_graphs = graphs
    with torch.no_grad(), torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
        return model.forward_packed(pieces).last_hidden_state


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.bfloat16, 5e-2)])
def test_graphs_are_replayed_for_each_batch_of_their_size(with_graphs, dtype, bound):
    graphs = with_graphs.encoder.prepared.graphs
    for lengths in GRAPH_LENGTHS * 2:
        expected = _predict(with_graphs, lengths, dtype, graphs=False)
        found = _predict(with_graphs, lengths, dtype)
        torch.testing.assert_close(found, expected, rtol=0, atol=bound)
    assert graphs.count == 1
    with torch.no_grad():
        with_graphs.encoder.layer[0].output.dense.weight.mul_(2)
    changed = _predict(with_graphs, lengths, dtype)
    assert not torch.allclose(changed, found, atol=bound)
    assert graphs.count == 0
    for _ in range(2):
        again = _predict(with_graphs, lengths, dtype)
        torch.testing.assert_close(again, changed, rtol=0, atol=bound)
    assert graphs.count == 1


def test_graphs_share_memory_and_their_results_do_not(with_graphs):
    batches = [[length] for length in (20, 100, 300, 700)]
    expected = [_predict(with_graphs, lengths, graphs=False) for lengths in batches]
    for _ in range(3):
        found = [_predict(with_graphs, lengths) for lengths in batches]
    assert with_graphs.encoder.prepared.graphs.count == len(batches)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5e-2)


def test_graphs_of_weights_in_half_precision(with_graphs):
    """They are widened for each product, into memory of the graph."""
    load_in(with_graphs.embeddings, with_graphs.encoder, "bf16")
    expected = _predict(with_graphs, [70, 12], torch.float32, graphs=False)
    for _ in range(4):
        found = _predict(with_graphs, [70, 12], torch.float32)
        torch.full((2**24,), float("nan"), device="cuda")  # overwrites what was freed
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    assert with_graphs.encoder.prepared.graphs.count == 1


def test_threads_with_graphs(with_graphs):
    batches = [[70, 12], [60, 22], [300], [5]] * 6
    expected = [_predict(with_graphs, lengths, graphs=False).cpu() for lengths in batches]

    def predict(lengths):
        with torch.cuda.stream(torch.cuda.Stream()):
            return _predict(with_graphs, lengths).cpu()

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(predict, batches))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5e-2)


def test_graphs_do_not_wait_for_the_device(with_graphs):
    for lengths in GRAPH_LENGTHS:
        _predict(with_graphs, lengths)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for lengths in GRAPH_LENGTHS:
            _predict(with_graphs, lengths)
    finally:
        torch.cuda.set_sync_debug_mode("default")
