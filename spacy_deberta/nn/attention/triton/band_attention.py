"""Host side of attention with bands of scores in memory: see `bands`."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spacy_deberta.nn.attention.interface import AttentionInputs, Attentions, BatchLayout
from spacy_deberta.nn.attention.reference import ReferenceAttention

from .attention import zero_gradients
from .bands import band_kernel, row_product_kernel, table_product_kernel
from .calls import Bands, Call, Launch, check_device, check_rows, prepare
from .forward import forward_kernel
from .gradients import Gradients
from .key_gradient import key_gradient_kernel
from .plan import Diagonals, Tiles, TritonPlan, diagonals, plan_tiles, upload
from .query_gradient import query_gradient_kernel
from .tiles import Batch, Rows

# Elements of both bands at once, or those of one sequence: 1 GiB in half precision.
_ELEMENTS = 2**29
# Not measured yet.
_LAUNCH = Launch(warps=4, stages=2)


@dataclass(frozen=True)
class Part:
    """Sequences whose bands are in memory at once.

    Args:
        places: (blocks, 2) int32, a part of `Tiles.places`.
        pitch: Elements in a row of the bands.
        diagonals: None in a plan without gradients.
        firsts: (sequences,) int32, the place of the first block of each sequence of the diagonals.
    """

    places: Tensor
    pitch: int
    diagonals: Diagonals | None = None
    firsts: Tensor | None = None


@dataclass(frozen=True)
class BandPlan:
    """Plan of a batch.

    Args:
        whole: Its blocks and tiles.
        parts: All blocks, in parts.
    """

    whole: TritonPlan
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class BandAttention:
    """Attention on a GPU that writes the scores of positions to memory, in bounded parts.

    In all else as `TritonAttention`, with whose kernels it shares all but the scores.

    Args:
        name: Name in the registry.
        block: Rows per block, a power of 2, 16 or more.
        elements: Maximum number of elements of the bands, unless a single sequence has more.
    """

    name: str = "bands"
    takes_query_rows: bool = False
    block: int = 64
    elements: int = _ELEMENTS

    def plan(self, layout: BatchLayout) -> BandPlan:
        """Split the batch into tiles, and these into parts: see `AttentionKernel.plan`.

        A plan made without gradient mode is for prediction only.

        Raises:
            ValueError: If the batch isn't on a CUDA device and Triton isn't in interpreter mode
                (E122).
        """
        check_device(layout.cu_seqlens.device)
        whole = plan_tiles(layout, [self.block], gradients=torch.is_grad_enabled())
        lengths = sorted((length for length in layout.lengths if length), reverse=True)
        counts = np.array([-(-length // self.block) for length in lengths], dtype=np.int64)
        limit = self.elements // (2 * layout.num_heads * self.block)
        bounds = _split(counts, self.block, limit)
        tiles = whole.tiles[self.block]
        parts = (self._part(tiles, counts, first, last) for first, last in bounds)
        return BandPlan(whole, tuple(parts))

    def _part(self, tiles: Tiles, counts: np.ndarray, first: int, last: int) -> Part:
        own = counts[first:last]
        before = int(counts[:first].sum())
        part = Part(
            places=tiles.places[before : before + int(own.sum())],
            pitch=(int(own[0]) + 1) * self.block,
        )
        if tiles.diagonals is None:
            return part
        firsts, segments = upload(
            (own.cumsum() - own, diagonals(own, after=1)), tiles.places.device
        )
        sequences = tiles.diagonals.sequences[first:last]
        return replace(part, diagonals=Diagonals(sequences, segments), firsts=firsts)

    def __call__(self, inputs: AttentionInputs, plan: BandPlan) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`.

        Raises:
            ValueError: If the head size or dtype is not supported (E123).
        """
        check_rows(inputs.query, kernel=self.name)
        if inputs.return_attentions:
            return ReferenceAttention()(inputs, plan.whole.layout)
        tensors, call = prepare(inputs, plan.whole)
        tiles = plan.whole.tiles[self.block]
        return _AttendBands.apply(*tensors, tiles, plan.parts, call), None


def _split(counts: np.ndarray, block: int, limit: int) -> list[tuple[int, int]]:
    """First and last sequence of each part: at most `limit` rows of bands, times their pitch.

    Args:
        counts: Blocks of every sequence, descending.
        block: Rows per block.
        limit: Of the sum of pitches of blocks.
    """
    bounds, first = [], 0
    while first < len(counts):
        pitch = (int(counts[first]) + 1) * block
        taken = np.searchsorted(counts[first:].cumsum() * pitch, limit, side="right")
        last = first + max(1, int(taken))
        bounds.append((first, last))
        first = last
    return bounds


def _write_bands(call: Call, rows: Rows, tiles: Tiles, part: Part) -> tuple[Batch, dict[str, Any]]:
    """Write the bands of a part; returns the arguments of the kernels that read them."""
    heads = rows.query.shape[1]
    shape = (len(part.places), heads, tiles.block, part.pitch)
    query, key = (
        None if table is None else rows.query.new_empty(shape)
        for table in (rows.position_key, rows.position_query)
    )
    bands = Bands(query, key, part.pitch)
    batch = call.batch(rows, tiles, part.places, bands)
    options = call.options(rows, tiles, _LAUNCH, bands=True)
    for band, by_key in ((query, False), (key, True)):
        if band is not None:
            band_kernel[shape[:2]](rows, batch, band, by_key, **options)
    return batch, options


class _AttendBands(torch.autograd.Function):
    """The kernels as one differentiable operation."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """Compute the context from queries, keys, values, both tables, tiles, parts and call."""
        *tensors, tiles, parts, call = inputs
        rows = call.rows(tensors)
        context = torch.empty(rows.query.shape, dtype=rows.query.dtype, device=rows.query.device)
        normalizer = context.new_empty(context.shape[:2], dtype=torch.float32)
        with torch.cuda.device_of(context):
            for part in parts:
                batch, options = _write_bands(call, rows, tiles, part)
                grid = (len(part.places), context.shape[1])
                forward_kernel[grid](rows, batch, context, normalizer, **options)
        ctx.save_for_backward(*tensors, context, normalizer)
        ctx.call, ctx.tiles, ctx.parts = call, tiles, parts
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_context: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of the tensors from that of the context."""
        *tensors, context, normalizer = ctx.saved_tensors
        rows = ctx.call.rows(tensors)
        results = [torch.empty_like(context) for _ in range(3)]
        tables = zero_gradients(tensors[3:], ctx.needs_input_grad[3:5])
        # Products with the tables are added before they are rounded.
        query, key = (
            result if table is None else torch.empty_like(result, dtype=torch.float32)
            for result, table in zip(results[:2], tensors[3:], strict=True)
        )
        gradients = Gradients(
            context=grad_context.contiguous(),
            normalizer=normalizer,
            weighted_mean=torch.empty_like(normalizer),
            query=query,
            key=key,
            value=results[2],
            position_key=tables[0],
            position_query=tables[1],
            query_band=None,
            key_band=None,
        )
        with torch.cuda.device_of(context):
            for part in ctx.parts:
                _launch_backward(ctx.call, ctx.tiles, part, rows, context, gradients, results)
        summed = (None if table is None else table.to(context.dtype) for table in tables)
        return *results, *summed, None, None, None


def _launch_backward(
    call: Call,
    tiles: Tiles,
    part: Part,
    rows: Rows,
    context: Tensor,
    gradients: Gradients,
    results: list[Tensor],
) -> None:
    """Compute the gradients of a part."""
    batch, options = _write_bands(call, rows, tiles, part)
    bands = [
        None if band is None else torch.empty_like(band)
        for band in (batch.query_band, batch.key_band)
    ]
    gradients = gradients._replace(query_band=bands[0], key_band=bands[1])
    grid = (len(part.places), context.shape[1])
    query_gradient_kernel[grid](rows, batch, context, gradients, **options)
    key_gradient_kernel[grid](rows, batch, gradients, **options)
    sums = (gradients.query, gradients.key)
    tables = (gradients.position_key, gradients.position_query)
    for by_key, band in enumerate(bands):
        if band is None:
            continue
        row_product_kernel[grid](
            rows, batch, band, sums[by_key], results[by_key], bool(by_key), **options
        )
        if tables[by_key] is not None:
            assert part.diagonals is not None
            table_product_kernel[(len(part.diagonals.segments), grid[1])](
                rows,
                batch,
                part.diagonals.sequences,
                part.firsts,
                part.diagonals.segments,
                gradients,
                bool(by_key),
                **options,
            )
