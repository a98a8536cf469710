"""Triton kernel of the gradient of the queries.

Nothing of the size of the scores is saved: the scores of a tile are recomputed, and normalized to
probabilities by the forward pass's normalizer. With blocks of B rows and heads of D, a product of
content takes 2 B^2 D operations and one with a window twice that: scores 10 B^2 D, gradient of the
probabilities 2, content 2, window 4, in total 18 in a near tile; without windows 6 in a far one.

Memory traffic is query, context, its gradient and the query's gradient, 4 D elements per piece and
head, and two float32; keys, values and windows come from the L2 cache as in the forward pass.

A far row of the position keys' gradient gets one atomic addition of D float32 from each program
with such tiles, after the sum over their keys.

The three backward kernels together take 58 B^2 D for a near tile and 14 for a far one. A single
kernel that computes the scores once would take 34 and 10, but needs atomic additions to the
gradients of queries and tables for every tile.
"""

import triton
import triton.language as tl

from .gradients import Gradients, query_side, score_gradients, skew_queries
from .scores import band_pointers, far_query, load_windows, multiply, near_scores
from .tiles import (
    Batch,
    Program,
    Rows,
    Variant,
    block_rows,
    enter_sequence,
    far_offsets,
    load_block,
    near_keys,
    output_offsets,
    statistic_offsets,
    window_offsets,
)


@triton.jit
def _near_keys(
    result: tl.tensor,
    query: tl.tensor,
    sides: tl.tuple,
    first: tl.tensor,
    last: tl.tensor,
    gradients: Gradients,
    here: Program,
    variant: Variant,
) -> tl.tensor:
    """Accumulate the gradient of a query block over near tiles.

    Args:
        result: (block, head_dim) float32.
        query: (block, head_dim).
        sides: Gradient of the context, normalizers and weighted means of the queries.
        first: Index of a key block.
        last: Index of a key block.
        gradients: Has the band, if any.
        here: The program.
        variant: The kernel's variant.
    """
    context, normalizer, mean = sides
    for number in range(first, last):
        key = load_block(here.rows.key, here.rows.key_stride, number, here, variant)
        value = load_block(here.rows.value, here.rows.value_stride, number, here, variant)
        windows = load_windows(window_offsets(here.number - number, here, variant), here, variant)
        _, gradient = score_gradients(
            near_scores(query, key, windows, here.number, number, here, variant),
            context,
            normalizer,
            mean,
            value,
            here.number,
            number,
            here,
            variant,
        )
        gradient = gradient.to(key.dtype)
        result += multiply(gradient, key, variant)
        if windows.key is not None:
            by_distance = skew_queries(gradient, variant)
            result += multiply(by_distance, windows.key, variant)
        if gradients.query_band is not None:
            band = band_pointers(gradients.query_band, here.number, number, here, variant)
            tl.store(band, gradient)
    return result


@triton.jit
def _far_keys(
    result: tl.tensor,
    query: tl.tensor,
    sides: tl.tuple,
    first: tl.tensor,
    last: tl.tensor,
    index: tl.tensor,
    gradients: Gradients,
    here: Program,
    variant: Variant,
) -> tl.tensor:
    """Accumulate the gradients of a query block and a table row over far tiles.

    Args:
        result: (block, head_dim) float32.
        query: (block, head_dim).
        sides: Gradient of the context, normalizers and weighted means of the queries.
        first: Index of a key block.
        last: Index of a key block.
        index: Index of a distance that represents all of these pairs: see `far_offsets`.
        gradients: Has the table's gradient.
        here: The program.
        variant: The kernel's variant.
    """
    context, normalizer, mean = sides
    shifted, constant = far_query(query, index, here, variant)
    total = tl.zeros([variant.block, 1], tl.float32)
    for number in tl.range(first, last, num_stages=2):
        key = load_block(here.rows.key, here.rows.key_stride, number, here, variant)
        value = load_block(here.rows.value, here.rows.value_stride, number, here, variant)
        scores = multiply(shifted, tl.trans(key), variant) + constant
        _, gradient = score_gradients(
            scores, context, normalizer, mean, value, here.number, number, here, variant
        )
        result += multiply(gradient, key, variant)
        total += tl.sum(gradient, 1, keep_dims=True)
    if here.rows.position_key is not None:
        offsets = far_offsets(index, here, variant)
        result += total * tl.load(here.rows.position_key + offsets).to(tl.float32)
        if gradients.position_key is not None and first < last:
            change = tl.sum(total * query.to(tl.float32), 0, keep_dims=True)
            offsets += here.head * variant.head_dim
            tl.atomic_add(gradients.position_key + offsets, change, sem="relaxed")
    return result


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def query_gradient_kernel(
    rows: Rows,
    batch: Batch,
    context: tl.tensor,
    gradients: Gradients,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Compute the gradient of one query block of one head.

    Also stores the weighted means of its queries for the next kernels, and accumulates the far
    rows of the position keys' gradient.

    Args:
        rows: The inputs.
        batch: The plan.
        context: Pointer to the result of the forward kernel.
        gradients: Inputs and outputs.
        longest: See `forward_kernel`, as for the following.
        log2_scale: Scale of the scores.
        seed: Dropout seed.
        threshold: Dropout threshold.
        keep_scale: Dropout scale.
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
    _, exists = block_rows(here.number, here, variant)
    offsets = output_offsets(here.number, here, variant)
    gradient, normalizer = query_side(gradients, here.number, here, variant)
    output = tl.load(context + offsets, mask=exists[:, None], other=0.0).to(tl.float32)
    mean = tl.sum(output * gradient.to(tl.float32), 1, keep_dims=True)
    means = gradients.weighted_mean + statistic_offsets(here.number, here, variant)[:, None]
    tl.store(means, mean, mask=exists[:, None])

    query = load_block(here.rows.query, here.rows.query_stride, here.number, here, variant)
    sides = (gradient, normalizer, mean)
    result = tl.zeros([variant.block, variant.head_dim], tl.float32)
    first, last, blocks = near_keys(here, variant)
    if batch.edges is not None:
        ahead = 2 * longest - 2
        result = _far_keys(result, query, sides, 0, first, ahead, gradients, here, variant)
        result = _near_keys(result, query, sides, first, last, gradients, here, variant)
    result = _far_keys(result, query, sides, last, blocks, 0, gradients, here, variant)
    tl.store(
        gradients.query + offsets, result.to(gradients.query.dtype.element_ty), mask=exists[:, None]
    )
