"""The Triton kernels against `reference`: interpreted on the CPU, or compiled where a GPU is."""

import json
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, PackedPieces, resolve_attention
from spacy_deberta.nn.attention import BatchLayout
from spacy_deberta.nn.relative_positions import slot_table
from tests.nn.attention.triton_interpreter import exact_bfloat16
from tests.nn.common import attend, close

pytest.importorskip("triton")
from spacy_deberta.nn.attention.triton.attention import TritonAttention

pytestmark = pytest.mark.slow

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NEAR = DebertaV2Config(
    relative_attention=True, position_buckets=4, max_position_embeddings=16, vocab_size=9
)
OFFICIAL = DebertaV2Config(
    relative_attention=True, position_buckets=256, max_position_embeddings=512, vocab_size=9
)
SMALL = TritonAttention(block=16)


@pytest.fixture(autouse=True)
def _exact_bfloat16(monkeypatch):
    if DEVICE.type == "cpu":
        exact_bfloat16(monkeypatch)


def _layout(lengths, config, heads=1, *, relative=True):
    sums = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    longest = max(lengths, default=0)
    slots = slot_table(longest, config, DEVICE) if relative and longest else None
    cu_seqlens = torch.tensor(sums, dtype=torch.int32, device=DEVICE)
    return BatchLayout(tuple(lengths), cu_seqlens, heads, slots)


def _draw(layout, *, head_dim=32, c2p=True, p2c=True):
    """Queries, keys, values, both tables or None, and the gradient of the context; float64."""
    generator = torch.Generator().manual_seed(sum(layout.lengths))
    slots = layout.slots.stop - layout.slots.start if layout.slots else 0
    rows = [sum(layout.lengths)] * 3 + [slots if c2p else 0, slots if p2c else 0]

    def draw(count):
        shape = (count, layout.num_heads, head_dim)
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(DEVICE)

    return [draw(count) if count or n < 3 else None for n, count in enumerate(rows)], draw(rows[0])


def _run(kernel, layout, tensors, weights, *, dtype, grad=True, **options):
    """The context, and with it the gradients of all tensors."""
    leaves = [None if x is None else x.to(dtype).requires_grad_(grad) for x in tensors]
    context, _ = attend(kernel, leaves, kernel.plan(layout), scale=0.1, **options)
    if not grad:
        return [context]
    context.backward(weights.to(dtype))
    return [context.detach(), *(x.grad for x in leaves if x is not None)]


def _compare(kernel, layout, tensors, weights, *, dtype=torch.float32, bound=5e-6):
    """Values and gradients against `reference` in float64, by the largest number of each."""
    rounded = [None if x is None else x.to(dtype).double() for x in tensors]
    weights = weights.to(dtype).double()
    expected = _run(resolve_attention("reference"), layout, rounded, weights, dtype=torch.float64)
    found = _run(kernel, layout, tensors, weights, dtype=dtype)
    assert len(found) == len(expected)
    for actual, wanted in zip(found, expected, strict=True):
        assert actual.dtype == dtype
        if wanted.numel():
            close(actual.double(), wanted, bound * max(1.0, wanted.abs().max().item()))


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    c2p=st.booleans(),
    p2c=st.booleans(),
)
@settings(max_examples=12)
def test_values_and_gradients(lengths, c2p, p2c):
    layout = _layout(lengths, NEAR, relative=c2p or p2c)
    tensors, weights = _draw(layout, c2p=c2p, p2c=p2c)
    _compare(SMALL, layout, tensors, weights)


def test_plan_of_a_prediction():
    check_plan_of_a_prediction(SMALL)


def check_plan_of_a_prediction(kernel):
    """It has what is needed, and the values are the same."""
    layout = _layout([20, 7], NEAR)
    tensors, weights = _draw(layout)
    (expected,) = _run(kernel, layout, tensors, weights, dtype=torch.float32, grad=False)
    with torch.no_grad():
        (found,) = _run(kernel, layout, tensors, weights, dtype=torch.float32, grad=False)
    assert torch.equal(found, expected)


def test_far_tiles_on_both_sides():
    layout = _layout([70], NEAR)
    edges = SMALL.plan(layout).tiles[16].edges.tolist()
    assert edges == [-2, 2]  # of 5 x 5 tiles, 13 are near
    _compare(SMALL, layout, *_draw(layout))


def test_lengths_beyond_the_buckets():
    """Windows with log buckets, and far tiles, of the official tables."""
    block = 128 if DEVICE.type == "cpu" else 64  # few steps, but within the chip's shared memory
    kernel = TritonAttention(block=block)
    layout = _layout([700, 3], OFFICIAL)
    low, high = kernel.plan(layout).tiles[block].edges.tolist()
    assert -low == high < -(-700 // block)
    _compare(kernel, layout, *_draw(layout))


@pytest.mark.parametrize("head_dim", [64, 128])
def test_sizes_of_heads(head_dim):
    layout = _layout([20], NEAR, heads=2)
    _compare(TritonAttention(), layout, *_draw(layout, head_dim=head_dim))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 2**-7), (torch.float16, 2**-10)])
def test_half_precision(dtype, bound):
    """The tolerance is four rounding errors. The inputs are exact in the dtype."""
    layout = _layout([50, 9], NEAR)
    _compare(SMALL, layout, *_draw(layout), dtype=dtype, bound=bound)


def test_half_precision_does_not_overflow():
    layout = _layout([33], NEAR)
    tensors, weights = _draw(layout)
    large = [x * 60 for x in tensors]
    results = _run(SMALL, layout, large, weights, dtype=torch.float16)
    assert all(bool(x.isfinite().all()) for x in results)


def test_views_of_one_projection():
    layout = _layout([19], NEAR, heads=2)
    tensors, weights = _draw(layout)
    (expected,) = _run(SMALL, layout, tensors, weights, dtype=torch.float32, grad=False)
    fused = torch.cat([x.float() for x in tensors[:3]], dim=1)
    views = [*fused.split(2, dim=1), *(table.float() for table in tensors[3:])]
    context, _ = attend(SMALL, views, SMALL.plan(layout), scale=0.1)
    assert torch.equal(context, expected)


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_sequences_do_not_meet():
    layout = _layout([7, 17, 8], NEAR)
    tensors, weights = _draw(layout)
    (before,) = _run(SMALL, layout, tensors, weights, dtype=torch.float32, grad=False)
    changed = [x.clone() for x in tensors]
    for rows in changed[:3]:
        rows[7:24] = float("nan")
    (after,) = _run(SMALL, layout, changed, weights, dtype=torch.float32, grad=False)
    assert torch.equal(after[:7], before[:7])
    assert torch.equal(after[24:], before[24:])


def test_empty_batch():
    for lengths in ([], [0, 0]):
        layout = _layout(lengths, NEAR, relative=False)
        tensors, weights = _draw(layout)
        for result in _run(SMALL, layout, tensors, weights, dtype=torch.float32):
            assert result.shape == (0, 1, 32)


def test_reference_gives_probabilities():
    layout = _layout([5, 3], NEAR)
    tensors, _ = _draw(layout)
    single = [x.float() for x in tensors]
    options = {"scale": 0.1, "return_attentions": True}
    context, probabilities = attend(SMALL, single, SMALL.plan(layout), **options)
    reference = resolve_attention("reference")
    expected, wanted = attend(reference, single, layout, **options)
    assert torch.equal(context, expected)
    assert [p.shape for p in probabilities] == [(1, 5, 5), (1, 3, 3)] == [p.shape for p in wanted]


def _masks(layout, tensors, *, rate, seed):
    """The dropout factors of the probabilities, (heads, length, length) for each sequence."""
    masks = []
    for place, length in enumerate(layout.lengths):
        columns = []
        # Values that are 1 for 32 of the keys and 0 elsewhere make the context the probabilities.
        for first in range(0, length, 32):
            value = torch.zeros_like(tensors[2])
            start = sum(layout.lengths[:place])
            for key in range(first, min(first + 32, length)):
                value[start + key, :, key - first] = 1.0
            torch.manual_seed(seed)
            changed = [*tensors[:2], value, *tensors[3:]]
            context, _ = attend(SMALL, changed, SMALL.plan(layout), scale=0.1, dropout=rate)
            rows = context[start : start + length].transpose(0, 1)
            columns.append(rows[..., : min(32, length - first)])
        masks.append(torch.cat(columns, dim=2))
    return masks


def test_dropout():
    layout, rate = _layout([40, 40], NEAR, heads=2), 0.25
    tensors, weights = _draw(layout)
    single = [x.float() for x in tensors]
    reference = resolve_attention("reference")
    _, probabilities = attend(reference, single, layout, scale=0.1, return_attentions=True)
    dropped = _masks(layout, single, rate=rate, seed=3)
    masks = [d / p for d, p in zip(dropped, probabilities, strict=True)]
    kept = torch.stack(masks)
    # Each is dropped, or scaled up by the inverse of the keep probability.
    close(kept[kept > 0.5], torch.full_like(kept[kept > 0.5], 1 / (1 - rate)), 1e-4)
    assert 0.22 < (kept == 0).double().mean() < 0.28
    # Neighbours are independent: they are equal with probability 0.25**2 + 0.75**2.
    fallen = kept == 0
    for step in range(1, 5):
        for shifted, other in (
            (fallen[..., step:], fallen[..., :-step]),
            (fallen[..., step:, :], fallen[..., :-step, :]),
        ):
            assert 0.59 < (shifted == other).double().mean() < 0.66
    # Sequences, heads and calls differ.
    patterns = {tuple((m == 0).flatten().tolist()) for mask in masks for m in mask}
    assert len(patterns) == 4
    assert not torch.equal(dropped[0], _masks(layout, single, rate=rate, seed=4)[0])

    # The backward pass drops the same: gradients of attention with these masks, by autograd.
    leaves = [x.clone().requires_grad_() for x in tensors]
    _masked_attention(layout, leaves, masks).backward(weights)
    torch.manual_seed(3)
    found = _run(SMALL, layout, tensors, weights, dtype=torch.float32, dropout=rate)
    for actual, leaf in zip(found[1:], leaves, strict=True):
        close(actual.double(), leaf.grad, 1e-5 * max(1.0, leaf.grad.abs().max().item()))


def _masked_attention(layout, tensors, masks):
    """By the formula, with given masks in place of dropout."""
    query, key, value, position_key, position_query = tensors
    contexts, longest = [], max(layout.lengths)
    for place, mask in enumerate(masks):
        rows = slice(sum(layout.lengths[:place]), sum(layout.lengths[: place + 1]))
        q, k, v = query[rows], key[rows], value[rows]
        steps = torch.arange(len(q), device=DEVICE)
        slot = layout.slots.rows[steps[:, None] - steps[None, :] + longest - 1]
        scores = torch.einsum("ihd,jhd->hij", q, k)
        scores = scores + torch.einsum("ihd,ijhd->hij", q, position_key[slot])
        scores = scores + torch.einsum("jhd,ijhd->hij", k, position_query[slot])
        weights = (0.1 * scores).softmax(-1) * mask.double()
        contexts.append(torch.einsum("hij,jhd->ihd", weights, v))
    return torch.cat(contexts)


def test_in_the_model(tiny_config):
    """With checkpointing, which runs the kernels again, and dropout, which has to be the same."""
    values = {**tiny_config, "hidden_size": 64, "num_hidden_layers": 1}
    config = DebertaV2Config.from_dict(values)
    ids = torch.arange(4, 13, device=DEVICE)
    gradients = []
    for checkpointing in (False, True):
        model = DebertaV2Model(config, attention="triton").to(DEVICE).train()
        model.init_weights(torch.Generator().manual_seed(0))
        if checkpointing:
            model.gradient_checkpointing_enable()
        torch.manual_seed(1)
        output = model.forward_packed(PackedPieces.from_lengths(ids, [6, 3]))
        output.last_hidden_state.square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for actual, expected in zip(*gradients, strict=True):
        close(actual, expected, 1e-4 * expected.abs().max().item())


def test_refuses_what_it_has_no_kernels_for():
    layout = _layout([5], NEAR)
    for head_dim, dtype in ((48, torch.float32), (32, torch.float64)):
        tensors, _ = _draw(layout, head_dim=head_dim)
        with pytest.raises(ValueError, match=rf"E123.*heads of {head_dim} in {dtype}"):
            attend(SMALL, [x.to(dtype) for x in tensors], SMALL.plan(layout), scale=0.1)


def _python(*arguments, **environment):
    """Run Python without the interpreter that Triton has in this process."""
    values = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**values, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("dtype", "head_dim", "terms", "dropout"),
    [
        ("float32", 32, "c2p", 0.0),
        ("float16", 32, "p2c", 0.1),
        ("bfloat16", 64, "none", 0.0),
        ("bfloat16", 64, "c2p|p2c", 0.1),
    ],
)
def test_compiles_for_a_gpu(tmp_path, dtype, head_dim, terms, dropout):
    """Errors that the interpreter does not find: types, layouts, and shared memory."""
    arguments = [
        "-m",
        "tests.nn.attention.triton_compile",
        dtype,
        str(head_dim),
        terms,
        str(dropout),
    ]
    result = _python(*arguments, TRITON_CACHE_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    shared = json.loads(result.stdout)
    kernels = {"forward_kernel", "query_gradient_kernel", "key_gradient_kernel"}
    if terms != "none":
        kernels.add("table_gradient_kernel")
    assert shared.keys() == kernels
    assert max(shared.values()) <= 99 * 1024  # of consumer cards; data centers' have more


def test_needs_triton():
    script = (
        "import sys; sys.modules['triton'] = None\n"
        "from spacy_deberta.nn import resolve_attention\n"
        "assert resolve_attention('auto').name == 'strided'\n"
        "resolve_attention('triton')"
    )
    assert "ImportError: [spacy-deberta E122]" in _python("-c", script).stderr


def test_needs_a_gpu():
    script = (
        "import torch\n"
        "from spacy_deberta.nn import resolve_attention\n"
        "from spacy_deberta.nn.attention import BatchLayout\n"
        "kernel = resolve_attention('triton')\n"
        "kernel.plan(BatchLayout((3,), torch.tensor([0, 3], dtype=torch.int32), 1, None))"
    )
    assert "ValueError: [spacy-deberta E122]" in _python("-c", script).stderr
