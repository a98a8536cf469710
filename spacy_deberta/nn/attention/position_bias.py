"""Both position terms of attention and its padding, as a bias of the scores."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from spacy_deberta.nn.ops.integers import as_integers, copy_as_integers

from .grouping import LengthGroup
from .skew import key_by_pair, query_by_pair


def expand_table(table: Tensor | None, by_distance: Tensor | None) -> Tensor | None:
    """Expand a position table to one row per distance.

    Args:
        table: (reachable_slots, heads, head_dim), or None.
        by_distance: (2 * length - 1,) int64, row of the table for each distance, or None.

    Returns:
        (heads, head_dim, 2 * length - 1); None without a table.
    """
    if table is None or by_distance is None:
        return None
    expanded = table.index_select(0, by_distance).permute(1, 2, 0)
    if is_half_on_cpu(table) and not torch.is_grad_enabled():
        # Products in half precision reorder their operands; transposed ones take longest.
        return copy_as_integers(expanded)
    return expanded


def is_half_on_cpu(rows: Tensor) -> bool:
    """Whether a tensor is in half precision on a CPU."""
    return rows.device.type == "cpu" and rows.dtype.itemsize < 4


def position_bias(
    query: Tensor,
    key: Tensor,
    position_key: Tensor | None,
    position_query: Tensor | None,
    group: LengthGroup,
) -> Tensor | None:
    """Bias of position terms and padding mask, broadcastable to (heads, count, query, key).

    Args:
        query: (heads, count * length, head_dim).
        key: (heads, count * length, head_dim).
        position_key: (heads, head_dim, 2 * length - 1) by descending distance, or None.
        position_query: (heads, head_dim, 2 * length - 1) by ascending distance, or None.
        group: Has the padding mask.

    Returns:
        The bias of the product of queries and keys, which shares no memory with the arguments; None
        without any term or padding.
    """
    bias = None
    if position_key is not None:
        by_query = _by_distance(query, position_key, group, group.shared[::-1])
        blocks = ((query_by_pair(scores, count=group.count), near) for scores, near in by_query)
        bias = _join(blocks, group.length, rows=2)
    if position_query is not None:
        by_key = _by_distance(key, position_query, group, group.shared)
        blocks = ((key_by_pair(scores, count=group.count), near) for scores, near in by_key)
        bias = _join(blocks, group.length, rows=3) if bias is None else _add(bias, blocks)
    if group.padding is None:
        return bias
    if bias is None:
        bias = query.new_zeros(group.count, 1, group.length)
    if torch.is_grad_enabled():
        return bias.masked_fill(group.padding, float("-inf"))
    return bias.masked_fill_(group.padding, float("-inf"))


def _by_distance(
    rows: Tensor, table: Tensor, group: LengthGroup, shared: tuple[int, int]
) -> Iterator[tuple[Tensor, slice]]:
    """Compute scores of rows against their reachable distances, in blocks of rows.

    All rows of a sequence together reach `2 * length - 1` distances, one row reaches `length` of
    them. Blocks of B rows reach `length + B - 1`: for long sequences, half as many products. Far
    pairs share a row of the table, so that one of them has the score of all.

    Args:
        rows: (heads, count * length, head_dim).
        table: (heads, head_dim, 2 * length - 1) in the order of `query_by_pair` or `key_by_pair`;
            in both, distances of later rows are further to the left.
        group: Has the number and length of the sequences.
        shared: Number of distances that are equal at the left and at the right of the table.

    Yields:
        (heads, count * block, near + block - 1), and the near ones of the pieces that the rows are
        paired with: see `blocks_of_rows`.
    """
    if group.length <= group.block:
        yield torch.bmm(rows, table), slice(0, group.length)
        return
    by_sequence = rows.unflatten(1, (group.count, group.length))
    for block, near, distances in blocks_of_rows(group, shared):
        yield torch.bmm(by_sequence[:, :, block].flatten(1, 2), table[:, :, distances]), near


def blocks_of_rows(
    group: LengthGroup, shared: tuple[int, int]
) -> Iterator[tuple[slice, slice, slice]]:
    """Divide the rows of a sequence into blocks of similar size.

    Args:
        group: Has the length of the sequence, and the maximum size of a block.
        shared: Number of distances that are equal at the left and at the right of a table: see
            `_by_distance`.

    Yields:
        Rows; the near ones of the pieces that they are paired with; the distances between these in
        the table. Pieces before the near ones have the same row of the table as the first of them,
        pieces behind them as the last.
    """
    length = group.length
    block = -(-length // -(-length // group.block))
    for first in range(0, length, block):
        last = min(first + block, length)
        # The distance between row i and piece j is at j - i + length - 1 in the table.
        start = min(max(shared[0] - length + first, 0), length - 1)
        stop = max(min(length - shared[1] + last, length), start + 1)
        yield (
            slice(first, last),
            slice(start, stop),
            slice(length - last + start, length - 1 - first + stop),
        )


def _join(blocks: Iterator[tuple[Tensor, slice]], length: int, *, rows: int) -> Tensor:
    """Concatenate views of scores by pair, (heads, count, query, key), and add the far pairs.

    Args:
        blocks: Scores of near pairs, and their place: see `blocks_of_rows`.
        length: Length of the sequences.
        rows: Dimension of the rows, 2 or 3.
    """
    first = next(blocks)
    by_pair, _ = first
    if by_pair.shape[rows] == length:
        return by_pair
    blocks = chain([first], blocks)
    if torch.is_grad_enabled() or by_pair.device.type != "cpu":
        return torch.cat([_repeat_edges(*block, length, 5 - rows) for block in blocks], dim=rows)
    joined = by_pair.new_empty(*by_pair.shape[:2], length, length)
    for part, scores in _parts(joined, blocks, rows=rows):
        as_integers(part).copy_(as_integers(scores))
    return joined


def _repeat_edges(by_pair: Tensor, near: slice, length: int, dim: int) -> Tensor:
    """Repeat the first and the last scores in a dimension for the far pairs, with gradients."""
    if by_pair.shape[dim] == length:
        return by_pair
    nearest = torch.arange(length, device=by_pair.device).clamp(near.start, near.stop - 1)
    return by_pair.index_select(dim, nearest - near.start)


def _add(bias: Tensor, blocks: Iterator[tuple[Tensor, slice]]) -> Tensor:
    """Add blocks of keys to a bias, (heads, count, query, key).

    In place without gradients: allocation costs as much as the sum.
    """
    if torch.is_grad_enabled():
        return bias + _join(blocks, bias.shape[2], rows=3)
    # On CPUs, a sum with a transposed operand is not vectorized: a copy and a contiguous sum take a
    # quarter of its time.
    copied = bias.device.type == "cpu"
    for part, scores in _parts(bias, blocks, rows=3):
        part.add_(copy_as_integers(scores) if copied else scores)
    return bias


def _parts(
    whole: Tensor, blocks: Iterator[tuple[Tensor, slice]], *, rows: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair the parts of a tensor, (heads, count, query, key), with the scores of each.

    Scores of far pairs are those of the nearest of them, and broadcast.
    """
    first, others = 0, 5 - rows
    for by_pair, near in blocks:
        part = whole.narrow(rows, first, by_pair.shape[rows])
        first += by_pair.shape[rows]
        yield part.narrow(others, near.start, by_pair.shape[others]), by_pair
        if near.start > 0:
            yield part.narrow(others, 0, near.start), by_pair.narrow(others, 0, 1)
        if near.stop < whole.shape[others]:
            behind = whole.shape[others] - near.stop
            yield part.narrow(others, near.stop, behind), by_pair.narrow(others, -1, 1)
