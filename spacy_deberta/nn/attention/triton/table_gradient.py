"""Triton kernel of the gradients of both position tables.

All tiles with the same block offset of queries from keys have the same window, in every sequence.
So a program iterates over such a diagonal of tiles, accumulates the gradients of its window in
float32 on chip, and finally adds them to those of the tables: 4 B D atomic additions for up to 32
tiles, or one sequence, instead of 4 B D per tile. Far diagonals are skipped, because the other
kernels accumulate their row. The order of the additions is not deterministic, so the last bits of
the tables' gradients differ from run to run.

With blocks of B rows and heads of D, a near tile takes 10 B^2 D operations for the scores, 2 for
the gradient of the probabilities, and 4 for each table: 20 B^2 D. Query, key, value and gradient of
the context come from the L2 cache, 4 B D elements; the window is read once.
"""

import triton
import triton.language as tl

from .gradients import Gradients, load_means, query_side, score_gradients, skew_keys, skew_queries
from .scores import load_windows, multiply, near_scores
from .tiles import Batch, Rows, Variant, enter_sequence, load_block, window_offsets


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def table_gradient_kernel(
    rows: Rows,
    batch: Batch,
    sequences: tl.tensor,
    segments: tl.tensor,
    gradients: Gradients,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Accumulate the tables' gradients over the tiles of one segment and head.

    Args:
        rows: The inputs.
        batch: The plan.
        sequences: Pointer to `Diagonals.sequences`.
        segments: Pointer to `Diagonals.segments`.
        gradients: The input gradients, and the tables'.
        longest: See `forward_kernel`, as for the following.
        log2_scale: Scale of the scores.
        seed: Dropout seed.
        threshold: Dropout threshold.
        keep_scale: Dropout scale.
        variant: The kernel's variant.
    """
    segment = segments + 3 * tl.program_id(0)
    ahead = tl.load(segment)
    if ahead > tl.load(batch.edges) and ahead < tl.load(batch.edges + 1):
        sum_key = tl.zeros([2 * variant.block, variant.head_dim], tl.float32)
        sum_query = tl.zeros([2 * variant.block, variant.head_dim], tl.float32)
        first = tl.load(segment + 1)
        here = enter_sequence(
            rows,
            batch,
            tl.load(sequences + first),
            0,
            longest,
            log2_scale,
            seed,
            threshold,
            keep_scale,
            variant,
        )
        window = window_offsets(ahead, here, variant)
        windows = load_windows(window, here, variant)
        for member in range(first, tl.load(segment + 2)):
            there = enter_sequence(
                rows,
                batch,
                tl.load(sequences + member),
                0,
                longest,
                log2_scale,
                seed,
                threshold,
                keep_scale,
                variant,
            )
            blocks = tl.cdiv(there.length, variant.block)
            for number in range(tl.maximum(-ahead, 0), tl.minimum(blocks, blocks - ahead)):
                key = load_block(there.rows.key, there.rows.key_stride, number, there, variant)
                value = load_block(
                    there.rows.value, there.rows.value_stride, number, there, variant
                )
                queries = number + ahead
                query = load_block(
                    there.rows.query, there.rows.query_stride, queries, there, variant
                )
                context, normalizer = query_side(gradients, queries, there, variant)
                _, gradient = score_gradients(
                    near_scores(query, key, windows, queries, number, there, variant),
                    context,
                    normalizer,
                    load_means(gradients, queries, there, variant),
                    value,
                    queries,
                    number,
                    there,
                    variant,
                )
                gradient = gradient.to(key.dtype)
                if gradients.position_key is not None:
                    sum_key += multiply(tl.trans(skew_queries(gradient, variant)), query, variant)
                if gradients.position_query is not None:
                    sum_query += multiply(skew_keys(gradient, variant), key, variant)
        offsets = window + here.head * variant.head_dim
        if gradients.position_key is not None:
            tl.atomic_add(gradients.position_key + offsets, sum_key, sem="relaxed")
        if gradients.position_query is not None:
            tl.atomic_add(gradients.position_query + offsets, sum_query, sem="relaxed")
