"""Distances that share a row of the position tables, in sequences of many blocks of rows."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_deberta.nn import ATTENTION_KERNELS, DebertaV2Config
from spacy_deberta.nn.attention import BatchLayout, grouping, position_bias
from spacy_deberta.nn.attention.grouping import plan_groups
from spacy_deberta.nn.relative_positions import slot_table
from tests.nn.common import attend, close

HEADS, HEAD_DIM = 2, 4
CONFIGS = st.builds(
    DebertaV2Config,
    relative_attention=st.just(True),
    position_buckets=st.sampled_from([-1, 2, 4, 8]),
    max_relative_positions=st.sampled_from([9, 24, 50]),
    far_positions=st.sampled_from(["microsoft", "huggingface"]),
    vocab_size=st.just(9),
)
OFFICIAL = DebertaV2Config(
    relative_attention=True, position_buckets=256, max_position_embeddings=512, vocab_size=9
)


def _layout(lengths, config):
    sums = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    slots = slot_table(max(lengths), config, torch.device("cpu"))
    return BatchLayout(tuple(lengths), torch.tensor(sums, dtype=torch.int32), HEADS, slots)


def _draw(layout, *, c2p=True, p2c=True, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(layout.lengths))
    slots = layout.slots.stop - layout.slots.start
    shapes = [(sum(layout.lengths), HEADS, HEAD_DIM)] * 3 + [(slots, HEADS, HEAD_DIM)] * 2
    tensors = [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]
    return [
        x if wanted else None
        for x, wanted in zip(tensors, (True, True, True, c2p, p2c), strict=True)
    ]


def _run(name, layout, tensors, *, grad=False, **options):
    """The context, and the gradients of all tensors if wanted."""
    kernel = ATTENTION_KERNELS[name]
    own = [None if x is None else x.clone().requires_grad_(grad) for x in tensors]
    context, _ = attend(kernel, own, kernel.plan(layout), scale=0.3, **options)
    if not grad:
        return [context]
    weights = torch.linspace(-1, 1, context.numel(), dtype=context.dtype)
    (context.flatten() * weights).sum().backward()
    return [context, *(x.grad for x in own if x is not None)]


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    config=CONFIGS,
    block=st.integers(1, 20),
    terms=st.sampled_from([(True, True), (True, False), (False, True)]),
    mode=st.sampled_from(["inference", "training", "attentions"]),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients(lengths, config, block, terms, mode):
    """With blocks of any size, groups with padding, and tables of any reach."""
    layout = _layout(lengths, config)
    tensors = _draw(layout, c2p=terms[0], p2c=terms[1])
    options = {"grad": mode != "inference", "return_attentions": mode == "attentions"}
    expected = _run("reference", layout, tensors, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "_ROWS", block)
        actual = _run("strided", layout, tensors, **options)
    for found, wanted in zip(actual, expected, strict=True):
        close(found, wanted, 1e-10)


@pytest.mark.parametrize("length", [511, 512, 513, 639, 640, 700])
@pytest.mark.parametrize(
    ("dtype", "bound"),
    [(torch.float32, 1e-5), (torch.bfloat16, 2**-6), (torch.float16, 2**-8)],
)
def test_lengths_at_the_last_bucket(length, dtype, bound):
    """Of the official models, in each dtype."""
    layout = _layout([length], OFFICIAL)
    tensors = _draw(layout, dtype=dtype)
    (expected,) = _run("reference", layout, [x.double() for x in tensors])
    (actual,) = _run("strided", layout, tensors)
    close(actual.double(), expected, bound)


@pytest.mark.parametrize(
    ("lengths", "blocks"),
    [
        ([256, 30], [256, 256]),
        ([257], [256]),
        ([300, 300, 300], [256]),
        ([511, 512], [256]),
        ([700], [350]),
        ([1100], [512]),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_larger_blocks_on_amx_tiles(lengths, blocks, training, monkeypatch):
    monkeypatch.setattr(grouping, "has_amx", lambda: True)
    layout = replace(_layout(lengths, OFFICIAL), dtype=torch.bfloat16)
    assert [group.block for group in plan_groups(layout).groups] == blocks
    tensors = _draw(layout)
    expected = _run("reference", layout, tensors, grad=training)
    for found, wanted in zip(
        _run("strided", layout, tensors, grad=training), expected, strict=True
    ):
        close(found, wanted, 1e-10)


@pytest.mark.parametrize("far_positions", ["microsoft", "huggingface"])
def test_far_distances_are_not_multiplied(far_positions):
    """A block of 128 rows has 1,023 distances within the buckets, at most 128 more on each side."""
    config = DebertaV2Config(**{**vars(OFFICIAL), "far_positions": far_positions})
    (group,) = plan_groups(_layout([4096], config)).groups
    blocks = list(position_bias.blocks_of_rows(group, group.shared))
    assert len(blocks) == 32
    for _, _, distances in blocks:
        assert 128 + 511 <= distances.stop - distances.start <= 1023 + 2 * 128
