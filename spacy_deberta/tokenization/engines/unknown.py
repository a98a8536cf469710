"""Encoding of characters without a piece: as bytes, or as one unknown piece for each run."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.errors import Errors
from spacy_deberta.tokenization.pieces import Pieces

UnknownCharacters = Literal["bytes", "unk"]


def check_unknown_characters(value: object) -> None:
    """Check the setting. None stands for the vocabulary's setting.

    Raises:
        ValueError: It is not "bytes", "unk" or None (E207).
    """
    if value is not None and value not in get_args(UnknownCharacters):
        known = ", ".join(map(repr, get_args(UnknownCharacters)))
        error = Errors.E207.format(value=value, option="unknown_characters", known=known)
        raise ValueError(error)


def merge_bytes(pieces: Pieces, are_bytes: NDArray[np.bool_], *, unknown_id: int) -> Pieces:
    """Replace each run of byte pieces by one unknown piece, like Hugging Face's fast tokenizer.

    Args:
        pieces: Pieces of a batch.
        are_bytes: Mask of ids of byte pieces. *Shape:* `(vocab_size,)`, bool.
        unknown_id: Id of the unknown piece.

    Returns:
        The pieces. An unknown piece has the offsets of its run.
    """
    kept, ids, cu_pieces = merge_byte_ids(
        pieces.ids, pieces.cu_pieces, are_bytes, unknown_id=unknown_id
    )
    last = np.append(kept[1:], len(pieces.ids))[: len(kept)] - 1
    return Pieces(ids, pieces.starts[kept], pieces.ends[last], cu_pieces)


def merge_byte_ids(
    ids: Ints, cu_pieces: Ints, are_bytes: NDArray[np.bool_], *, unknown_id: int
) -> tuple[Ints, Ints, Ints]:
    """Replace each run of byte ids by one unknown id.

    Args:
        ids: Ids of a batch. *Shape:* `(pieces,)`, int64.
        cu_pieces: Boundaries of the texts. *Shape:* `(texts + 1,)`, int64.
        are_bytes: Mask of ids of byte pieces. *Shape:* `(vocab_size,)`, bool.
        unknown_id: Id of the unknown piece.

    Returns:
        Indices of the pieces that are kept, their ids, and the new boundaries of the texts.
    """
    # Ids above the vocabulary are added tokens.
    is_byte = np.append(are_bytes, False)[np.minimum(ids, len(are_bytes))]
    continues = np.append(False, is_byte[1:] & is_byte[:-1])[: len(ids)]
    starts = cu_pieces[:-1][np.diff(cu_pieces) > 0]
    continues[starts] = False
    kept = np.flatnonzero(~continues)
    return (
        kept,
        np.where(is_byte, unknown_id, ids)[kept],
        cumulative((~continues).astype(np.int64))[cu_pieces],
    )
