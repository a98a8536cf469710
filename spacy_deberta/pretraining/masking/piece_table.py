"""The vocabulary's tables for masking: word starts, and the pieces that may replace a piece."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.tokenization import DebertaV2Tokenizer

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# How SentencePiece writes the space before a word.
_SPACE = "▁"


@dataclass(frozen=True, eq=False, kw_only=True)
class PieceTable:
    """Properties of the pieces of a vocabulary, indexed by id.

    Attributes:
        starts_word: Whether a piece starts a word, `(rows,)`, for all rows of the embeddings. An
            added token is a word.
        punctuation: Whether it has neither letters nor digits, so it is not part of the word before
            it, `(rows,)`.
        special: Whether it is a special token, `(rows,)`.
        ordinary: The ids of text, without special tokens and bytes, ascending, `(ordinary,)`.
        cls_token_id: The token before a sequence.
        sep_token_id: The token after a sequence.
        mask_token_id: The mask token.
    """

    starts_word: Bools
    punctuation: Bools
    special: Bools
    ordinary: Ints
    cls_token_id: int
    sep_token_id: int
    mask_token_id: int

    @classmethod
    def from_tokenizer(cls, tokenizer: DebertaV2Tokenizer, *, rows: int) -> "PieceTable":
        """Compute the tables from a tokenizer.

        Args:
            tokenizer: The tokenizer.
            rows: Number of rows of the embeddings; those beyond the vocabulary are not text.
        """
        pieces = tokenizer.convert_ids_to_tokens(np.arange(len(tokenizer)))
        pieces += [""] * (rows - len(pieces))
        special = np.zeros(rows, np.bool_)
        special[list(tokenizer.all_special_ids)] = True
        starts_word = np.array([piece.startswith(_SPACE) for piece in pieces], np.bool_)
        starts_word[list(tokenizer.added_tokens)] = True
        # Byte pieces are not ordinary text: a single byte may not be a character.
        text = np.array([bool(piece) and not _is_byte(piece) for piece in pieces], np.bool_)
        marks = [not any(map(str.isalnum, piece)) and piece != _SPACE for piece in pieces]
        return cls(
            starts_word=starts_word,
            punctuation=np.array(marks, np.bool_) & text & ~special,
            special=special,
            ordinary=np.flatnonzero(text & ~special),
            cls_token_id=tokenizer.cls_token_id,
            sep_token_id=tokenizer.sep_token_id,
            mask_token_id=tokenizer.mask_token_id,
        )


def _is_byte(piece: str) -> bool:
    return len(piece) == len("<0x00>") and piece.startswith("<0x") and piece.endswith(">")
