"""The engine for `spm.model`: SentencePiece, with DeBERTa's preprocessing."""

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors
from spacy_deberta.tokenization.encoding import PieceEncoder
from spacy_deberta.tokenization.pieces import Pieces
from spacy_deberta.tokenization.segments import encode_segments
from spacy_deberta.tokenization.special_tokens import AddedToken, TokenTable

from .conversion import convert_sentencepiece
from .engine import EngineName
from .unknown import UnknownCharacters, merge_byte_ids, merge_bytes

SENTENCEPIECE_FILE = "spm.model"


class SentencePieceEngine:
    """Engine for a SentencePiece model, see `Engine`.

    Args:
        model_proto: The serialized model.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether each punctuation character is a separate word.
        unknown_characters: "unk" to replace each run of byte pieces by one unknown piece.
        threads: Maximum number of native threads; None for one for each core.

    Raises:
        ValueError: `model_proto` is not a usable model (E202, E220, E221), or `threads` is not a
            whole number (E231).
    """

    name: EngineName = "sentencepiece"
    added_tokens: tuple[AddedToken, ...] = ()

    def __init__(
        self,
        model_proto: bytes,
        *,
        do_lower_case: bool = False,
        split_by_punct: bool = False,
        unknown_characters: UnknownCharacters | None = None,
        threads: int | None = None,
    ) -> None:
        self.model_proto = model_proto
        self.encoder = PieceEncoder(model_proto, threads=threads)
        self._lowercases = do_lower_case
        self._splits = split_by_punct
        is_byte = self.encoder.processor.IsByte
        # The string test comes first, because 128,000 native calls are slow.
        named = (piece.startswith("<0x") for piece in self.strings.tolist())
        self._are_bytes = np.array(
            [name and is_byte(i) for i, name in enumerate(named)], dtype=bool
        )
        has_bytes = bool(self._are_bytes.any())
        if unknown_characters == "bytes" and not has_bytes:
            raise ValueError(Errors.E237)
        self._merges = unknown_characters == "unk" and has_bytes

    @property
    def unknown_characters(self) -> UnknownCharacters:
        """See `Engine`."""
        return "bytes" if self.has_bytes and not self._merges else "unk"

    @property
    def strings(self) -> NDArray[np.object_]:
        """See `Engine`."""
        return self.encoder.piece_text.strings

    @property
    def unknown_id(self) -> int:
        """See `Engine`."""
        return int(self.encoder.processor.unk_id())

    @property
    def joins_special_tokens(self) -> bool:
        """See `Engine`."""
        return False

    @property
    def has_bytes(self) -> bool:
        """Whether the vocabulary has byte pieces."""
        return bool(self._are_bytes.any())

    def find(self, piece: str) -> int | None:
        """See `Engine`."""
        processor = self.encoder.processor
        # Pieces are UTF-8, so they contain no lone surrogates.
        piece = piece.encode("utf8", "replace").decode("utf8")
        piece_id = int(processor.PieceToId(piece))
        return piece_id if processor.IdToPiece(piece_id) == piece else None

    def join(self, pieces: list[str]) -> str:
        """See `Engine`."""
        return str(self.encoder.processor.DecodePieces(pieces)) if pieces else ""

    def encode(self, texts: list[str], tokens: TokenTable | None) -> Pieces:
        """See `Engine`."""
        pieces = self._encode(texts, tokens)
        if not self._merges:
            return pieces
        return merge_bytes(pieces, self._are_bytes, unknown_id=self.unknown_id)

    def _encode(self, texts: list[str], tokens: TokenTable | None) -> Pieces:
        if self._takes(texts, tokens):
            return self.encoder.encode(texts)
        return encode_segments(
            self.encoder,
            texts,
            do_lower_case=self._lowercases,
            split_by_punct=self._splits,
            tokens=tokens,
        )

    def encode_ids(
        self, texts: list[str], tokens: TokenTable | None, *, threads: int | None = None
    ) -> tuple[Ints, Ints]:
        """See `Engine`."""
        if self._takes(texts, tokens):
            ids, cu_pieces = self.encoder.encode_ids(texts, threads=threads)
            if self._merges:
                _, ids, cu_pieces = merge_byte_ids(
                    ids, cu_pieces, self._are_bytes, unknown_id=self.unknown_id
                )
            return ids, cu_pieces
        pieces = self.encode(texts, tokens)
        return pieces.ids, pieces.cu_pieces

    def vocabulary_files(self) -> dict[str, bytes]:
        """See `Engine`."""
        return {SENTENCEPIECE_FILE: self.model_proto}

    def convert(self, table: TokenTable) -> bytes:
        """Write the same tokenizer as a `tokenizer.json`; see `convert_sentencepiece`.

        Args:
            table: The tokens beside the pieces.

        Returns:
            The file.
        """
        return convert_sentencepiece(
            self.model_proto,
            encoder=self.encoder,
            do_lower_case=self._lowercases,
            split_by_punct=self._splits,
            byte_fallback=self.unknown_characters == "bytes",
            added_tokens=table.by_id.values(),
            cls_token=table.roles["cls_token"],
            sep_token=table.roles["sep_token"],
        )

    def _takes(self, texts: list[str], tokens: TokenTable | None) -> bool:
        """Whether SentencePiece can tokenize the texts without preprocessing."""
        if self._lowercases or self._splits:
            return False
        return tokens is None or not tokens.are_in(texts)
