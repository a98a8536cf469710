"""Scores of one tile, near or far, and its dropout mask."""

from typing import NamedTuple

import triton
import triton.language as tl

from .tiles import Program, Variant, far_offsets


class TableWindows(NamedTuple):
    """Rows of both tables for a tile, (2 * block, head_dim), or None without that table."""

    key: tl.tensor
    query: tl.tensor


@triton.jit
def multiply(left: tl.tensor, right: tl.tensor, variant: Variant) -> tl.tensor:
    """Matrix product with a float32 sum; the left side is rounded to the dtype of the right."""
    return tl.dot(left.to(right.dtype), right, input_precision=variant.precision)


@triton.jit
def load_windows(window: tl.tensor, here: Program, variant: Variant) -> TableWindows:
    """Load the rows at the offsets from `window_offsets`; none if there are bands instead."""
    window_key = None if variant.bands else here.rows.position_key
    if window_key is not None:
        window_key = tl.load(window_key + window)
    window_query = None if variant.bands else here.rows.position_query
    if window_query is not None:
        window_query = tl.load(window_query + window)
    return TableWindows(window_key, window_query)


@triton.jit
def band_pointers(
    band: tl.tensor, own: tl.tensor, other: tl.tensor, here: Program, variant: Variant
) -> tl.tensor:
    """Pointers to the pairs of a tile in a band, (own block, other block).

    Row r of a block's band begins at the distance that its last row has to the first row of the
    sequence, r columns before its own: with one column less in each row, columns are rows of the
    other side, and a tile is a view of consecutive elements without a gather.

    Args:
        band: Pointer to `(blocks, heads, block, pitch)`.
        own: Index of the block whose band it is.
        other: Index of the block of the other side.
        here: The program.
        variant: The kernel's variant.
    """
    block: tl.constexpr = variant.block
    pitch = here.batch.pitch
    start = ((here.first + own).to(tl.int64) * variant.heads + here.head) * block * pitch
    place = tl.arange(0, block)
    skewed = place[:, None] * (pitch - 1) + place[None, :]
    return band + start + (block - 1 + other * block) + skewed


@triton.jit
def near_scores(
    query: tl.tensor,
    key: tl.tensor,
    windows: TableWindows,
    queries: tl.tensor,
    keys: tl.tensor,
    here: Program,
    variant: Variant,
) -> tl.tensor:
    """Scores of a near tile, (block, block) float32, not scaled.

    Both position terms are products with the window, skewed on chip: pair (i, j) has the
    distance i - j, hence index `i - j + block - 1` in the window. Or they are read from bands.

    Args:
        query: (block, head_dim).
        key: (block, head_dim).
        windows: TableWindows of the tile.
        queries: Index of the query block.
        keys: Index of the key block.
        here: The program.
        variant: The kernel's variant.
    """
    scores = multiply(query, tl.trans(key), variant)
    if here.batch.query_band is not None:
        band = band_pointers(here.batch.query_band, queries, keys, here, variant)
        scores += tl.load(band).to(tl.float32)
    if here.batch.key_band is not None:
        band = band_pointers(here.batch.key_band, keys, queries, here, variant)
        scores += tl.trans(tl.load(band)).to(tl.float32)
    place = tl.arange(0, variant.block)
    skew = place[:, None] - place[None, :] + variant.block - 1
    if windows.key is not None:
        scores += tl.gather(multiply(query, tl.trans(windows.key), variant), skew, 1)
    if windows.query is not None:
        scores += tl.gather(multiply(windows.query, tl.trans(key), variant), skew, 0)
    return scores


@triton.jit
def far_query(
    query: tl.tensor, index: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor]:
    """Reduce a far tile, with one row r of the tables for all pairs, to plain attention.

    q . k + q . PK[r] + k . PQ[r] = (q + PQ[r]) . k + q . PK[r]: the keys are unchanged, so
    that a far tile costs no more than one without positions.

    Args:
        query: (block, head_dim).
        index: Index of the distance: see `far_offsets`.
        here: The program.
        variant: The kernel's variant.

    Returns:
        Shifted queries, (block, head_dim), and a bias of their scores, (block, 1) float32.
    """
    exact = query.to(tl.float32)
    shifted = exact
    constant = tl.zeros([variant.block, 1], tl.float32)
    if here.rows.position_key is not None:
        row = tl.load(here.rows.position_key + far_offsets(index, here, variant)).to(tl.float32)
        constant = tl.sum(exact * row, 1, keep_dims=True)
    if here.rows.position_query is not None:
        row = tl.load(here.rows.position_query + far_offsets(index, here, variant)).to(tl.float32)
        shifted = exact + row
    return shifted.to(query.dtype), constant


@triton.jit
def kept_pairs(queries: tl.tensor, keys: tl.tensor, here: Program, variant: Variant) -> tl.tensor:
    """Dropout mask of a tile, (block, block) bool, True to keep; the same in every kernel.

    The Philox counter is (key // 4, query, stream); each call gives four numbers, one per key: a
    quarter of the work of one call per pair. Seven rounds are the minimum that passes BigCrush.

    Args:
        queries: Index of the query block.
        keys: Index of the key block.
        here: The program.
        variant: The kernel's variant.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", table 2.
    """
    block: tl.constexpr = variant.block
    none = tl.zeros([block, block // 4], tl.int32)
    query = queries * block + tl.arange(0, block)
    query = none + query[:, None]
    quarter = keys * (block // 4) + tl.arange(0, block // 4)
    quarter = none + quarter[None, :]
    stream = none + here.dropout.stream
    a, b, c, d = tl.philox(here.dropout.seed, quarter, query, stream, none, n_rounds=7)
    pairs = tl.join(tl.join(a, c), tl.join(b, d))
    kept = (pairs >> 8).to(tl.int32) >= here.dropout.threshold
    return tl.reshape(kept, [block, block])
