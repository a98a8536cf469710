"""Model inputs of a batch: special tokens around the texts, pairs, truncation, padding."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from spacy_deberta.errors import Errors

from .pieces import Pieces

Padding = Literal["longest", "max_length", "do_not_pad"]
Truncation = Literal["longest_first", "only_first", "only_second", "do_not_truncate"]
Tensors = Literal["np", "pt"]

# Padding values other than zero and the id of [PAD].
_PADDING_VALUES: dict[str, Any] = {"special_tokens_mask": 1, "offset_mapping": (0, 0)}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of the rows of a batch.

    Args:
        cls_token_id: Id before the first text; None for no special tokens.
        sep_token_id: Id after every text.
        pad_token_id: Id of padding.
        padding: To the longest row, to `max_length`, or not at all.
        truncation: Which text of a pair is truncated, at its end.
        max_length: Maximum number of pieces of a row, special tokens included.
    """

    cls_token_id: int | None
    sep_token_id: int
    pad_token_id: int
    padding: Padding
    truncation: Truncation
    max_length: int | None

    def __post_init__(self) -> None:
        """Check the strategies."""
        _check_choice(self.padding, Padding, "padding")
        _check_choice(self.truncation, Truncation, "truncation")
        if self.max_length is None:
            if self.padding == "max_length":
                raise ValueError(Errors.E206.format(option="padding='max_length'"))
            if self.truncation != "do_not_truncate":
                raise ValueError(Errors.E206.format(option=f"truncation='{self.truncation}'"))

    @property
    def special(self) -> bool:
        """Whether there are special tokens."""
        return self.cls_token_id is not None


def lay_out(first: Pieces, second: Pieces | None, layout: Layout) -> dict[str, list[list[Any]]]:
    """Make the rows of a batch.

    Args:
        first: The texts, or the first ones of pairs.
        second: The second ones of pairs.
        layout: Special tokens, padding and truncation.

    Returns:
        One row for each text, for each of "input_ids", "token_type_ids", "attention_mask",
        "special_tokens_mask" and "offset_mapping" (characters; (0, 0) for special tokens).

    Raises:
        ValueError: A text is shorter than what would have to be truncated.
    """
    batch: dict[str, list[list[Any]]] = {
        "input_ids": [],
        "token_type_ids": [],
        "attention_mask": [],
        "special_tokens_mask": [],
        "offset_mapping": [],
    }
    partners = iter(second) if second is not None else None
    for ids, starts, ends in first:
        texts = [(ids, starts, ends)] + ([next(partners)] if partners else [])
        kept = _kept(layout, [len(ids) for ids, _, _ in texts])
        row: dict[str, list[Any]] = {key: [] for key in batch}
        if layout.special:
            _append(row, [layout.cls_token_id], [(0, 0)], token_type=0, special=1)
        for i, ((ids, starts, ends), count) in enumerate(zip(texts, kept, strict=True)):
            # As in Hugging Face, all pieces have type 0 where there are no special tokens.
            token_type = i if layout.special else 0
            offsets = list(zip(starts[:count].tolist(), ends[:count].tolist(), strict=True))
            _append(row, ids[:count].tolist(), offsets, token_type=token_type, special=0)
            if layout.special:
                _append(row, [layout.sep_token_id], [(0, 0)], token_type=token_type, special=1)
        for key, values in row.items():
            batch[key].append(values)
    _pad(batch, layout)
    return batch


def to_tensors(batch: dict[str, list[list[Any]]], kind: str) -> dict[str, Any]:
    """Turn rows into tensors.

    Args:
        batch: Rows of one length.
        kind: "np" for numpy, "pt" for PyTorch.

    Returns:
        A tensor for every key. *Shape:* `(texts, pieces)`; `(texts, pieces, 2)` for
        "offset_mapping"; int64.

    Raises:
        ValueError: The rows differ in length, or `kind` is unknown.
    """
    _check_choice(kind, Tensors, "return_tensors")
    lengths = [len(row) for row in batch["input_ids"]]
    if lengths and min(lengths) != max(lengths):
        raise ValueError(Errors.E208.format(shortest=min(lengths), longest=max(lengths)))
    arrays = {key: np.array(rows, dtype=np.int64) for key, rows in batch.items()}
    if kind == "np":
        return arrays
    import torch  # only here: a tokenizer works without torch

    return {key: torch.from_numpy(array) for key, array in arrays.items()}


def padding_strategy(padding: bool | str) -> Padding:
    """Read Hugging Face's argument `padding`.

    Args:
        padding: True for "longest", False for "do_not_pad", or a name.

    Returns:
        The name, unchecked.
    """
    if isinstance(padding, bool):
        return "longest" if padding else "do_not_pad"
    return padding  # type: ignore[return-value]  # checked by Layout


def truncation_strategy(truncation: bool | str) -> Truncation:
    """Read Hugging Face's argument `truncation`.

    Args:
        truncation: True for "longest_first", False for "do_not_truncate", or a name.

    Returns:
        The name, unchecked.
    """
    if isinstance(truncation, bool):
        return "longest_first" if truncation else "do_not_truncate"
    return truncation  # type: ignore[return-value]  # checked by Layout


def _kept(layout: Layout, counts: list[int]) -> list[int]:
    """Number of pieces of each text of a row after truncation."""
    surplus = sum(counts) + (len(counts) + 1 if layout.special else 0) - (layout.max_length or 0)
    strategy = layout.truncation
    if strategy == "do_not_truncate" or surplus <= 0:
        return counts
    if strategy == "longest_first" and len(counts) == 2:
        # Shorten the longer text to the length of the other, then both in turn. An odd piece is
        # removed from the second.
        even = min(abs(counts[0] - counts[1]), surplus)
        rest = surplus - even
        removed = [rest // 2, rest - rest // 2]
        removed[0 if counts[0] > counts[1] else 1] += even
    elif strategy == "only_second":
        removed = [0, surplus]
    else:
        removed = [surplus, 0]
    removed = removed[: len(counts)]
    kept = [count - less for count, less in zip(counts, removed, strict=True)]
    if min(kept) < 0 or sum(removed) < surplus:
        available = counts[1 if strategy == "only_second" and len(counts) == 2 else 0]
        error = Errors.E209.format(remove=surplus, strategy=strategy, available=available)
        raise ValueError(error)
    return kept


def _append(
    row: dict[str, list[Any]],
    ids: list[Any],
    offsets: list[tuple[int, int]],
    *,
    token_type: int,
    special: int,
) -> None:
    row["input_ids"].extend(ids)
    row["offset_mapping"].extend(offsets)
    row["token_type_ids"].extend([token_type] * len(ids))
    row["special_tokens_mask"].extend([special] * len(ids))
    row["attention_mask"].extend([1] * len(ids))


def _pad(batch: dict[str, list[list[Any]]], layout: Layout) -> None:
    if layout.padding == "do_not_pad":
        return
    length = max((len(row) for row in batch["input_ids"]), default=0)
    if layout.padding == "max_length":
        length = layout.max_length or 0
    for key, rows in batch.items():
        value = layout.pad_token_id if key == "input_ids" else _PADDING_VALUES.get(key, 0)
        for row in rows:
            row.extend([value] * (length - len(row)))


def _check_choice(value: Any, choices: Any, option: str) -> None:
    if value not in get_args(choices):
        known = ", ".join(map(repr, get_args(choices)))
        raise ValueError(Errors.E207.format(value=value, option=option, known=known))
