"""What the kernels of the backward pass share: the gradient of a tile's scores, skewed or not."""

from typing import NamedTuple

import triton
import triton.language as tl

from .scores import kept_pairs, multiply
from .tiles import Program, Variant, block_rows, output_offsets, statistic_offsets


class Gradients(NamedTuple):
    """Pointers to what comes in and goes out; all contiguous.

    `context` is the gradient of the context, `normalizer` what the forward kernel left,
    `weighted_mean` (total_pieces, heads) float32: see `score_gradients`. The tables' gradients are
    float32, and None where there is no table or none of its gradients is wanted.
    """

    context: tl.tensor
    normalizer: tl.tensor
    weighted_mean: tl.tensor
    query: tl.tensor
    key: tl.tensor
    value: tl.tensor
    position_key: tl.tensor
    position_query: tl.tensor


@triton.jit
def query_side(
    gradients: Gradients, number: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor]:
    """A block's gradient of the context, (block, head_dim), and its normalizers, (block, 1).

    After the end of the sequence these are 0 and infinity, so that all probabilities are 0.
    """
    _, exists = block_rows(number, here, variant)
    offsets = output_offsets(number, here, variant)
    context = tl.load(gradients.context + offsets, mask=exists[:, None], other=0.0)
    offsets = statistic_offsets(number, here, variant)
    infinity = float("inf")
    normalizer = tl.load(gradients.normalizer + offsets, mask=exists, other=infinity)
    return context, normalizer[:, None]


@triton.jit
def load_means(
    gradients: Gradients, number: tl.tensor, here: Program, variant: Variant
) -> tl.tensor:
    """A block's weighted means, (block, 1): see `score_gradients`."""
    _, exists = block_rows(number, here, variant)
    offsets = statistic_offsets(number, here, variant)
    return tl.load(gradients.weighted_mean + offsets, mask=exists, other=0.0)[:, None]


@triton.jit
def score_gradients(
    scores: tl.tensor,
    context: tl.tensor,
    normalizer: tl.tensor,
    mean: tl.tensor,
    value: tl.tensor,
    queries: tl.tensor,
    keys: tl.tensor,
    here: Program,
    variant: Variant,
) -> tuple[tl.tensor, tl.tensor]:
    """Probabilities of a tile after dropout, and the gradient of its scores, both float32.

    That of a softmax p is p (g - mean), with g the gradient of p and its mean weighted with p.

    Args:
        scores: (block, block), not scaled.
        context: (block, head_dim), gradient of the context.
        normalizer: (block, 1), of the forward kernel.
        mean: (block, 1), context times its gradient, which is the weighted mean.
        value: (block, head_dim).
        queries: Number of the block of queries.
        keys: Number of the block of keys.
        here: The program's place.
        variant: The kernel's.
    """
    _, exists = block_rows(keys, here, variant)
    probabilities = tl.exp2(scores * here.log2_scale - normalizer)
    probabilities = tl.where(exists[None, :], probabilities, 0.0)
    gradient = multiply(context, tl.trans(value), variant)
    dropped = probabilities
    if variant.dropout:
        factor = tl.where(kept_pairs(queries, keys, here, variant), here.dropout.scale, 0.0)
        dropped = probabilities * factor
        gradient *= factor
    scale = here.log2_scale * 0.6931471805599453  # the logarithm of 2
    return dropped, probabilities * (gradient - mean) * scale


@triton.jit
def skew_queries(tile: tl.tensor, variant: Variant) -> tl.tensor:
    """From (query, key) to (query, place in the window): (block, 2 * block), zeros without key."""
    block: tl.constexpr = variant.block
    key = tl.arange(0, block)[:, None] + block - 1 - tl.arange(0, 2 * block)[None, :]
    inside = (key >= 0) & (key < block)
    return tl.where(inside, tl.gather(tile, tl.where(inside, key, 0), 1), 0.0)


@triton.jit
def skew_keys(tile: tl.tensor, variant: Variant) -> tl.tensor:
    """From (query, key) to (place in the window, key): (2 * block, block), zeros without query."""
    block: tl.constexpr = variant.block
    query = tl.arange(0, 2 * block)[:, None] + tl.arange(0, block)[None, :] - block + 1
    inside = (query >= 0) & (query < block)
    return tl.where(inside, tl.gather(tile, tl.where(inside, query, 0), 0), 0.0)
