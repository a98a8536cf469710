"""Blocks and tiles of the Triton kernels: each pair once, and correctly near or far."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.nn.attention import BatchLayout
from spacy_deberta.nn.attention.triton import plan
from spacy_deberta.nn.attention.triton.plan import plan_tiles
from spacy_deberta.nn.relative_positions import SlotTable

LENGTHS = st.lists(st.integers(0, 90), max_size=8)


def _layout(lengths, rows=None):
    sums = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    slots = None if rows is None else SlotTable(rows, 0, int(rows.max()) + 1)
    return BatchLayout(tuple(lengths), torch.tensor(sums, dtype=torch.int32), 2, slots)


def _blocks(length, block):
    return -(-length // block)


@given(lengths=LENGTHS, block=st.sampled_from([16, 32]))
def test_every_block_once(lengths, block):
    tiles = plan_tiles(_layout(lengths), [16, 32]).tiles[block]
    expected = [(s, n) for s, length in enumerate(lengths) for n in range(_blocks(length, block))]
    assert sorted(map(tuple, tiles.places.tolist())) == expected
    ordered = [lengths[sequence] for sequence, _ in tiles.places.tolist()]
    assert ordered == sorted(ordered, reverse=True)


@given(lengths=LENGTHS, limit=st.integers(1, 9))
def test_segments_hold_every_tile_once(lengths, limit):
    before, plan._TILES_PER_SEGMENT = plan._TILES_PER_SEGMENT, limit
    try:
        tiles = plan_tiles(_layout(lengths), [16]).tiles[16].diagonals
    finally:
        plan._TILES_PER_SEGMENT = before
    found = []
    for ahead, first, last in tiles.segments.tolist():
        members = tiles.sequences[first:last].tolist()
        counts = [_blocks(lengths[member], 16) - abs(ahead) for member in members]
        # The last sequence of a segment may make it longer.
        assert members
        assert sum(counts[:-1]) < limit
        for member, count in zip(members, counts, strict=True):
            assert count > 0
            found += [(member, n + max(ahead, 0), n + max(-ahead, 0)) for n in range(count)]
    expected = [
        (sequence, query, key)
        for sequence, length in enumerate(lengths)
        for query in range(_blocks(length, 16))
        for key in range(_blocks(length, 16))
    ]
    assert sorted(found) == expected


@given(length=st.integers(1, 120), low=st.integers(-40, 0), high=st.integers(1, 40))
def test_far_tiles_have_one_row(length, low, high):
    rows = torch.arange(1 - length, length).clamp(low, high)
    rows = rows - rows.min()
    block = 16
    first, last = plan_tiles(_layout([length], rows), [block]).tiles[block].edges.tolist()
    for ahead in range(1 - _blocks(length, block), _blocks(length, block)):
        distances = torch.arange((ahead - 1) * block + 1, (ahead + 1) * block)
        inside = distances.abs() < length
        reached = rows[(distances + length - 1)[inside]]
        for far, row in ((ahead <= first, rows[0]), (ahead >= last, rows[-1])):
            constant = bool((reached == row).all())
            assert constant or not far
            # Only incomplete tiles may be near without having to be.
            assert far or not constant or not inside.all()


def test_plan_of_an_empty_batch():
    tiles = plan_tiles(_layout([]), [16]).tiles[16]
    assert tiles.places.shape == (0, 2)
    assert tiles.diagonals.segments.shape == (0, 3)
    assert tiles.edges is None


@given(lengths=LENGTHS)
def test_plan_of_a_prediction_has_the_same_blocks(lengths):
    whole = plan_tiles(_layout(lengths), [16]).tiles[16]
    tiles = plan_tiles(_layout(lengths), [16], gradients=False).tiles[16]
    assert torch.equal(tiles.places, whole.places)
    assert tiles.diagonals is None
