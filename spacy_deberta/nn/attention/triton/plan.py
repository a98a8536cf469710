"""Host-side plan of the tiles that the Triton kernels compute, from lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spacy_deberta.nn.attention.interface import BatchLayout
from spacy_deberta.nn.ops.transfer import send

# Maximum number of tiles per program of the table gradient, unless a single sequence has more:
# enough to amortize its atomic additions, few enough to keep a large device busy.
_TILES_PER_SEGMENT = 32


@dataclass(frozen=True)
class Diagonals:
    """Tiles with the same distance between their blocks, for the gradients of position tables.

    Args:
        sequences: (sequences,) int32, by descending length.
        segments: (segments, 3) int32. Part of a diagonal of tiles: offset in blocks of the
            queries from the keys, and start and end of its sequences in `sequences`.
    """

    sequences: Tensor
    segments: Tensor


@dataclass(frozen=True)
class Tiles:
    """A batch split into blocks of rows, and into tiles of a query block and a key block.

    Args:
        block: Rows per block.
        places: (blocks, 2) int32, sequence of every block and its index in it; blocks of long
            sequences come first, because they are most work.
        edges: (2,) int32. Tiles with a block offset of at most the first value, or at least the
            second one, use one row of the position tables for all of their pairs. None without
            relative positions.
        diagonals: None in a plan without gradients.
    """

    block: int
    places: Tensor
    edges: Tensor | None
    diagonals: Diagonals | None


@dataclass(frozen=True)
class TritonPlan:
    """Plan of a batch for the Triton kernels.

    Args:
        layout: The batch.
        longest: Maximum length.
        rows: (2 * longest - 1,) int32, row of the position tables for the distance d at
            `d + longest - 1`; None without relative positions.
        tiles: By block size; chosen by element size and head size.
    """

    layout: BatchLayout
    longest: int
    rows: Tensor | None
    tiles: Mapping[int, Tiles]


def plan_tiles(layout: BatchLayout, blocks: Sequence[int], *, gradients: bool = True) -> TritonPlan:
    """Split a batch into blocks and tiles.

    Args:
        layout: The batch.
        blocks: All block sizes that may be needed.
        gradients: Whether to plan gradients too, which takes the host many times as long.

    Returns:
        The plan, with indices on the device of the batch. The device is not synchronized: `edges`
        are computed on it.
    """
    longest = max(layout.lengths, default=0)
    order, lengths = by_length(layout.lengths)
    rows = None if layout.slots is None else layout.slots.rows.to(torch.int32)
    tiles = {}
    for block in blocks:
        counts = -(-lengths // block)
        parts = [place_blocks(order, counts)]
        if gradients:
            parts += [order, diagonals(counts)]
        places, *of_gradients = upload(parts, layout.cu_seqlens.device)
        tiles[block] = Tiles(
            block=block,
            places=places,
            edges=find_edges(rows, block),
            diagonals=Diagonals(*of_gradients) if gradients else None,
        )
    return TritonPlan(layout=layout, longest=longest, rows=rows, tiles=tiles)


def by_length(lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the sequences that are not empty, by descending length, and their lengths."""
    sizes = np.array(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    return order, sizes[order]


def place_blocks(sequences: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Compute `Tiles.places`.

    Args:
        sequences: (sequences,), indices.
        counts: (sequences,), blocks of each.
    """
    return np.stack([np.repeat(sequences, counts), _counted(counts)], axis=1)


def _counted(counts: np.ndarray) -> np.ndarray:
    """Concatenated ranges from 0 to count - 1, for every count."""
    return np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)


def diagonals(counts: np.ndarray, *, after: int = 0) -> np.ndarray:
    """Compute `Diagonals.segments`.

    Args:
        counts: Blocks of every sequence, descending.
        after: Number of blocks that keys have after those of queries: 1 for the tiles of bands,
            which have one more.
    """
    segments = [np.empty((0, 3), dtype=np.int64)]
    for ahead in range(counts[0] if len(counts) else 0):
        tiles = counts[: np.searchsorted(-counts, -ahead)] - ahead
        number = (tiles.cumsum() - tiles) // _TILES_PER_SEGMENT
        firsts = np.flatnonzero(np.diff(number, prepend=-1))
        lasts = np.append(firsts[1:], len(tiles))
        segments.extend(
            np.stack([np.full_like(firsts, signed), firsts, lasts], axis=1)
            for signed in {ahead, -ahead - after}
        )
    return np.concatenate(segments)


def upload(arrays: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """Copy arrays to the device as int32 tensors, in one transfer."""
    flat = np.concatenate([array.reshape(-1) for array in arrays]).astype(np.int32)
    on_device = send(flat, device)
    parts = on_device.split([array.size for array in arrays])
    return [part.view(array.shape) for part, array in zip(parts, arrays, strict=True)]


def find_edges(rows: Tensor | None, block: int) -> Tensor | None:
    """Compute `Tiles.edges`.

    Args:
        rows: See `TritonPlan`.
        block: Rows per block.
    """
    if rows is None:
        return None
    longest = (len(rows) + 1) // 2
    # Distances up to `low`, and from `high` on, share the first and the last row.
    low = (rows == rows[0]).sum() - longest
    high = longest - (rows == rows[-1]).sum()
    return torch.stack([(low - block + 1) // block, -((1 - block - high) // block)]).to(torch.int32)
