"""The scores of one tile, near or far, and what dropout leaves of their probabilities."""

from typing import NamedTuple

import triton
import triton.language as tl

from .tiles import Program, Variant, far_offsets


class Windows(NamedTuple):
    """Rows of both tables for a tile, (2 * block, head_dim), or None without that table."""

    key: tl.tensor
    query: tl.tensor


@triton.jit
def multiply(left: tl.tensor, right: tl.tensor, variant: Variant) -> tl.tensor:
    """Matrix product with a float32 sum; the left side is rounded to the type of the right."""
    return tl.dot(left.to(right.dtype), right, input_precision=variant.precision)


@triton.jit
def load_windows(window: tl.tensor, here: Program) -> Windows:
    """The rows at what `window_offsets` returned."""
    window_key = here.rows.position_key
    if window_key is not None:
        window_key = tl.load(window_key + window)
    window_query = here.rows.position_query
    if window_query is not None:
        window_query = tl.load(window_query + window)
    return Windows(window_key, window_query)


@triton.jit
def near_scores(query: tl.tensor, key: tl.tensor, windows: Windows, variant: Variant) -> tl.tensor:
    """Scores of a tile by its window, (block, block) float32, not scaled.

    Both position terms are products with the window, skewed on chip: pair (i, j) is at the
    distance i - j, so at place `i - j + block - 1` of the window.

    Args:
        query: (block, head_dim).
        key: (block, head_dim).
        windows: Of the tile.
        variant: The kernel's.
    """
    scores = multiply(query, tl.trans(key), variant)
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
    """What makes plain attention of a tile with one row r of the tables for all of its pairs.

    q . k + q . PK[r] + k . PQ[r] = (q + PQ[r]) . k + q . PK[r]: the keys stay as they are, so
    that a far tile costs no more than one without positions.

    Args:
        query: (block, head_dim).
        index: Of the distance: see `far_offsets`.
        here: The program's place.
        variant: The kernel's.

    Returns:
        Queries, (block, head_dim), and what to add to their scores, (block, 1) float32.
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
    """Which pairs of a tile dropout keeps, (block, block) bool; every kernel draws the same.

    Philox is counted by (key // 4, query, stream) and gives four numbers, one to each key: a
    quarter of the work of one call for each pair. Seven rounds are the fewest that pass BigCrush.

    Args:
        queries: Number of the block of queries.
        keys: Number of the block of keys.
        here: The program's place.
        variant: The kernel's.

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
