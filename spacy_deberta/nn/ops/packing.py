"""Batches without padding: all sequences concatenated, one row per piece."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from spacy_deberta.errors import Errors

from .tensor_checks import check_tensors
from .transfer import send

Device = torch.device | str | int


@dataclass(frozen=True, eq=False, kw_only=True)
class PackedPieces:
    """The pieces of a batch, without padding. Made by `from_lengths` or `from_padded`.

    The lengths are on the host, so that no kernel has to synchronize the device for them.

    Args:
        lengths: Number of pieces of every sequence. A sequence may be empty.
        cu_seqlens: (sequences + 1,) int32. Start row of every sequence, and the total.
        input_ids: (total_pieces,) int64, or None if there are `inputs_embeds`.
        inputs_embeds: (total_pieces, embedding_width), in place of ids.
        token_type_ids: (total_pieces,) int64, or None for type 0 everywhere.
        position_ids: (total_pieces,) int64, or None for the column in the padded batch, that is
            0, 1, 2, ... without padding on the left.
        starts: Column of the first piece of every sequence in the padded batch: 0 without padding
            on the left.
        padded_length: Number of columns of the padded batch.
    """

    lengths: tuple[int, ...]
    cu_seqlens: Tensor
    input_ids: Tensor | None = None
    inputs_embeds: Tensor | None = None
    token_type_ids: Tensor | None = None
    position_ids: Tensor | None = None
    starts: tuple[int, ...]
    padded_length: int

    @classmethod
    def from_lengths(
        cls,
        input_ids: Tensor | None,
        lengths: Sequence[int],
        *,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> "PackedPieces":
        """Make a batch of packed rows.

        Args:
            input_ids: (total_pieces,) of any integer dtype, or None if there are `inputs_embeds`.
            lengths: Number of pieces of every sequence.
            token_type_ids: (total_pieces,) of any integer dtype.
            position_ids: (total_pieces,) of any integer dtype.
            inputs_embeds: (total_pieces, embedding_width).

        Returns:
            The batch, on the device of its ids or embeddings.

        Raises:
            ValueError: If both or neither of ids and embeddings are given (E109), or if the
                lengths don't match the rows (E108), or an input is no tensor of its kind (E413).
        """
        per_piece = {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "position_ids": position_ids,
            "inputs_embeds": inputs_embeds,
        }
        given = _one_of(input_ids, inputs_embeds)
        check_tensors(per_piece)
        device = given.device
        lengths = tuple(int(length) for length in lengths)
        total = sum(lengths)
        for name, rows in per_piece.items():
            if rows is None:
                continue
            dims = 2 if name == "inputs_embeds" else 1
            if rows.dim() != dims:
                expected = "(total_pieces, width)" if dims == 2 else "(total_pieces,)"
                raise _wrong_shape(name, rows, expected)
            if rows.shape[0] != total:
                raise ValueError(Errors.E108.format(name=name, expected=total, rows=rows.shape[0]))
        return cls(
            lengths=lengths,
            cu_seqlens=_cu_seqlens(lengths, device),
            input_ids=_int64(input_ids),
            inputs_embeds=inputs_embeds,
            token_type_ids=_int64(token_type_ids),
            position_ids=_int64(position_ids),
            starts=(0,) * len(lengths),
            padded_length=max(lengths, default=0),
        )

    @classmethod
    def from_padded(
        cls,
        input_ids: Tensor | None,
        attention_mask: Tensor | None = None,
        *,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> "PackedPieces":
        """Make a batch of a padded batch. Reading the mask synchronizes its device.

        Args:
            input_ids: (batch, length) of any integer dtype, or None if there are `inputs_embeds`.
            attention_mask: (batch, length), 1 for pieces and 0 for padding, of any dtype; None if
                there is no padding. Padding may be on the left or right.
            token_type_ids: (batch, length) or (1, length) of any integer dtype.
            position_ids: (batch, length) or (1, length) of any integer dtype.
            inputs_embeds: (batch, length, embedding_width).

        Returns:
            The batch. `pad` restores the padded layout.

        Raises:
            ValueError: If both or neither of ids and embeddings are given (E109), padding is
                between pieces (E110), a shape doesn't match (E111) or the mask has other values
                than 0 and 1 (E115).
        """
        per_piece = {"token_type_ids": token_type_ids, "position_ids": position_ids}
        given_ids = {"input_ids": input_ids, "inputs_embeds": inputs_embeds}
        given = _one_of(input_ids, inputs_embeds)
        check_tensors({**given_ids, "attention_mask": attention_mask, **per_piece})
        if given.dim() != (2 if inputs_embeds is None else 3):
            name, expected = "input_ids", "(batch, length)"
            if inputs_embeds is not None:
                name, expected = "inputs_embeds", "(batch, length, width)"
            raise _wrong_shape(name, given, expected)
        batch, columns = given.shape[:2]
        starts, lengths = _spans(attention_mask, batch, columns)
        rows = _padded_rows(starts, lengths, columns, given.device)

        def pick(name: str, values: Tensor | None) -> Tensor | None:
            if values is None:
                return None
            if values.dim() < 2 or values.shape[1] != columns or values.shape[0] not in (1, batch):
                raise _wrong_shape(name, values, f"({batch}, {columns})")
            flat = values.expand(batch, *values.shape[1:]).flatten(0, 1)
            return flat if rows is None else flat.index_select(0, rows)

        return cls(
            lengths=lengths,
            cu_seqlens=_cu_seqlens(lengths, given.device),
            input_ids=_int64(pick("input_ids", input_ids)),
            inputs_embeds=pick("inputs_embeds", inputs_embeds),
            token_type_ids=_int64(pick("token_type_ids", token_type_ids)),
            position_ids=_int64(pick("position_ids", position_ids)),
            starts=starts,
            padded_length=columns,
        )

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.cu_seqlens.device

    @property
    def total_pieces(self) -> int:
        """Number of rows."""
        return sum(self.lengths)

    def positions(self) -> Tensor:
        """The absolute position of every piece: (total_pieces,) int64."""
        if self.position_ids is not None:
            return self.position_ids
        columns = [
            np.arange(start, start + length, dtype=np.int64)
            for start, length in zip(self.starts, self.lengths, strict=True)
        ]
        return send(np.concatenate([*columns, np.zeros(0, np.int64)]), self.device)

    def pad(self, rows: Tensor) -> Tensor:
        """Scatter rows to the padded batch.

        Args:
            rows: (total_pieces, ...), one row per piece, of any dtype.

        Returns:
            (batch, length, ...), zeros in the padding.
        """
        batch, columns = len(self.lengths), self.padded_length
        places = _padded_rows(self.starts, self.lengths, columns, rows.device)
        if places is not None:
            padded = rows.new_zeros(batch * columns, *rows.shape[1:])
            rows = padded.index_copy(0, places, rows)
        return rows.reshape(batch, columns, *rows.shape[1:])

    def unpad(self, values: Tensor) -> Tensor:
        """Gather the rows of the pieces from a padded batch; the inverse of `pad`.

        Args:
            values: (batch, length, ...), of any dtype.

        Returns:
            (total_pieces, ...).

        Raises:
            ValueError: If the first two sizes are not those of the batch (E111).
        """
        shape = (len(self.lengths), self.padded_length)
        if tuple(values.shape[:2]) != shape:
            raise _wrong_shape("values", values, f"({shape[0]}, {shape[1]}, ...)")
        places = _padded_rows(self.starts, self.lengths, self.padded_length, values.device)
        flat = values.flatten(0, 1)
        return flat if places is None else flat.index_select(0, places)

    def to(self, device: Device) -> "PackedPieces":
        """Return the batch on another device."""

        def move(values: Tensor | None) -> Tensor | None:
            return None if values is None else send(values, torch.device(device))

        return replace(
            self,
            cu_seqlens=send(self.cu_seqlens, torch.device(device)),
            input_ids=move(self.input_ids),
            inputs_embeds=move(self.inputs_embeds),
            token_type_ids=move(self.token_type_ids),
            position_ids=move(self.position_ids),
        )


def _one_of(input_ids: Tensor | None, inputs_embeds: Tensor | None) -> Tensor:
    if input_ids is not None and inputs_embeds is None:
        return input_ids
    if inputs_embeds is not None and input_ids is None:
        return inputs_embeds
    given = "neither" if input_ids is None else "both"
    raise ValueError(Errors.E109.format(given=given))


def _wrong_shape(name: str, values: Tensor, expected: str) -> ValueError:
    return ValueError(Errors.E111.format(name=name, shape=tuple(values.shape), expected=expected))


def _int64(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.long()


def _cu_seqlens(lengths: Sequence[int], device: torch.device) -> Tensor:
    sums = np.array(list(accumulate(lengths, initial=0)), dtype=np.int32)
    return send(sums, device)


def _spans(
    mask: Tensor | None, batch: int, columns: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First column and number of pieces of every sequence."""
    if mask is None:
        return (0,) * batch, (columns,) * batch
    if tuple(mask.shape) != (batch, columns):
        raise _wrong_shape("attention_mask", mask, f"({batch}, {columns})")
    # NumPy has no bfloat16; float32 is exact for 0 and 1.
    values = mask.detach().cpu().float().numpy()
    real = values != 0
    odd = values[real & (values != 1)]
    if odd.size:
        raise ValueError(Errors.E115.format(value=odd[0]))
    lengths = real.sum(axis=1)
    starts = real.argmax(axis=1) if columns else lengths
    inside = np.arange(columns) - starts[:, None]
    holes = (real != ((inside >= 0) & (inside < lengths[:, None]))).any(axis=1)
    if holes.any():
        index = int(holes.argmax())
        shown = real[index, starts[index] :][:12].astype(int).tolist()
        raise ValueError(Errors.E110.format(index=index, mask=shown))
    return tuple(starts.tolist()), tuple(lengths.tolist())


def _padded_rows(
    starts: Sequence[int], lengths: Sequence[int], columns: int, device: torch.device
) -> Tensor | None:
    """Row index of every piece in the flattened padded batch; None without padding."""
    if all(length == columns for length in lengths):
        return None
    rows = [
        np.arange(index * columns + start, index * columns + start + length, dtype=np.int64)
        for index, (start, length) in enumerate(zip(starts, lengths, strict=True))
    ]
    return send(np.concatenate(rows), device)
