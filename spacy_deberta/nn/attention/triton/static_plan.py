"""Plans that are refilled in place, for CUDA graphs: these read the same addresses every time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spacy_deberta.nn.attention.interface import BatchLayout
from spacy_deberta.nn.ops.transfer import send_into
from spacy_deberta.nn.relative_positions import SlotTable

from .plan import Tiles, TritonPlan, by_length, find_edges, place_blocks


@dataclass(frozen=True)
class StaticTritonPlan:
    """A plan for prediction with all batches up to a number of blocks: see `StaticPlan`.

    Places beyond the blocks of the batch are in a sequence without rows, where kernels load zeros
    and store nothing.

    Args:
        plan: For the kernels; its layout has no lengths.
        indices: (3 * blocks + 2,) int32, the memory of the places and of `cu_seqlens`.
    """

    plan: TritonPlan
    indices: Tensor

    @classmethod
    def allocate(
        cls, slots: SlotTable | None, *, heads: int, blocks: int, block: int, device: torch.device
    ) -> "StaticTritonPlan":
        """Make a plan of an empty batch.

        Args:
            slots: For the maximum length; None without relative positions.
            heads: Number of attention heads.
            blocks: Maximum number of blocks; even, so that `cu_seqlens` is aligned to 16 bytes, as
                Triton's kernels are compiled for.
            block: Rows per block.
            device: Device of the batches.
        """
        indices = torch.zeros(3 * blocks + 2, dtype=torch.int32, device=device)
        places, cu_seqlens = indices.split([2 * blocks, blocks + 2])
        rows = None if slots is None else slots.rows.to(torch.int32)
        tiles = Tiles(
            block=block,
            places=places.view(blocks, 2),
            edges=find_edges(rows, block),
            diagonals=None,
        )
        plan = TritonPlan(
            layout=BatchLayout((), cu_seqlens, heads, slots),
            longest=1 if rows is None else (len(rows) + 1) // 2,
            rows=rows,
            tiles={block: tiles},
        )
        return cls(plan, indices)

    def fill(self, lengths: Sequence[int]) -> None:
        """Replace the batch, in one transfer: see `StaticPlan.fill`."""
        (tiles,) = self.plan.tiles.values()
        blocks = len(tiles.places)
        lengths = [length for length in lengths if length]
        order, sorted_lengths = by_length(lengths)
        used = place_blocks(order, -(-sorted_lengths // tiles.block))
        indices = np.empty(len(self.indices), dtype=np.int32)
        places, cu_seqlens = indices[: 2 * blocks].reshape(blocks, 2), indices[2 * blocks :]
        places[: len(used)] = used
        # There are at most as many sequences as blocks, so that this one is empty.
        places[len(used) :] = blocks, 0
        cu_seqlens[0] = 0
        cu_seqlens[1 : len(lengths) + 1] = np.cumsum(lengths)
        cu_seqlens[len(lengths) + 1 :] = sum(lengths)
        send_into(indices, self.indices)
