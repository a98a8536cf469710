"""Both position terms of attention and its padding, as a bias of the scores."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from spacy_deberta.nn.ops.integers import as_integers, copy_as_integers

from .grouping import LengthGroup
from .skew import key_by_pair, query_by_pair

# Maximum number of rows of a sequence scored against distances at once.
_BLOCK = 128


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
        by_query = _by_distance(query, position_key, group)
        bias = _join([query_by_pair(scores, count=group.count) for scores in by_query], dim=2)
    if position_query is not None:
        by_key = _by_distance(key, position_query, group)
        blocks = (key_by_pair(scores, count=group.count) for scores in by_key)
        bias = _join(list(blocks), dim=3) if bias is None else _add(bias, blocks)
    if group.padding is None:
        return bias
    if bias is None:
        bias = query.new_zeros(group.count, 1, group.length)
    if torch.is_grad_enabled():
        return bias.masked_fill(group.padding, float("-inf"))
    return bias.masked_fill_(group.padding, float("-inf"))


def _by_distance(rows: Tensor, table: Tensor, group: LengthGroup) -> Iterator[Tensor]:
    """Compute scores of rows against their reachable distances, in blocks of rows.

    All rows of a sequence together reach `2 * length - 1` distances, one row reaches `length` of
    them. Blocks of B rows reach `length + B - 1`: for long sequences, half as many products.

    Args:
        rows: (heads, count * length, head_dim).
        table: (heads, head_dim, 2 * length - 1) in the order of `query_by_pair` or `key_by_pair`;
            in both, distances of later rows are further to the left.
        group: Has the number and length of the sequences.

    Yields:
        (heads, count * block, length + block - 1).
    """
    if group.length <= _BLOCK:
        yield torch.bmm(rows, table)
        return
    by_sequence = rows.unflatten(1, (group.count, group.length))
    for block, distances in blocks_of_rows(group.length):
        yield torch.bmm(by_sequence[:, :, block].flatten(1, 2), table[:, :, distances])


def blocks_of_rows(length: int) -> Iterator[tuple[slice, slice]]:
    """Divide the rows of a sequence into blocks of similar size.

    Yields:
        Rows, and the distances that they reach in a table: see `_by_distance`.
    """
    block = -(-length // -(-length // _BLOCK))
    for first in range(0, length, block):
        last = min(first + block, length)
        yield slice(first, last), slice(length - last, 2 * length - 1 - first)


def _join(blocks: list[Tensor], *, dim: int) -> Tensor:
    """Concatenate views of scores by pair, (heads, count, query, key)."""
    if len(blocks) == 1:
        return blocks[0]
    if torch.is_grad_enabled() or blocks[0].device.type != "cpu":
        return torch.cat(blocks, dim=dim)
    shape = list(blocks[0].shape)
    shape[dim] = sum(block.shape[dim] for block in blocks)
    joined = blocks[0].new_empty(shape)
    for part, block in _parts(joined, blocks, dim=dim):
        as_integers(part).copy_(as_integers(block))
    return joined


def _add(bias: Tensor, blocks: Iterator[Tensor]) -> Tensor:
    """Add blocks of keys to a bias, (heads, count, query, key).

    In place without gradients: allocation costs as much as the sum.
    """
    if torch.is_grad_enabled():
        return bias + _join(list(blocks), dim=3)
    # On CPUs, a sum with a transposed operand is not vectorized: a copy and a contiguous sum take a
    # quarter of its time.
    copied = bias.device.type == "cpu"
    for part, block in _parts(bias, blocks, dim=3):
        part.add_(copy_as_integers(block) if copied else block)
    return bias


def _parts(whole: Tensor, blocks: Iterable[Tensor], *, dim: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair consecutive blocks with the parts of a tensor where they belong."""
    first = 0
    for block in blocks:
        yield whole.narrow(dim, first, block.shape[dim]), block
        first += block.shape[dim]
