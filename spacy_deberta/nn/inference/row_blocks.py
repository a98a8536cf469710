"""Rows in blocks of few sizes: what is compiled for a number of rows is compiled for few numbers.

oneDNN compiles its products for the number of their rows and keeps them, between half a megabyte
and two for each; what is kept lies between the tensors of the batch, whose memory then can't be
used again. Batches hardly ever have the same number of pieces twice.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Rows that are computed together. What a feed-forward network makes of them, four times as wide,
# stays in the caches of a processor and is no new memory for each layer.
BLOCK = 1024
# Sizes are multiples of it, and above 128 rows an eighth apart at most.
_STEP = 8


def rounded(rows: int) -> int:
    """The next size of those that are compiled for: 40 up to `BLOCK` rows."""
    step = max(_STEP, (1 << max(rows - 1, 0).bit_length()) // 16)
    return -(-rows // step) * step


def by_blocks(function: Callable[..., Sequence[Tensor]], *rows: Tensor) -> Sequence[Tensor]:
    """Apply a function of single rows to all of them, on the CPU a block at a time.

    Args:
        function: From tensors of some rows to tensors of as many. What it makes of a row does not
            depend on the others.
        rows: (rows, width) each, of as many rows.

    Returns:
        The same as `function(*rows)`, but for rounding.
    """
    count = len(rows[0])
    if rows[0].device.type != "cpu":
        return function(*rows)
    if count <= BLOCK:
        return _apply(function, rows, count)
    whole: list[Tensor] = []
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        found = _apply(function, [tensor[first:last] for tensor in rows], last - first)
        if not whole:
            whole = [part.new_empty(count, *part.shape[1:]) for part in found]
        for place, part in zip(whole, found, strict=True):
            place[first:last] = part
    return whole


def _apply(
    function: Callable[..., Sequence[Tensor]], rows: Sequence[Tensor], count: int
) -> Sequence[Tensor]:
    added = rounded(count) - count
    if not added:
        return function(*rows)
    # The last row again, and not zeros: rows of 8 bits have one scale, which others would change.
    padded = [torch.cat([tensor, tensor[-1:].expand(added, -1)]) for tensor in rows]
    return [part[:count] for part in function(*padded)]
