"""Host side of the Triton attention kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spacy_deberta.nn.attention.interface import AttentionInputs, Attentions, BatchLayout
from spacy_deberta.nn.attention.reference import ReferenceAttention
from spacy_deberta.nn.relative_positions import SlotTable

from .calls import Call, Launch, check_device, check_rows, prepare
from .forward import forward_kernel
from .gradients import Gradients
from .key_gradient import key_gradient_kernel
from .plan import Tiles, TritonPlan, plan_tiles
from .query_gradient import query_gradient_kernel
from .static_plan import StaticTritonPlan
from .table_gradient import table_gradient_kernel
from .tiles import Rows

# Fastest of 16 settings on an H200, in bf16 with heads of 64 and lengths of 512 and 2,048.
_FORWARD = Launch(warps=2, stages=1)
_QUERY_GRADIENT = Launch(warps=4, stages=2)
_KEY_GRADIENT = Launch(warps=2, stages=1)
_TABLE_GRADIENT = Launch(warps=2, stages=2)


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

        A plan made without gradient mode is for prediction only.

        Raises:
            ValueError: If the batch isn't on a CUDA device and Triton isn't in interpreter mode
                (E122).
        """
        check_device(layout.cu_seqlens.device)
        if not torch.is_grad_enabled():
            return plan_tiles(layout, [self.block], gradients=False)
        return plan_tiles(layout, sorted({self.block, self.table_block}))

    def static_plan(
        self, slots: SlotTable | None, *, heads: int, blocks: int, device: torch.device
    ) -> StaticTritonPlan:
        """Make a plan that is refilled: see `StaticKernel.static_plan`.

        Raises:
            ValueError: As `plan`.
        """
        check_device(device)
        return StaticTritonPlan.allocate(
            slots, heads=heads, blocks=blocks, block=self.block, device=device
        )

    def __call__(
        self, inputs: AttentionInputs, plan: TritonPlan
    ) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`.

        Raises:
            ValueError: If the head size or dtype is not supported (E123).
        """
        check_rows(inputs.query, kernel=self.name)
        if inputs.return_attentions:
            return ReferenceAttention()(inputs, plan.layout)
        tensors, call = prepare(inputs, plan)
        half = inputs.query.dtype.itemsize == 2
        table_block = self.table_block if half else self.block
        tiles = plan.tiles[self.block], plan.tiles.get(table_block)
        return _Attend.apply(*tensors, tiles, call), None


class _Attend(torch.autograd.Function):
    """The kernels as one differentiable operation."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Compute the context from queries, keys, values, both tables and the call."""
        *tensors, tiles, call = inputs
        rows = call.rows(tensors)
        context = torch.empty(rows.query.shape, dtype=rows.query.dtype, device=rows.query.device)
        normalizer = context.new_empty(context.shape[:2], dtype=torch.float32)
        grid = (len(tiles[0].places), rows.query.shape[1])
        if grid[0]:
            with torch.cuda.device_of(context):
                forward_kernel[grid](
                    rows,
                    call.batch(rows, tiles[0]),
                    context,
                    normalizer,
                    **call.options(rows, tiles[0], _FORWARD),
                )
        ctx.save_for_backward(*tensors, context, normalizer)
        ctx.call, ctx.tiles = call, tiles
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_context: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of the tensors from that of the context."""
        *tensors, context, normalizer = ctx.saved_tensors
        rows = ctx.call.rows(tensors)
        wanted = ctx.needs_input_grad[3:5]
        position_key, position_query = zero_gradients(tensors[3:], wanted)
        gradients = Gradients(
            context=grad_context.contiguous(),
            normalizer=normalizer,
            weighted_mean=torch.empty_like(normalizer),
            query=torch.empty_like(context),
            key=torch.empty_like(context),
            value=torch.empty_like(context),
            position_key=position_key,
            position_query=position_query,
            query_band=None,
            key_band=None,
        )
        _launch_backward(ctx.call, ctx.tiles, rows, context, gradients)
        tables = (
            None if gradient is None else gradient.to(context.dtype)
            for gradient in (gradients.position_key, gradients.position_query)
        )
        return gradients.query, gradients.key, gradients.value, *tables, None, None


def zero_gradients(tables: Sequence[Tensor | None], wanted: Sequence[bool]) -> list[Tensor | None]:
    """Buffers for the gradients of tables, float32; None without a table or if not wanted."""
    return [
        torch.zeros_like(table, dtype=torch.float32) if want and table is not None else None
        for table, want in zip(tables, wanted, strict=True)
    ]


def _launch_backward(
    call: Call, both: tuple[Tiles, Tiles], rows: Rows, context: Tensor, gradients: Gradients
) -> None:
    """Compute the gradients; the first kernel also stores `weighted_mean` for the others.

    Args:
        call: The call.
        both: The tiles, and those for the gradients of the tables.
        rows: The inputs.
        context: (total_pieces, heads, head_dim), the result.
        gradients: The input gradients, and buffers for those of the inputs.
    """
    tiles, tables = both
    blocks, heads = len(tiles.places), context.shape[1]
    if not blocks:
        return
    batch = call.batch(rows, tiles)
    with torch.cuda.device_of(context):
        query_gradient_kernel[(blocks, heads)](
            rows, batch, context, gradients, **call.options(rows, tiles, _QUERY_GRADIENT)
        )
        key_gradient_kernel[(blocks, heads)](
            rows, batch, gradients, **call.options(rows, tiles, _KEY_GRADIENT)
        )
        if gradients.position_key is not None or gradients.position_query is not None:
            assert tables.diagonals is not None
            table_gradient_kernel[(len(tables.diagonals.segments), heads)](
                rows,
                call.batch(rows, tables),
                tables.diagonals.sequences,
                tables.diagonals.segments,
                gradients,
                **call.options(rows, tables, _TABLE_GRADIENT),
            )
