"""Arguments of one call of the Triton kernels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor
from triton.language import constexpr

from spacy_deberta.errors import Errors
from spacy_deberta.nn.attention.interface import AttentionInputs

from .forward import forward_kernel
from .plan import Tiles, TritonPlan
from .support import HEAD_DIMS
from .tiles import Batch, Rows, Variant

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
INTERPRETED = not isinstance(forward_kernel, triton.JITFunction)


@dataclass(frozen=True)
class Launch:
    """Compile options of a kernel: warps, and pipeline stages of the loads in its loops."""

    warps: int
    stages: int


# With fewer threads, float32 values exceed the registers.
PRECISE = Launch(warps=8, stages=1)


@dataclass(frozen=True)
class Bands:
    """Bands of scores: see `bands`.

    Args:
        query: (blocks, heads, block, pitch), or None without position keys.
        key: The same, or None without position queries.
        pitch: Elements in a row.
    """

    query: Tensor | None
    key: Tensor | None
    pitch: int


@dataclass(frozen=True)
class Call:
    """The arguments of one call that are not differentiable tensors.

    Args:
        plan: Of the batch.
        scale: Scale of the scores.
        dropout: Dropout rate.
        seed: Dropout seed.
    """

    plan: TritonPlan
    scale: float
    dropout: float
    seed: int

    def rows(self, tensors: Sequence[Any]) -> Rows:
        """Kernel inputs from queries, keys, values and both tables or None."""
        query, key, value, position_key, position_query = tensors
        return Rows(
            query=query,
            key=key,
            value=value,
            position_key=position_key,
            position_query=position_query,
            query_stride=query.stride(0),
            key_stride=key.stride(0),
            value_stride=value.stride(0),
        )

    def batch(
        self, rows: Rows, tiles: Tiles, places: Tensor | None = None, bands: Bands | None = None
    ) -> Batch:
        """Kernel inputs from the plan; without tables, no distances.

        Args:
            rows: The inputs.
            tiles: The tiles.
            places: A part of their places; None for all.
            bands: Scores of the blocks at these places, if they are in memory.
        """
        has_tables = rows.position_key is not None or rows.position_query is not None
        return Batch(
            cu_seqlens=self.plan.layout.cu_seqlens,
            places=tiles.places if places is None else places,
            rows=self.plan.rows if has_tables else None,
            edges=tiles.edges if has_tables else None,
            query_band=bands and bands.query,
            key_band=bands and bands.key,
            pitch=1 if bands is None else bands.pitch,
        )

    def options(
        self, rows: Rows, tiles: Tiles, launch: Launch, *, bands: bool = False
    ) -> dict[str, Any]:
        """Arguments of all kernels beside tensors, and compile options."""
        exact = torch.get_float32_matmul_precision() == "highest"
        heads, head_dim = rows.query.shape[1:]
        precision = "ieee" if exact else "tf32"
        variant = (heads, head_dim, tiles.block, self.dropout > 0, precision, bands)
        if rows.query.dtype.itemsize > 2:
            launch = PRECISE
        return {
            "longest": self.plan.longest,
            "log2_scale": self.scale * math.log2(math.e),
            "seed": self.seed,
            "threshold": round(self.dropout * 2**24),
            "keep_scale": 1 / (1 - self.dropout),
            "variant": Variant(*map(constexpr, variant)),
            "num_warps": launch.warps,
            "num_stages": launch.stages,
        }


def check_device(device: torch.device) -> None:
    """Raise E122 for a device without Triton kernels."""
    if device.type != "cuda" and not INTERPRETED:
        raise ValueError(Errors.E122.format(reason=f"it does not run on '{device}'"))


def check_rows(query: Tensor, *, kernel: str) -> None:
    """Raise E123 for rows, (rows, heads, head_dim), that the kernels do not support."""
    head_dim = query.shape[2]
    if head_dim not in HEAD_DIMS or query.dtype not in DTYPES:
        raise ValueError(Errors.E123.format(head_dim=head_dim, dtype=query.dtype, kernel=kernel))


def prepare(inputs: AttentionInputs, plan: TritonPlan) -> tuple[list[Tensor | None], Call]:
    """Queries, keys, values and both tables or None as the kernels take them, and the call.

    Args:
        inputs: Of a layer.
        plan: Of the batch.
    """
    dropout = inputs.dropout
    call = Call(
        plan=plan,
        scale=inputs.scale,
        dropout=dropout,
        # Drawn on the host to avoid synchronization; checkpointing restores its generator.
        seed=int(torch.randint(2**62, (), device="cpu")) if dropout else 0,
    )
    dtype = inputs.query.dtype
    rows: list[Tensor | None] = [
        _with_contiguous_heads(part.to(dtype)) for part in (inputs.query, inputs.key, inputs.value)
    ]
    tables = (
        table.to(dtype).contiguous() if plan.rows is not None and table is not None else None
        for table in (inputs.position_key, inputs.position_query)
    )
    return [*rows, *tables], call


def _with_contiguous_heads(rows: Tensor) -> Tensor:
    """Make heads and their elements contiguous; the row stride may be arbitrary."""
    return rows if rows.stride()[1:] == (rows.shape[2], 1) else rows.contiguous()
