"""Shared parts of the backward kernels: gradients of a tile's scores, and their skewing."""

from typing import NamedTuple

import triton
import triton.language as tl

from .scores import kept_pairs, multiply
from .tiles import Program, Variant, block_rows, output_offsets, statistic_offsets


class Gradients(NamedTuple):
    """Pointers to inputs and outputs of the backward pass; all contiguous.

    `context` is the gradient of the context, `normalizer` the output of the forward kernel,
    `weighted_mean` (total_pieces, heads) float32: see `score_gradients`. The tables' gradients are
    float32, and None without a table or if not required. The bands get the gradients of scores for
    the products of `bands`; they are None without bands or without the table.
    """

    context: tl.tensor
    normalizer: tl.tensor
    weighted_mean: tl.tensor
    query: tl.tensor
    key: tl.tensor
    value: tl.tensor
    position_key: tl.tensor
    position_query: tl.tensor
    query_band: tl.tensor
    key_band: tl.tensor


@triton.jit
def query_side(
    gradients: Gradients, number: tl.tensor, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor]:
    """Load a block's gradient of the context, (block, head_dim), and its normalizers, (block, 1).

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
    """Load a block's weighted means, (block, 1): see `score_gradients`."""
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
    """Probabilities of a tile after dropout, and gradient of its scores, both float32.

    The gradient of a softmax p is p (g - mean), with g the gradient of p and mean weighted by p.

    Args:
        scores: (block, block), not scaled.
        context: (block, head_dim), gradient of the context.
        normalizer: (block, 1), from the forward kernel.
        mean: (block, 1), the weighted mean: dot product of the context and its gradient.
        value: (block, head_dim).
        queries: Index of the query block.
        keys: Index of the key block.
        here: The program.
        variant: The kernel's variant.
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
    """Skew (query, key) to (query, window index): (block, 2 * block), zeros without key."""
    block: tl.constexpr = variant.block
    key = tl.arange(0, block)[:, None] + block - 1 - tl.arange(0, 2 * block)[None, :]
    inside = (key >= 0) & (key < block)
    return tl.where(inside, tl.gather(tile, tl.where(inside, key, 0), 1), 0.0)


@triton.jit
def skew_keys(tile: tl.tensor, variant: Variant) -> tl.tensor:
    """Skew (query, key) to (window index, key): (2 * block, block), zeros without query."""
    block: tl.constexpr = variant.block
    query = tl.arange(0, 2 * block)[:, None] + tl.arange(0, block)[None, :] - block + 1
    inside = (query >= 0) & (query < block)
    return tl.where(inside, tl.gather(tile, tl.where(inside, query, 0), 0), 0.0)
