"""Triton kernel of the forward pass: the context of packed sequences.

With blocks of B rows and heads of D, a near tile takes 2 B^2 D operations for the content, as many
for the values, and twice that for each position term, whose window has 2 B rows: 12 B^2 D in all,
3.1 MFLOP with B = D = 64. A far tile takes 4 B^2 D, as attention without positions does. With the
official checkpoints all tiles are near up to 512 pieces, 46% at 2,048 and 13% at 8,192.

Memory traffic is query, key, value and context, 4 D elements per piece and head, and one float32
for the backward pass. Keys, values and windows are reread for every query block, from the L2 cache:
2 B D elements for a far tile, 6 B D for a near one. In half precision that is B operations per byte
in both cases, B^2 D products for B D elements.
"""

import triton
import triton.language as tl

from .scores import far_query, kept_pairs, load_windows, multiply, near_scores
from .tiles import (
    Batch,
    Program,
    Rows,
    Variant,
    block_rows,
    enter_sequence,
    load_block,
    near_keys,
    output_offsets,
    statistic_offsets,
    window_offsets,
)


@triton.jit
def _attend(
    state: tl.tuple,
    query: tl.tensor,
    constant: tl.tensor,
    first: tl.tensor,
    last: tl.tensor,
    far: tl.constexpr,
    here: Program,
    variant: Variant,
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Continue the online softmax over the key blocks from `first` up to `last`.

    Args:
        state: Weighted sum of the values, (block, head_dim), running maximum of the scores and
            sum of the weights, (block, 1), all float32.
        query: (block, head_dim); for far tiles from `far_query`.
        constant: (block, 1), bias of the scores of far tiles.
        first: Index of a block.
        last: Index of a block.
        far: Whether each of these tiles has one row of the tables for all of its pairs.
        here: The program; its block is the query block.
        variant: The kernel's variant.

    Returns:
        The state.
    """
    accumulator, highest, total = state
    # Far tiles leave on-chip memory to prefetch the next ones.
    stages: tl.constexpr = 2 if far else 1
    for number in tl.range(first, last, num_stages=stages):
        key = load_block(here.rows.key, here.rows.key_stride, number, here, variant)
        if far:
            scores = multiply(query, tl.trans(key), variant) + constant
        else:
            window = window_offsets(here.number - number, here, variant)
            windows = load_windows(window, here, variant)
            scores = near_scores(query, key, windows, here.number, number, here, variant)
        _, exists = block_rows(number, here, variant)
        scores = tl.where(exists[None, :], scores * here.log2_scale, float("-inf"))
        higher = tl.maximum(highest, tl.max(scores, 1, keep_dims=True))
        shrink = tl.exp2(highest - higher)
        weights = tl.exp2(scores - higher)
        total = total * shrink + tl.sum(weights, 1, keep_dims=True)
        if variant.dropout:
            weights = tl.where(kept_pairs(here.number, number, here, variant), weights, 0.0)
        value = load_block(here.rows.value, here.rows.value_stride, number, here, variant)
        accumulator = accumulator * shrink + multiply(weights, value, variant)
        highest = higher
    return accumulator, highest, total


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def forward_kernel(
    rows: Rows,
    batch: Batch,
    context: tl.tensor,
    normalizer: tl.tensor,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Attend from one query block of one head to all keys of the sequence.

    Args:
        rows: The inputs.
        batch: The plan.
        context: Pointer to the result, (total_pieces, heads, head_dim).
        normalizer: Pointer to (total_pieces, heads) float32, for the base-2 log-sum-exp of a
            query's scores, which normalizes scores to probabilities.
        longest: Maximum length of the batch.
        log2_scale: Scale of the scores, times log2(e).
        seed: Dropout seed: see `kept_pairs`.
        threshold: Dropout threshold, of 2**24.
        keep_scale: Dropout scale of kept pairs.
        variant: The kernel's variant.
    """
    place = batch.places + 2 * tl.program_id(0)
    here = enter_sequence(
        rows,
        batch,
        tl.load(place),
        tl.load(place + 1),
        longest,
        log2_scale,
        seed,
        threshold,
        keep_scale,
        variant,
    )
    query = load_block(here.rows.query, here.rows.query_stride, here.number, here, variant)
    values = tl.zeros([variant.block, variant.head_dim], tl.float32)
    none = tl.zeros([variant.block, 1], tl.float32)
    state = (values, none - float("inf"), none)
    first, last, blocks = near_keys(here, variant)
    if batch.edges is not None:
        ahead, constant = far_query(query, 2 * longest - 2, here, variant)
        state = _attend(state, ahead, constant, 0, first, True, here, variant)
        state = _attend(state, query, none, first, last, False, here, variant)
    behind, constant = far_query(query, 0, here, variant)
    accumulator, highest, total = _attend(
        state, behind, constant, last, blocks, True, here, variant
    )
    _, exists = block_rows(here.number, here, variant)
    accumulator *= keep_scale / total
    offsets = output_offsets(here.number, here, variant)
    tl.store(context + offsets, accumulator.to(query.dtype), mask=exists[:, None])
    offsets = statistic_offsets(here.number, here, variant)[:, None]
    tl.store(normalizer + offsets, highest + tl.log2(total), mask=exists[:, None])
