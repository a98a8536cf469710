"""The interface of an engine."""

from collections.abc import Mapping
from typing import Literal, Protocol

from spacy_deberta.arrays import Ints
from spacy_deberta.tokenization.pieces import Pieces
from spacy_deberta.tokenization.special_tokens import AddedToken, PieceInventory, TokenTable

from .unknown import UnknownCharacters

EngineName = Literal["sentencepiece", "tokenizers"]


class Engine(PieceInventory, Protocol):
    """A vocabulary and the native library that applies it.

    Engines are immutable, so threads can share one.
    """

    @property
    def name(self) -> EngineName:
        """Name of the engine, as in the option `tokenizer`."""

    @property
    def added_tokens(self) -> tuple[AddedToken, ...]:
        """Added tokens of the vocabulary file, with ids."""

    @property
    def unknown_characters(self) -> UnknownCharacters:
        """Encoding of characters without a piece: "bytes", or "unk" for one piece for each run."""

    @property
    def unknown_id(self) -> int:
        """Id of the unknown piece."""

    @property
    def joins_special_tokens(self) -> bool:
        """Whether `join` accepts special tokens."""

    def join(self, pieces: list[str]) -> str:
        """Decode pieces to a text with spaces."""

    def encode(self, texts: list[str], tokens: TokenTable | None) -> Pieces:
        """Tokenize texts in one native call.

        Args:
            texts: Any strings.
            tokens: The added tokens to find in the texts; None for none.

        Returns:
            The pieces, with character offsets into the original texts.

        Raises:
            ValueError: An item of `texts` is not a string (E205).
        """

    def encode_ids(
        self, texts: list[str], tokens: TokenTable | None, *, threads: int | None = None
    ) -> tuple[Ints, Ints]:
        """Tokenize texts without offsets.

        Args:
            texts: Any strings.
            tokens: As in `encode`.
            threads: Maximum number of native threads; None for the engine's setting.

        Returns:
            `ids` and `cu_pieces` as in `Pieces`.
        """

    def vocabulary_files(self) -> Mapping[str, bytes]:
        """The unmodified vocabulary files, by name."""
