"""Blocks of rows in few sizes, to limit the number of compiled shapes.

oneDNN compiles products for each number of rows and caches them, half a megabyte to two megabytes
each. The cache fragments memory between the tensors of the batches. Batches rarely have the same
number of pieces twice.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from spacy_deberta.nn.ops.processor import has_amx

# Rows per block. The feed-forward network's activations, four times as wide, fit into the CPU's
# caches, and no memory is allocated per layer.
BLOCK = 1024
# Rows per block in int8, where a layer has more passes over its activations. Blocks of 128 rows
# read the weights from the outer caches too often, and are 7% slower.
QUANTIZED_BLOCK = 512
# Rows per block in bfloat16 on AMX tiles: with more, products with 3,072 inputs take half as long
# again, and with 128 rows all of them do.
_AMX_BLOCK = 256
# Sizes are multiples of this; above 128 rows, they are at most an eighth apart.
_STEP = 8


def rows_per_block(weights: torch.dtype) -> int:
    """Maximum number of rows that pass through a feed-forward network at a time on CPUs.

    Args:
        weights: Dtype of its weights.
    """
    if weights == torch.int8:
        return QUANTIZED_BLOCK
    return _AMX_BLOCK if weights == torch.bfloat16 and has_amx() else BLOCK


def rounded(rows: int, *, least: int = _STEP) -> int:
    """Round up to the next block size; there are 40 up to `BLOCK` rows.

    Args:
        rows: Number of rows.
        least: Power of two that all sizes are multiples of.
    """
    step = max(least, (1 << max(rows - 1, 0).bit_length()) // 16)
    return -(-rows // step) * step


def by_blocks(
    function: Callable[..., Sequence[Tensor]], *rows: Tensor, block: int = BLOCK
) -> Sequence[Tensor]:
    """Apply a row-wise function, on the CPU in blocks.

    Args:
        function: Maps tensors to tensors of the same number of rows. Its result for a row does
            not depend on the other rows.
        rows: (rows, width) each, with the same number of rows.
        block: Maximum number of rows of a block.

    Returns:
        As `function(*rows)`, up to rounding.
    """
    count = len(rows[0])
    if rows[0].device.type != "cpu":
        return function(*rows)
    if count <= block:
        return _apply(function, rows, count)
    outputs: list[Tensor] = []
    for first in range(0, count, block):
        last = min(first + block, count)
        parts = _apply(function, [tensor[first:last] for tensor in rows], last - first)
        if not outputs:
            outputs = [part.new_empty(count, *part.shape[1:]) for part in parts]
        for output, part in zip(outputs, parts, strict=True):
            output[first:last] = part
    return outputs


def _apply(
    function: Callable[..., Sequence[Tensor]], rows: Sequence[Tensor], count: int
) -> Sequence[Tensor]:
    added = rounded(count) - count
    if not added:
        return function(*rows)
    padded = [torch.cat([tensor, tensor[-1:].expand(added, -1)]) for tensor in rows]
    return [part[:count] for part in function(*padded)]
