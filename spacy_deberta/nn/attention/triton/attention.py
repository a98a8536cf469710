"""Host side of the Triton attention kernels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable
from triton.language import constexpr

from spacy_deberta.errors import Errors
from spacy_deberta.nn.attention.interface import AttentionInputs, Attentions, BatchLayout
from spacy_deberta.nn.attention.reference import ReferenceAttention

from .forward import forward_kernel
from .gradients import Gradients
from .key_gradient import key_gradient_kernel
from .plan import Tiles, TritonPlan, plan_tiles
from .query_gradient import query_gradient_kernel
from .support import HEAD_DIMS
from .table_gradient import table_gradient_kernel
from .tiles import Batch, Rows, Variant

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
INTERPRETED = not isinstance(forward_kernel, triton.JITFunction)


@dataclass(frozen=True)
class TritonAttention:
    """Attention on a GPU with memory linear in the lengths.

    The forward pass saves one number per query and head, and the backward pass recomputes the
    scores. Half precision is accumulated in float32; the precision of float32 products follows
    `torch.get_float32_matmul_precision`. `return_attentions` falls back to `reference`, since the
    kernels never hold all probabilities of a query.

    Args:
        name: Name in the registry.
        block: Rows per block, a power of 2, 16 or more.
        table_block: The same for the gradient of the position tables, in half precision.
    """

    name: str = "triton"
    takes_query_rows: bool = False
    block: int = 32
    table_block: int = 16

    def plan(self, layout: BatchLayout) -> TritonPlan:
        """Split the batch into tiles: see `AttentionKernel.plan`.

        Raises:
            ValueError: If the batch isn't on a CUDA device and Triton isn't in interpreter mode
                (E122).
        """
        device = layout.cu_seqlens.device
        if device.type != "cuda" and not INTERPRETED:
            raise ValueError(Errors.E122.format(reason=f"it does not run on '{device}'"))
        return plan_tiles(layout, sorted({self.block, self.table_block}))

    def __call__(
        self, inputs: AttentionInputs, plan: TritonPlan
    ) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`.

        Raises:
            ValueError: If the head size or dtype is not supported (E123).
        """
        query, dropout = inputs.query, inputs.dropout
        head_dim = query.shape[2]
        if head_dim not in HEAD_DIMS or query.dtype not in DTYPES:
            raise ValueError(Errors.E123.format(head_dim=head_dim, dtype=query.dtype))
        if inputs.return_attentions:
            return ReferenceAttention()(inputs, plan.layout)
        half = query.dtype.itemsize == 2
        call = _Call(
            plan=plan,
            tiles=plan.tiles[self.block],
            table_tiles=plan.tiles[self.table_block if half else self.block],
            scale=inputs.scale,
            dropout=dropout,
            # Drawn on the host to avoid synchronization; checkpointing restores its generator.
            seed=int(torch.randint(2**62, (), device="cpu")) if dropout else 0,
        )
        has_tables = plan.rows is not None
        tables = (
            table.to(query.dtype).contiguous() if has_tables and table is not None else None
            for table in (inputs.position_key, inputs.position_query)
        )
        rows = (
            _with_contiguous_heads(part.to(query.dtype))
            for part in (query, inputs.key, inputs.value)
        )
        return _Attend.apply(*rows, *tables, call), None


def _with_contiguous_heads(rows: Tensor) -> Tensor:
    """Make heads and their elements contiguous; the row stride may be arbitrary."""
    return rows if rows.stride()[1:] == (rows.shape[2], 1) else rows.contiguous()


@dataclass(frozen=True)
class _Call:
    """The arguments of one call that are not differentiable tensors."""

    plan: TritonPlan
    tiles: Tiles
    table_tiles: Tiles
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

    def batch(self, rows: Rows, tiles: Tiles) -> Batch:
        """Kernel inputs from the plan; without tables, no distances."""
        cu_seqlens = self.plan.layout.cu_seqlens
        if rows.position_key is None and rows.position_query is None:
            return Batch(cu_seqlens, tiles.places, None, None)
        return Batch(cu_seqlens, tiles.places, self.plan.rows, tiles.edges)

    def options(self, rows: Rows, tiles: Tiles, launch: "_Launch") -> dict[str, Any]:
        """Arguments of all kernels beside tensors, and compile options."""
        exact = torch.get_float32_matmul_precision() == "highest"
        heads, head_dim = rows.query.shape[1:]
        variant = (heads, head_dim, tiles.block, self.dropout > 0, "ieee" if exact else "tf32")
        if rows.query.dtype.itemsize > 2:
            launch = _PRECISE
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


@dataclass(frozen=True)
class _Launch:
    """Compile options of a kernel: warps, and pipeline stages of the loads in its loops."""

    warps: int
    stages: int


# Fastest of 16 settings on an H200, in bf16 with heads of 64 and lengths of 512 and 2,048.
_FORWARD = _Launch(warps=2, stages=1)
_QUERY_GRADIENT = _Launch(warps=4, stages=2)
_KEY_GRADIENT = _Launch(warps=2, stages=1)
_TABLE_GRADIENT = _Launch(warps=2, stages=2)
# With fewer threads, float32 values exceed the registers.
_PRECISE = _Launch(warps=8, stages=1)


class _Attend(torch.autograd.Function):
    """The kernels as one differentiable operation."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Compute the context from queries, keys, values, both tables and the call."""
        *tensors, call = inputs
        rows = call.rows(tensors)
        context = torch.empty(rows.query.shape, dtype=rows.query.dtype, device=rows.query.device)
        normalizer = context.new_empty(context.shape[:2], dtype=torch.float32)
        grid = (len(call.tiles.places), rows.query.shape[1])
        if grid[0]:
            with torch.cuda.device_of(context):
                forward_kernel[grid](
                    rows,
                    call.batch(rows, call.tiles),
                    context,
                    normalizer,
                    **call.options(rows, call.tiles, _FORWARD),
                )
        ctx.save_for_backward(*tensors, context, normalizer)
        ctx.call = call
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_context: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of the tensors from that of the context."""
        *tensors, context, normalizer = ctx.saved_tensors
        rows = ctx.call.rows(tensors)
        wanted = ctx.needs_input_grad[3:5]
        gradients = Gradients(
            grad_context.contiguous(),
            normalizer,
            torch.empty_like(normalizer),
            *(torch.empty_like(context) for _ in range(3)),
            *(
                torch.zeros(table.shape, dtype=torch.float32, device=table.device) if want else None
                for table, want in zip(tensors[3:], wanted, strict=True)
            ),
        )
        _launch_backward(ctx.call, rows, context, gradients)
        tables = (
            None if gradient is None else gradient.to(context.dtype) for gradient in gradients[6:]
        )
        return gradients.query, gradients.key, gradients.value, *tables, None


def _launch_backward(call: _Call, rows: Rows, context: Tensor, gradients: Gradients) -> None:
    """Compute the gradients; the first kernel also stores `weighted_mean` for the others."""
    blocks, heads = len(call.tiles.places), context.shape[1]
    if not blocks:
        return
    batch, tables = call.batch(rows, call.tiles), call.table_tiles
    with torch.cuda.device_of(context):
        query_gradient_kernel[(blocks, heads)](
            rows, batch, context, gradients, **call.options(rows, call.tiles, _QUERY_GRADIENT)
        )
        key_gradient_kernel[(blocks, heads)](
            rows, batch, gradients, **call.options(rows, call.tiles, _KEY_GRADIENT)
        )
        if gradients.position_key is not None or gradients.position_query is not None:
            table_gradient_kernel[(len(tables.segments), heads)](
                rows,
                call.batch(rows, tables),
                tables.sequences,
                tables.segments,
                gradients,
                **call.options(rows, tables, _TABLE_GRADIENT),
            )
