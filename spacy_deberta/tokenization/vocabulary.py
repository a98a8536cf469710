"""Conversion between ids, tokens and strings, and the special tokens around texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors, check_strings

from .engines import Engine
from .special_tokens import AddedToken, TokenTable


class Vocabulary:
    """The pieces of a vocabulary and the tokens beside them.

    Args:
        engine: The vocabulary and what applies it.
        table: The tokens beside its pieces.
    """

    def __init__(self, engine: Engine, table: TokenTable) -> None:
        self._engine = engine
        self._table = table
        self.vocab_size = table.vocab_size
        self.bos_token_id = table.id_of("bos_token")
        self.eos_token_id = table.id_of("eos_token")
        self.unk_token_id = table.id_of("unk_token")
        self.sep_token_id = table.id_of("sep_token")
        self.pad_token_id = table.id_of("pad_token")
        self.cls_token_id = table.id_of("cls_token")
        self.mask_token_id = table.id_of("mask_token")
        # By id: the tokens that documents may contain beside the pieces.
        self.added_tokens: Mapping[int, AddedToken] = {
            i: token for i, token in sorted(table.by_id.items()) if not table.is_control(token)
        }
        self.all_special_ids = tuple(
            i for i, token in sorted(table.by_id.items()) if token.content in table.special
        )

    def __len__(self) -> int:
        """Return the number of pieces of the model, plus the added tokens."""
        return len(self._table)

    def count_rows(self, *, mask: bool) -> int:
        """Count the rows of embeddings that have one for every id.

        Args:
            mask: Whether to count the mask; it occurs in no text.

        Returns:
            One more than the largest id.
        """
        beside = (i for i in self._table.by_id if mask or i != self.mask_token_id)
        return max(self.vocab_size, max(beside, default=-1) + 1)

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...  # type: ignore[overload-overlap]

    @overload
    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int]: ...

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> int | list[int]:
        """Look up pieces.

        Args:
            tokens: One piece or several, as SentencePiece writes them.

        Returns:
            Their ids; the id of the unknown piece for what is not a piece.

        Raises:
            ValueError: They are not strings (E624).
        """
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in check_strings("tokens", tokens)]
        added = self._table.by_content.get(tokens)
        if added is not None and added.id is not None:
            return added.id
        piece_id = self._engine.find(tokens)
        return self._engine.unknown_id if piece_id is None else piece_id

    @overload
    def convert_ids_to_tokens(self, ids: int, *, skip_special_tokens: bool = False) -> str: ...

    @overload
    def convert_ids_to_tokens(
        self, ids: Iterable[int], *, skip_special_tokens: bool = False
    ) -> list[str]: ...

    def convert_ids_to_tokens(
        self, ids: int | Iterable[int], *, skip_special_tokens: bool = False
    ) -> str | list[str]:
        """Write ids as pieces.

        Args:
            ids: One id or several. Embeddings may have more rows than there are tokens: an id
                beyond all tokens is written as `unk_token`.
            skip_special_tokens: Whether to leave out special tokens.

        Returns:
            The pieces as SentencePiece writes them.

        Raises:
            ValueError: An id is negative (E217) or not a whole number (E413).
        """
        if isinstance(ids, int | np.integer):
            return self._token(int(ids))
        tokens = self._tokens(_to_array(ids))
        if skip_special_tokens:
            return [token for token in tokens if token not in self._table.special]
        return tokens

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Join pieces to a text.

        Args:
            tokens: Pieces as SentencePiece writes them, and special tokens.

        Returns:
            The text. Whitespace and characters are those of the normalized text.

        Raises:
            ValueError: They are not strings (E624).
        """
        tokens = check_strings("tokens", tokens)
        if self._engine.joins_special_tokens:
            return self._engine.join(list(tokens))
        text = ""
        waiting: list[str] = []
        after_special = False
        for token in tokens:
            special = token in self._table.special
            if special:
                # Only the first of several consecutive special tokens has a space before it.
                text += ("" if after_special else " ") + self._engine.join(waiting) + token
                waiting = []
            else:
                waiting.append(token)
            after_special = special
        return (text + self._engine.join(waiting)).strip()

    def decode(self, ids: int | Iterable[int], *, skip_special_tokens: bool = False) -> str:
        """Write ids as a text.

        Args:
            ids: One id or several.
            skip_special_tokens: Whether to leave out special tokens.

        Returns:
            The text. Whitespace and characters are those of the normalized text.
        """
        tokens = self.convert_ids_to_tokens(
            [int(ids)] if isinstance(ids, int | np.integer) else ids,
            skip_special_tokens=skip_special_tokens,
        )
        if self._engine.joins_special_tokens:
            return self._engine.join(tokens)
        parts: list[str] = []
        waiting: list[str] = []
        for token in tokens:
            if not self._stands_apart(token):
                waiting.append(token)
                continue
            if waiting and (string := self.convert_tokens_to_string(waiting)):
                parts.append(string)
            waiting = []
            parts.append(token)
        if waiting:
            parts.append(self.convert_tokens_to_string(waiting))
        return " ".join(parts)

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put special tokens around one text or two.

        Args:
            token_ids_0: Ids of the first text.
            token_ids_1: Ids of the second text.

        Returns:
            `[CLS] first [SEP]` or `[CLS] first [SEP] second [SEP]`.
        """
        first = [self.cls_token_id, *token_ids_0, self.sep_token_id]
        return first if token_ids_1 is None else [*first, *token_ids_1, self.sep_token_id]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Number the texts of the model input, for each piece.

        Args:
            token_ids_0: Ids of the first text.
            token_ids_1: Ids of the second text.

        Returns:
            0 for the first text and the special tokens around it, 1 for the second and its own.
        """
        first = [0] * (len(token_ids_0) + 2)
        return first if token_ids_1 is None else first + [1] * (len(token_ids_1) + 1)

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Sequence[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Mark the special tokens of the model input.

        Args:
            token_ids_0: Ids of the first text, or of the whole input.
            token_ids_1: Ids of the second text.
            already_has_special_tokens: Whether `token_ids_0` is the whole input.

        Returns:
            1 for special tokens, else 0.
        """
        if already_has_special_tokens:
            special = set(self.all_special_ids)
            return [int(i in special) for i in token_ids_0]
        first = [1, *[0] * len(token_ids_0), 1]
        return first if token_ids_1 is None else [*first, *[0] * len(token_ids_1), 1]

    def _tokens(self, ids: Ints) -> list[str]:
        strings = self._engine.strings
        if ((ids >= 0) & (ids < len(strings))).all():
            found: list[str] = strings[ids].tolist()
            return found
        return [self._token(piece_id) for piece_id in ids.tolist()]

    def _token(self, piece_id: int) -> str:
        strings = self._engine.strings
        if 0 <= piece_id < len(strings):
            return str(strings[piece_id])
        if piece_id < 0:
            raise ValueError(Errors.E217.format(id=piece_id))
        added = self._table.by_id.get(piece_id)
        return self._table.roles["unk_token"] if added is None else added.content

    def _stands_apart(self, token: str) -> bool:
        """Whether Hugging Face decodes a token without SentencePiece."""
        added = self._table.by_content.get(token)
        if added is None or token in self._table.roles.values():
            return False
        return token not in self._table.special or (added.id or 0) >= self.vocab_size


def _to_array(ids: Any) -> Ints:
    if isinstance(ids, Iterable) and not isinstance(ids, str | bytes | Mapping):
        try:
            array = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))
        except ValueError:  # rows of different lengths
            array = np.zeros((0, 0))
        if array.ndim == 1 and (array.dtype.kind in "iu" or not len(array)):
            return array.astype(np.int64)
    condition = "a list of whole numbers"
    raise ValueError(Errors.E413.format(name="ids", value=repr(ids), condition=condition))
