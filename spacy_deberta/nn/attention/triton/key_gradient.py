"""Triton kernel of the gradients of keys and values.

As for the queries (`query_gradient`), scores are recomputed: with blocks of B rows and heads of D,
18 B^2 D operations in a near tile and 6 in a far one, and 2 more for the values.

Memory traffic is key, value and their gradients, 4 D elements per piece and head; queries and the
gradients of their contexts, 2 B D elements per tile, come from the L2 cache, and 4 B D more for the
windows of a near tile.
"""

import triton
import triton.language as tl

from .gradients import Gradients, load_means, query_side, score_gradients, skew_keys
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
    near_queries,
    output_offsets,
    window_offsets,
)


@triton.jit
def _near_queries(
    results: tl.tuple,
    key: tl.tensor,
    value: tl.tensor,
    first: tl.tensor,
    last: tl.tensor,
    gradients: Gradients,
    here: Program,
    variant: Variant,
) -> tuple[tl.tensor, tl.tensor]:
    """Accumulate the gradients of a key block and its values over near tiles.

    Args:
        results: Both gradients, (block, head_dim) float32.
        key: (block, head_dim).
        value: (block, head_dim).
        first: Index of a query block.
        last: Index of a query block.
        gradients: The input gradients.
        here: The program.
        variant: The kernel's variant.
    """
    grad_key, grad_value = results
    for number in range(first, last):
        query = load_block(here.rows.query, here.rows.query_stride, number, here, variant)
        context, normalizer = query_side(gradients, number, here, variant)
        mean = load_means(gradients, number, here, variant)
        windows = load_windows(window_offsets(number - here.number, here, variant), here, variant)
        probabilities, gradient = score_gradients(
            near_scores(query, key, windows, number, here.number, here, variant),
            context,
            normalizer,
            mean,
            value,
            number,
            here.number,
            here,
            variant,
        )
        gradient = gradient.to(key.dtype)
        grad_value += multiply(tl.trans(probabilities), context, variant)
        grad_key += multiply(tl.trans(gradient), query, variant)
        if windows.query is not None:
            by_distance = tl.trans(skew_keys(gradient, variant))
            grad_key += multiply(by_distance, windows.query, variant)
        if gradients.key_band is not None:
            band = band_pointers(gradients.key_band, here.number, number, here, variant)
            tl.store(band, tl.trans(gradient))
    return grad_key, grad_value


@triton.jit
def _far_queries(
    results: tl.tuple,
    key: tl.tensor,
    value: tl.tensor,
    first: tl.tensor,
    last: tl.tensor,
    index: tl.tensor,
    gradients: Gradients,
    here: Program,
    variant: Variant,
) -> tuple[tl.tensor, tl.tensor]:
    """Accumulate the gradients of a key block, its values and a table row over far tiles.

    Args:
        results: Both gradients, (block, head_dim) float32.
        key: (block, head_dim).
        value: (block, head_dim).
        first: Index of a query block.
        last: Index of a query block.
        index: Index of a distance that represents all of these pairs: see `far_offsets`.
        gradients: The input gradients, and the table's.
        here: The program.
        variant: The kernel's variant.
    """
    grad_key, grad_value = results
    total = tl.zeros([variant.block, 1], tl.float32)
    for number in tl.range(first, last, num_stages=2):
        query = load_block(here.rows.query, here.rows.query_stride, number, here, variant)
        context, normalizer = query_side(gradients, number, here, variant)
        mean = load_means(gradients, number, here, variant)
        shifted, constant = far_query(query, index, here, variant)
        scores = multiply(shifted, tl.trans(key), variant) + constant
        probabilities, gradient = score_gradients(
            scores, context, normalizer, mean, value, number, here.number, here, variant
        )
        grad_value += multiply(tl.trans(probabilities), context, variant)
        grad_key += multiply(tl.trans(gradient), query, variant)
        total += tl.sum(tl.trans(gradient), 1, keep_dims=True)
    if here.rows.position_query is not None:
        offsets = far_offsets(index, here, variant)
        grad_key += total * tl.load(here.rows.position_query + offsets).to(tl.float32)
        if gradients.position_query is not None and first < last:
            change = tl.sum(total * key.to(tl.float32), 0, keep_dims=True)
            offsets += here.head * variant.head_dim
            tl.atomic_add(gradients.position_query + offsets, change, sem="relaxed")
    return grad_key, grad_value


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def key_gradient_kernel(
    rows: Rows,
    batch: Batch,
    gradients: Gradients,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Compute the gradients of one key block of one head, and of its values.

    Also accumulates the far rows of the position queries' gradient.

    Args:
        rows: The inputs.
        batch: The plan.
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
    key = load_block(here.rows.key, here.rows.key_stride, here.number, here, variant)
    value = load_block(here.rows.value, here.rows.value_stride, here.number, here, variant)
    none = tl.zeros([variant.block, variant.head_dim], tl.float32)
    results = (none, none)
    first, last, blocks = near_queries(here, variant)
    if batch.edges is not None:
        results = _far_queries(results, key, value, 0, first, 0, gradients, here, variant)
        results = _near_queries(results, key, value, first, last, gradients, here, variant)
    ahead = 2 * longest - 2
    results = _far_queries(results, key, value, last, blocks, ahead, gradients, here, variant)
    _, exists = block_rows(here.number, here, variant)
    offsets = output_offsets(here.number, here, variant)
    tl.store(
        gradients.key + offsets, results[0].to(gradients.key.dtype.element_ty), mask=exists[:, None]
    )
    tl.store(gradients.value + offsets, results[1].to(key.dtype), mask=exists[:, None])
