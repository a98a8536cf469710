"""Triton kernels of bands: scores of positions in memory, and products with their gradients.

The band of a block holds the scores of its rows against all distances that they reach, one row of
memory for each: a plain product with the rows of the position table in the order of the distances.
`band_pointers` reads a tile of it by pair without a gather, which on chip takes most of the time of
the other kernels. The backward kernels store the gradients of scores in bands of the same layout,
and the gradients of rows and tables are plain products with these.

With blocks of B rows, heads of D and sequences of length L, a band has B (L + B) elements. It is
written and read once in a forward pass: 4 (L + B) bytes for each row and term in half precision,
8 B D operations for each tile of B columns and term. In the backward pass, the scores are written
once and read twice, and so are their gradients; far tiles, which have one row of the table for all
pairs, are in no band.
"""

import triton
import triton.language as tl

from .gradients import Gradients
from .scores import multiply
from .tiles import (
    Batch,
    Program,
    Rows,
    Variant,
    block_rows,
    enter_sequence,
    load_block,
    near_keys_of,
    near_queries_of,
    output_offsets,
)


@triton.jit
def _table_offsets(
    number: tl.tensor, tile: tl.tensor, by_key: tl.constexpr, here: Program, variant: Variant
) -> tl.tensor:
    """Offsets of the rows of a table for the columns of a tile of a band, (block, head_dim).

    Args:
        number: Index of the block whose band it is.
        tile: Index of the tile: its columns begin at `tile * block`.
        by_key: Whether it is a block of keys, whose distances ascend, and not of queries.
        here: The program.
        variant: The kernel's variant.
    """
    block: tl.constexpr = variant.block
    distance = (tile - number - 1) * block + 1 + tl.arange(0, block)
    if not by_key:
        distance = -distance
    index = tl.minimum(tl.maximum(distance + here.longest - 1, 0), 2 * here.longest - 2)
    row = tl.load(here.batch.rows + index)
    stride: tl.constexpr = variant.heads * variant.head_dim
    return row[:, None] * stride + tl.arange(0, variant.head_dim)[None, :]


@triton.jit
def _near(
    number: tl.tensor, by_key: tl.constexpr, here: Program, variant: Variant
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """Bounds of the blocks of the other side that are near to a block."""
    if by_key:
        return near_queries_of(number, here, variant)
    else:
        return near_keys_of(number, here, variant)


@triton.jit
def _tile_pointers(
    band: tl.tensor, place: tl.tensor, tile: tl.tensor, here: Program, variant: Variant
) -> tl.tensor:
    """Pointers to a tile of a band, (block, block): rows, and columns that are distances."""
    block: tl.constexpr = variant.block
    pitch = here.batch.pitch
    start = (place.to(tl.int64) * variant.heads + here.head) * block * pitch
    index = tl.arange(0, block)
    return band + start + index[:, None] * pitch + (index[None, :] + tile * block)


@triton.jit
def _load_gradients(
    band: tl.tensor,
    place: tl.tensor,
    number: tl.tensor,
    tile: tl.tensor,
    by_key: tl.constexpr,
    here: Program,
    variant: Variant,
) -> tl.tensor:
    """Load a tile of gradients, (block, block), zeros where no near pair has this distance."""
    block: tl.constexpr = variant.block
    first, last, _ = _near(number, by_key, here, variant)
    index = tl.arange(0, block)
    other = index[None, :] + tile * block - (block - 1 - index[:, None])
    is_pair = (other >= first * block) & (other < last * block)
    pointers = _tile_pointers(band, place, tile, here, variant)
    return tl.load(pointers, mask=is_pair, other=0.0)


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def band_kernel(
    rows: Rows,
    batch: Batch,
    band: tl.tensor,
    by_key: tl.constexpr,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Write the band of one block of one head.

    Args:
        rows: The inputs.
        batch: The plan, and the pitch of the band.
        band: Pointer to (blocks, heads, block, pitch).
        by_key: Whether it is the band of keys and position queries, or of queries and position
            keys.
        longest: See `forward_kernel`, as for the following.
        log2_scale: Unused.
        seed: Unused.
        threshold: Unused.
        keep_scale: Unused.
        variant: The kernel's variant.
    """
    place = batch.places + 2 * tl.program_id(0)
    here = enter_sequence(
        rows,
        batch,
        tl.load(place),
        tl.load(place + 1),
        longest,
        log2_scale,
        seed,
        threshold,
        keep_scale,
        variant,
    )
    if by_key:
        own = load_block(here.rows.key, here.rows.key_stride, here.number, here, variant)
        table = here.rows.position_query
    else:
        own = load_block(here.rows.query, here.rows.query_stride, here.number, here, variant)
        table = here.rows.position_key
    first, last, _ = _near(here.number, by_key, here, variant)
    for tile in range(first, last + 1):
        offsets = _table_offsets(here.number, tile, by_key, here, variant)
        scores = multiply(own, tl.trans(tl.load(table + offsets)), variant)
        pointers = _tile_pointers(band, tl.program_id(0), tile, here, variant)
        tl.store(pointers, scores.to(own.dtype))


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def row_product_kernel(
    rows: Rows,
    batch: Batch,
    band: tl.tensor,
    sums: tl.tensor,
    gradient: tl.tensor,
    by_key: tl.constexpr,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Add the product of a block's gradients by distance and the table to the gradient of its rows.

    Args:
        rows: The inputs.
        batch: The plan, and the pitch of the band.
        band: Pointer to the gradients of scores, (blocks, heads, block, pitch).
        sums: Pointer to the gradient of the rows without it, (total_pieces, heads, head_dim),
            float32.
        gradient: Pointer to the result, of the same shape.
        by_key: See `band_kernel`, as for the following.
        longest: Maximum length of the batch.
        log2_scale: Unused.
        seed: Unused.
        threshold: Unused.
        keep_scale: Unused.
        variant: The kernel's variant.
    """
    place = batch.places + 2 * tl.program_id(0)
    here = enter_sequence(
        rows,
        batch,
        tl.load(place),
        tl.load(place + 1),
        longest,
        log2_scale,
        seed,
        threshold,
        keep_scale,
        variant,
    )
    table = here.rows.position_query if by_key else here.rows.position_key
    _, exists = block_rows(here.number, here, variant)
    offsets = output_offsets(here.number, here, variant)
    result = tl.load(sums + offsets, mask=exists[:, None], other=0.0)
    first, last, _ = _near(here.number, by_key, here, variant)
    for tile in range(first, last + 1):
        scores = _load_gradients(band, tl.program_id(0), here.number, tile, by_key, here, variant)
        values = tl.load(table + _table_offsets(here.number, tile, by_key, here, variant))
        result += multiply(scores, values, variant)
    tl.store(gradient + offsets, result.to(gradient.dtype.element_ty), mask=exists[:, None])


@triton.jit(do_not_specialize=["longest", "seed", "threshold"])
def table_product_kernel(
    rows: Rows,
    batch: Batch,
    sequences: tl.tensor,
    firsts: tl.tensor,
    segments: tl.tensor,
    gradients: Gradients,
    by_key: tl.constexpr,
    longest: tl.tensor,
    log2_scale: tl.float32,
    seed: tl.int64,
    threshold: tl.tensor,
    keep_scale: tl.float32,
    variant: Variant,
) -> None:
    """Add the products of gradients by distance and rows to the gradient of a table.

    A program takes a segment of a diagonal of tiles, which have the same distances.

    Args:
        rows: The inputs.
        batch: The plan, and the pitch of the bands.
        sequences: Pointer to the sequences, by descending length.
        firsts: Pointer to the place of the first block of each of these sequences.
        segments: Pointer to the segments: see `diagonals`.
        gradients: The bands, and the gradients of the tables.
        by_key: See `band_kernel`, as for the following.
        longest: Maximum length of the batch.
        log2_scale: Unused.
        seed: Unused.
        threshold: Unused.
        keep_scale: Unused.
        variant: The kernel's variant.
    """
    segment = segments + 3 * tl.program_id(0)
    ahead, start = tl.load(segment), tl.load(segment + 1)
    total = tl.zeros([variant.block, variant.head_dim], tl.float32)
    band = gradients.key_band if by_key else gradients.query_band
    table = gradients.position_query if by_key else gradients.position_key
    here = enter_sequence(
        rows,
        batch,
        tl.load(sequences + start),
        0,
        longest,
        log2_scale,
        seed,
        threshold,
        keep_scale,
        variant,
    )
    for member in range(start, tl.load(segment + 2)):
        there = enter_sequence(
            rows,
            batch,
            tl.load(sequences + member),
            0,
            longest,
            log2_scale,
            seed,
            threshold,
            keep_scale,
            variant,
        )
        place = tl.load(firsts + member)
        blocks = tl.cdiv(there.length, variant.block)
        for number in range(tl.maximum(ahead, 0), tl.minimum(blocks, blocks + ahead + 1)):
            scores = _load_gradients(
                band, place + number, number, number - ahead, by_key, there, variant
            )
            if by_key:
                own = load_block(there.rows.key, there.rows.key_stride, number, there, variant)
            else:
                own = load_block(there.rows.query, there.rows.query_stride, number, there, variant)
            total += multiply(tl.trans(scores), own, variant)
    offsets = _table_offsets(ahead, 0, by_key, here, variant) + here.head * variant.head_dim
    tl.atomic_add(table + offsets, total, sem="relaxed")
