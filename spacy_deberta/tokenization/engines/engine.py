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

    An engine never changes, so that threads can share one.
    """

    @property
    def name(self) -> EngineName:
        """The name that the option `tokenizer` has for it."""

    @property
    def added_tokens(self) -> tuple[AddedToken, ...]:
        """Tokens that the file of the vocabulary has beside its pieces, with ids."""

    @property
    def unknown_characters(self) -> UnknownCharacters:
        """What characters without a piece become: "bytes", or "unk" for a run of them."""

    @property
    def unknown_id(self) -> int:
        """The id of what the vocabulary can't spell."""

    @property
    def joins_special_tokens(self) -> bool:
        """Whether `join` takes special tokens, too."""

    def join(self, pieces: list[str]) -> str:
        """Write pieces as a text, with spaces where the vocabulary has them."""

    def encode(self, texts: list[str], tokens: TokenTable | None) -> Pieces:
        """Cut texts into pieces, in one native call.

        Args:
            texts: Any strings.
            tokens: The added tokens to find in the texts; None for none.

        Returns:
            Their pieces, with offsets in characters of the texts as given.

        Raises:
            ValueError: Something in `texts` is not a string (E205).
        """

    def encode_ids(
        self, texts: list[str], tokens: TokenTable | None, *, threads: int | None = None
    ) -> tuple[Ints, Ints]:
        """Cut texts into pieces without offsets.

        Args:
            texts: Any strings.
            tokens: As in `encode`.
            threads: Maximum number of native threads; None for that of the engine.

        Returns:
            `ids` and `cu_pieces` as in `Pieces`.
        """

    def vocabulary_files(self) -> Mapping[str, bytes]:
        """The files of the vocabulary, by name, byte for byte as they were read."""
