"""Texts to pieces and to model inputs."""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.errors import Errors, check_list, check_texts

from .batching import Layout, lay_out, padding_strategy, to_tensors, truncation_strategy
from .engines import Engine
from .pieces import Pieces
from .special_tokens import TokenTable
from .vocabulary import Vocabulary


class TextEncoder(Vocabulary):
    """A vocabulary that cuts texts into its pieces.

    Args:
        engine: The vocabulary and what applies it.
        table: The tokens beside its pieces.
        split_special_tokens: Whether special ones of the added tokens are read as text.
        model_max_length: Maximum number of pieces of the model; the default of `max_length`.
    """

    def __init__(
        self,
        engine: Engine,
        table: TokenTable,
        *,
        split_special_tokens: bool,
        model_max_length: int | None,
    ) -> None:
        super().__init__(engine, table)
        self.split_special_tokens = split_special_tokens
        self.model_max_length = model_max_length
        self._found = [
            token.content
            for token in self.added_tokens.values()
            if not (split_special_tokens and token.special)
        ]
        self._found_table = table.only(self._found) if self._found else None

    def encode_batch(
        self, texts: Sequence[str], *, special_tokens_in_text: bool | Collection[str] = False
    ) -> Pieces:
        """Cut texts into pieces, in one call of the engine.

        Args:
            texts: Any strings. Lone surrogates are read as the replacement character.
            special_tokens_in_text: Whether "[SEP]" and other special tokens within a text are
                tokens, as in Hugging Face; or which of them are. By default they are text, so that
                a document cannot inject them. Added tokens are always found, except those that
                `split_special_tokens` reads as text.

        Returns:
            The pieces of all texts with their character offsets, without special tokens.

        Raises:
            ValueError: `texts` is not a list of strings.
        """
        check_texts(texts)
        return self._engine.encode(list(texts), self._tokens_in_text(special_tokens_in_text))

    def encode_words(
        self,
        texts: Sequence[Sequence[str]],
        *,
        special_tokens_in_text: bool | Collection[str] = False,
    ) -> tuple[Pieces, Ints]:
        """Cut each word of texts into pieces on its own, in one call of the engine.

        This is `is_split_into_words` of Hugging Face, for models that were trained on words.

        Args:
            texts: The words of each text.
            special_tokens_in_text: As in `encode_batch`.

        Returns:
            The pieces of all texts, with character offsets within their own word, and the number of
            pieces of each word. *Shape:* `(words,)`, int64.

        Raises:
            ValueError: `texts` is not a list of lists of strings (E205).
        """
        texts = [list(check_texts(words)) for words in check_texts(cast(Any, texts))]
        flat = list(chain.from_iterable(texts))
        pieces = self.encode_batch(flat, special_tokens_in_text=special_tokens_in_text)
        cu_words = cumulative(np.array([len(words) for words in texts], dtype=np.int64))
        cu_pieces = pieces.cu_pieces[cu_words]
        counts = np.diff(pieces.cu_pieces)
        return Pieces(pieces.ids, pieces.starts, pieces.ends, cu_pieces), counts

    def encode_ids(self, texts: Sequence[str], *, threads: int | None = None) -> tuple[Ints, Ints]:
        """Cut texts into pieces without offsets, which is several times as fast.

        Args:
            texts: As in `encode_batch`.
            threads: Number of native threads; None for the tokenizer's number.

        Returns:
            `ids` and `cu_pieces` as in `Pieces`.

        Raises:
            ValueError: `texts` is not a list of strings.
        """
        check_texts(texts)
        return self._engine.encode_ids(list(texts), self._found_table, threads=threads)

    def __call__(
        self,
        text: str | Sequence[str] | Sequence[Sequence[str]],
        text_pair: str | Sequence[str] | Sequence[Sequence[str]] | None = None,
        *,
        is_split_into_words: bool = False,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        return_token_type_ids: bool = True,
        return_attention_mask: bool = True,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_tensors: str | None = None,
        special_tokens_in_text: bool = False,
    ) -> dict[str, Any]:
        """Make model inputs, with the arguments of Hugging Face.

        Args:
            text: A text or a list of texts.
            text_pair: The second text of each pair.
            is_split_into_words: Whether each text is a list of words, see `encode_words`.
            add_special_tokens: Whether to make `[CLS] text [SEP]`, for pairs
                `[CLS] text [SEP] pair [SEP]`.
            padding: True or "longest", "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False.
            max_length: Maximum number of pieces of a row, special tokens included.
            return_token_type_ids: Whether to return the text of a pair that a piece belongs to.
            return_attention_mask: Whether to return 1 for pieces and 0 for padding.
            return_special_tokens_mask: Whether to return 1 for special tokens and padding.
            return_offsets_mapping: Whether to return `(start, end)` of every piece, in characters
                of its own text, or its own word.
            return_tensors: "np", "pt", or None for lists.
            special_tokens_in_text: As in `encode_batch`.

        Returns:
            "input_ids" and the requested keys. A list of numbers each if `text` is one string and
            `return_tensors` is None, else one row for each text. *Shape:* `(texts, pieces)`.

        Raises:
            ValueError: The options contradict each other or do not fit the texts (E205 to E209,
                E215).
        """
        single = _is_text(text, words=is_split_into_words)
        texts: Any = [text] if single else list(check_texts(cast(Any, text)))
        pairs: Any = text_pair
        if pairs is not None:
            one = _is_text(pairs, words=is_split_into_words)
            pairs = [pairs] if one else list(check_texts(pairs))
        if pairs is not None and len(pairs) != len(texts):
            raise ValueError(Errors.E215.format(texts=len(texts), pairs=len(pairs)))
        layout = Layout(
            cls_token_id=self.cls_token_id if add_special_tokens else None,
            sep_token_id=self.sep_token_id,
            pad_token_id=self.pad_token_id,
            padding=padding_strategy(padding),
            truncation=truncation_strategy(truncation),
            max_length=self.model_max_length if max_length is None else max_length,
        )
        first = self._encode(texts, special_tokens_in_text, words=is_split_into_words)
        second = None
        if pairs is not None:
            second = self._encode(pairs, special_tokens_in_text, words=is_split_into_words)
        batch = lay_out(first, second, layout)
        wanted = {
            "input_ids": True,
            "token_type_ids": return_token_type_ids,
            "attention_mask": return_attention_mask,
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
        }
        batch = {key: batch[key] for key, want in wanted.items() if want}
        if return_tensors is not None:
            return to_tensors(batch, return_tensors)
        return {key: rows[0] for key, rows in batch.items()} if single else batch

    def tokenize(self, text: str, *, special_tokens_in_text: bool = False) -> list[str]:
        """Cut a text into pieces, as strings.

        Args:
            text: Any string.
            special_tokens_in_text: As in `encode_batch`.

        Returns:
            The pieces as SentencePiece writes them; "▁" is a space.
        """
        pieces = self.encode_batch([text], special_tokens_in_text=special_tokens_in_text)
        return self.convert_ids_to_tokens(pieces.ids.tolist())

    def _encode(self, texts: Any, special_tokens_in_text: bool, *, words: bool) -> Pieces:
        if not words:
            return self.encode_batch(texts, special_tokens_in_text=special_tokens_in_text)
        return self.encode_words(texts, special_tokens_in_text=special_tokens_in_text)[0]

    def _tokens_in_text(self, special_tokens_in_text: bool | Collection[str]) -> TokenTable | None:
        """The tokens that are found in texts and not left to the engine; None for none."""
        if not special_tokens_in_text:
            return self._found_table
        if isinstance(special_tokens_in_text, bool):
            return self._table
        further = check_list("special_tokens_in_text", special_tokens_in_text)
        return self._table.only({*self._found, *further})


def _is_text(text: Any, *, words: bool) -> bool:
    """Whether an argument is one text and no list of them; an empty list of words is one."""
    if not words or isinstance(text, str):
        return isinstance(text, str)
    return isinstance(text, Sequence) and (not text or isinstance(text[0], str))
