"""Shared parts of the Triton kernels: a program's position in the batch, and its rows.

A tile is a query block and a key block of one sequence, always (query, key). Its pairs have
`2 * block - 1` consecutive distances: the window.
"""

from typing import NamedTuple

import triton
import triton.language as tl


class Rows(NamedTuple):
    """Pointers to (rows, heads, head_dim), or None for the table of a missing term.

    Heads and their elements are contiguous; the strides are row strides.
    """

    query: tl.tensor
    key: tl.tensor
    value: tl.tensor
    position_key: tl.tensor
    position_query: tl.tensor
    query_stride: tl.tensor
    key_stride: tl.tensor
    value_stride: tl.tensor


class Batch(NamedTuple):
    """Pointers to the tensors of a plan: see `plan`; and to bands of scores or None: see `bands`.

    The bands are those of queries and of keys; `pitch` is the number of elements in a row of both.
    """

    cu_seqlens: tl.tensor
    places: tl.tensor
    rows: tl.tensor
    edges: tl.tensor
    query_band: tl.tensor
    key_band: tl.tensor
    pitch: tl.tensor


class PairDropout(NamedTuple):
    """Dropout state; `stream` differs between sequences and between heads.

    Of 2**24 equally likely values, those below `threshold` drop a pair. Kept pairs are multiplied
    by `scale`.
    """

    seed: tl.tensor
    threshold: tl.tensor
    scale: tl.tensor
    stream: tl.tensor


class Variant(NamedTuple):
    """Compile-time constants of a kernel; `precision` is that of float32 products.

    `bands` says whether near tiles read the scores of positions from bands in memory.
    """

    heads: tl.constexpr
    head_dim: tl.constexpr
    block: tl.constexpr
    dropout: tl.constexpr
    precision: tl.constexpr
    bands: tl.constexpr


class Program(NamedTuple):
    """State of a program: its head, its block if any, and its sequence.

    `first` is the place of the sequence's first block, if the program has a block.
    `rows` point to the head's part of the sequence's first row, `start` is the sequence's first
    row, `length` its number of rows; `longest` is the maximum length of the batch. A score times
    `log2_scale` is an exponent of 2.
    """

    rows: Rows
    batch: Batch
    dropout: PairDropout
    head: tl.tensor
    number: tl.tensor
    first: tl.tensor
    start: tl.tensor
    length: tl.tensor
    longest: tl.tensor
    log2_scale: tl.tensor


@triton.jit
def enter_sequence(
    rows: Rows,
    batch: Batch,
    sequence: tl.tensor,
    number: tl.tensor,
    longest: tl.tensor,
    log2_scale: tl.tensor,
    seed: tl.tensor,
    threshold: tl.tensor,
    keep_scale: tl.tensor,
    variant: Variant,
) -> Program:
    """Make the program state for a block of a sequence, in this program's head."""
    head = tl.program_id(1)
    start = tl.load(batch.cu_seqlens + sequence).to(tl.int64)
    column = head * variant.head_dim
    position_key = rows.position_key
    if position_key is not None:
        position_key += column
    position_query = rows.position_query
    if position_query is not None:
        position_query += column
    here = Rows(
        rows.query + start * rows.query_stride + column,
        rows.key + start * rows.key_stride + column,
        rows.value + start * rows.value_stride + column,
        position_key,
        position_query,
        rows.query_stride,
        rows.key_stride,
        rows.value_stride,
    )
    length = (tl.load(batch.cu_seqlens + sequence + 1) - start).to(tl.int32)
    dropout = PairDropout(seed, threshold, keep_scale, sequence * variant.heads + head)
    first = tl.program_id(0) - number
    return Program(here, batch, dropout, head, number, first, start, length, longest, log2_scale)


@triton.jit
def block_rows(number: tl.tensor, here: Program, variant: Variant) -> tuple[tl.tensor, tl.tensor]:
    """Row indices of a block within the sequence, and a mask of those that exist: (block,)."""
    row = number * variant.block + tl.arange(0, variant.block)
    return row, row < here.length


@triton.jit
def load_block(
    pointer: tl.tensor, stride: tl.tensor, number: tl.tensor, here: Program, variant: Variant
) -> tl.tensor:
    """Load a block of the sequence's rows, (block, head_dim), zeros after its end."""
    row, exists = block_rows(number, here, variant)
    place = row[:, None].to(tl.int64) * stride + tl.arange(0, variant.head_dim)[None, :]
    return tl.load(pointer + place, mask=exists[:, None], other=0.0)


@triton.jit
def output_offsets(number: tl.tensor, here: Program, variant: Variant) -> tl.tensor:
    """Offsets of a block's rows in a contiguous (total_pieces, heads, head_dim)."""
    head_dim: tl.constexpr = variant.head_dim
    row, _ = block_rows(number, here, variant)
    place = ((here.start + row) * variant.heads + here.head) * head_dim
    return place[:, None] + tl.arange(0, head_dim)[None, :]


@triton.jit
def statistic_offsets(number: tl.tensor, here: Program, variant: Variant) -> tl.tensor:
    """Offsets of a block's rows in a contiguous (total_pieces, heads)."""
    row, _ = block_rows(number, here, variant)
    return (here.start + row) * variant.heads + here.head


@triton.jit
def near_keys(here: Program, variant: Variant) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Bounds of the near key blocks of a query block: see `_bounds`."""
    return near_keys_of(here.number, here, variant)


@triton.jit
def near_keys_of(
    number: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """The same for any query block of the sequence."""
    if here.batch.edges is None:
        return _bounds(0, 0, here, variant)
    else:
        low, high = tl.load(here.batch.edges), tl.load(here.batch.edges + 1)
        return _bounds(number - high + 1, number - low, here, variant)


@triton.jit
def near_queries(here: Program, variant: Variant) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Bounds of the near query blocks of a key block: see `_bounds`."""
    return near_queries_of(here.number, here, variant)


@triton.jit
def near_queries_of(
    number: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """The same for any key block of the sequence."""
    if here.batch.edges is None:
        return _bounds(0, 0, here, variant)
    else:
        low, high = tl.load(here.batch.edges), tl.load(here.batch.edges + 1)
        return _bounds(number + low + 1, number + high, here, variant)


@triton.jit
def _bounds(
    first: tl.tensor, last: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Start and end of the near blocks, and the number of blocks."""
    blocks = tl.cdiv(here.length, variant.block)
    first = tl.minimum(tl.maximum(first, 0), blocks)
    return first, tl.minimum(tl.maximum(last, first), blocks), blocks


@triton.jit
def window_offsets(ahead: tl.tensor, here: Program, variant: Variant) -> tl.tensor:
    """Offsets of a window's rows in the tables, (2 * block, head_dim).

    Args:
        ahead: Offset in blocks of the tile's queries from its keys.
        here: The program.
        variant: The kernel's variant.

    Returns:
        By ascending distance; the last one is padding.
    """
    block: tl.constexpr = variant.block
    index = (ahead - 1) * block + here.longest + tl.arange(0, 2 * block)
    row = tl.load(here.batch.rows + tl.minimum(tl.maximum(index, 0), 2 * here.longest - 2))
    stride: tl.constexpr = variant.heads * variant.head_dim
    return row[:, None] * stride + tl.arange(0, variant.head_dim)[None, :]


@triton.jit
def far_offsets(index: tl.tensor, here: Program, variant: Variant) -> tl.tensor:
    """Offsets of the row of one distance in the tables, (1, head_dim).

    Args:
        index: Index of the distance: 0 for the lowest, `2 * longest - 2` for the highest.
        here: The program.
        variant: The kernel's variant.
    """
    row = tl.load(here.batch.rows + index)
    stride: tl.constexpr = variant.heads * variant.head_dim
    return row * stride + tl.arange(0, variant.head_dim)[None, :]
