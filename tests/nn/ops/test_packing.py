"""Removing and restoring padding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.nn import PackedPieces
from tests.nn.common import padded_batch


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), max_size=5),
    st.booleans(),
)
def test_there_and_back(spans, as_bool):
    columns = max((sum(span) for span in spans), default=0)
    mask = torch.zeros(len(spans), columns, dtype=torch.long)
    for row, (before, length, _) in enumerate(spans):
        mask[row, before : before + length] = 1
    ids = torch.arange(1, mask.numel() + 1).view(mask.shape)
    pieces = PackedPieces.from_padded(ids, mask.bool() if as_bool else mask)
    assert pieces.lengths == tuple(length for _, length, _ in spans)
    assert pieces.cu_seqlens.tolist() == [sum(pieces.lengths[:n]) for n in range(len(spans) + 1)]
    assert pieces.cu_seqlens.dtype == torch.int32
    assert pieces.total_pieces == int(mask.sum())
    assert torch.equal(pieces.input_ids, ids[mask.bool()])
    assert torch.equal(pieces.pad(pieces.input_ids), ids * mask)
    wide = pieces.input_ids[:, None] * torch.tensor([1.0, -1.0])
    assert torch.equal(pieces.pad(wide), (ids * mask)[..., None] * torch.tensor([1.0, -1.0]))
    assert torch.equal(pieces.unpad(ids), ids[mask.bool()])
    assert torch.equal(pieces.positions(), mask.nonzero()[:, 1])


def test_all_fields_are_moved_to_the_device():
    ids, mask = padded_batch([3, 2], left=True)
    types, positions = ids % 3, torch.arange(3)[None] + 5
    pieces = PackedPieces.from_padded(ids.int(), mask, token_type_ids=types, position_ids=positions)
    assert pieces.input_ids.dtype == torch.int64
    assert torch.equal(pieces.token_type_ids, types[mask.bool()])
    assert pieces.positions().tolist() == [5, 6, 7, 6, 7]
    moved = pieces.to("meta")
    assert {moved.input_ids.device.type, moved.device.type} == {"meta"}
    assert moved.token_type_ids.device.type == moved.position_ids.device.type == "meta"
    assert moved.lengths == pieces.lengths


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float32, torch.bfloat16])
def test_masks_of_any_type(dtype):
    ids, mask = padded_batch([3, 1])
    assert PackedPieces.from_padded(ids, mask.to(dtype)).lengths == (3, 1)


def test_from_lengths():
    pieces = PackedPieces.from_lengths(torch.arange(5), [2, 0, 3])
    assert pieces.lengths == (2, 0, 3)
    assert pieces.positions().tolist() == [0, 1, 0, 1, 2]
    assert pieces.pad(pieces.input_ids).tolist() == [[0, 1, 0], [0, 0, 0], [2, 3, 4]]


def test_padding_has_gradients():
    pieces = PackedPieces.from_lengths(torch.arange(4), [1, 3])
    rows = torch.ones(4, 2, requires_grad=True)
    (pieces.pad(rows) * torch.arange(12.0).view(2, 3, 2)).sum().backward()
    assert rows.grad.tolist() == [[0, 1], [6, 7], [8, 9], [10, 11]]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda ids, m: PackedPieces.from_padded(None), "E109"),
        (lambda ids, m: PackedPieces.from_padded(ids, inputs_embeds=ids[..., None]), "E109"),
        (lambda ids, m: PackedPieces.from_padded(ids, torch.tensor([[1, 0, 1], m])), "E110"),
        (lambda ids, m: PackedPieces.from_padded(ids, torch.ones(2, 3, 3)), "E111"),
        (lambda ids, m: PackedPieces.from_padded(ids[0]), "E111"),
        (lambda ids, m: PackedPieces.from_padded(ids, token_type_ids=ids[:, :2]), "E111"),
        (lambda ids, m: PackedPieces.from_padded(ids, torch.tensor([[0, -9, -9], m])), "E115"),
        (lambda ids, m: PackedPieces.from_lengths(ids, [3, 3]), "E111"),
        (lambda ids, m: PackedPieces.from_lengths(ids.flatten(), [3, 4]), "E108"),
        (lambda ids, m: PackedPieces.from_lengths(None, [3]), "E109"),
        (lambda ids, m: PackedPieces.from_padded(ids).unpad(ids[:1]), "E111"),
    ],
)
def test_refused(make, code):
    with pytest.raises(ValueError, match=code):
        make(torch.ones(2, 3, dtype=torch.long), [1, 1, 0])


def test_a_hole_is_shown():
    mask = torch.tensor([[1, 1, 1, 1], [0, 1, 0, 1]])
    with pytest.raises(ValueError, match=r"Sequence 1 .*\[1, 0, 1\]"):
        PackedPieces.from_padded(torch.ones(2, 4, dtype=torch.long), mask)
