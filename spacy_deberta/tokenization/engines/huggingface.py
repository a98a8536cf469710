"""The engine for `tokenizer.json` and `vocab.txt`: Hugging Face's tokenizers library."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import Tokenizer

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.tokenization.encoding import read_characters
from spacy_deberta.tokenization.native_threads import check_threads
from spacy_deberta.tokenization.piece_text import lengths_of
from spacy_deberta.tokenization.pieces import Pieces
from spacy_deberta.tokenization.special_tokens import AddedToken, TokenTable

from .engine import EngineName
from .offsets import WHITE_SPACE, CharacterFates, shift_after_deletions, spread_bytes, trim_offsets
from .pipeline import read_pipeline
from .unknown import UnknownCharacters

PIPELINE_FILE = "tokenizer.json"

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, eq=False)
class _Finder:
    """A native tokenizer that finds a given set of added tokens.

    Args:
        native: Shares the model of the pipeline.
        ids: Maps ids of `native` to ids of the tokenizer. *Shape:* `(native ids,)`, int64.
        are_added: Mask of the tokenizer's ids that are added tokens. *Shape:* `(ids,)`, bool.
        are_bounds: Mask of those that are found before normalization. Same shape.
    """

    native: Tokenizer
    ids: Ints
    are_added: NDArray[np.bool_]
    are_bounds: NDArray[np.bool_]


class TokenizersEngine:
    """Engine for a `tokenizer.json`, see `Engine`.

    The library has one thread pool for the process (`RAYON_NUM_THREADS`, `TOKENIZERS_PARALLELISM`),
    so values of `threads` other than 1 have no effect.

    Args:
        content: Content of the file.
        controls: Control tokens of the model. Their strings in texts are tokenized as plain text.
        unknown_characters: "bytes" or "unk"; None for the file's setting.
        threads: 1 for a single thread.

    Raises:
        ValueError: The file is not usable (E232, E233), or `threads` is not a whole number (E231).
    """

    name: EngineName = "tokenizers"

    def __init__(
        self,
        content: bytes,
        *,
        controls: Collection[str],
        unknown_characters: UnknownCharacters | None = None,
        threads: int | None = None,
    ) -> None:
        self.pipeline = read_pipeline(
            content, controls=controls, unknown_characters=unknown_characters
        )
        self._threads = check_threads(threads)
        strings = self.pipeline.strings
        self._ids = {piece: i for i, piece in enumerate(strings.tolist()) if piece}
        normalizer = self.pipeline.native.normalizer
        self._fates = CharacterFates(
            str if normalizer is None else normalizer.normalize_str,
            space="▁" if self.pipeline.writes_spaces else " ",
        )
        self._are_spaces = np.zeros(len(strings), dtype=bool)
        self._are_bytes = np.zeros(len(strings), dtype=bool)
        self._continue = np.zeros(len(strings), dtype=bool)
        for i, piece in enumerate(strings.tolist()):
            if self.pipeline.writes_spaces and piece and not piece.strip("▁ "):
                self._are_spaces[i] = True
            elif piece.startswith("<0x") and (match := _BYTE_PIECE.fullmatch(piece)):
                self._are_bytes[i] = True
                self._continue[i] = 0x80 <= int(match[1], 16) < 0xC0
        self._finders: dict[frozenset[AddedToken], _Finder] = {}

    @property
    def unknown_characters(self) -> UnknownCharacters:
        """See `Engine`."""
        return self.pipeline.unknown_characters

    @property
    def added_tokens(self) -> tuple[AddedToken, ...]:
        """See `Engine`."""
        return self.pipeline.added_tokens

    @property
    def strings(self) -> NDArray[np.object_]:
        """See `Engine`."""
        return self.pipeline.strings

    @property
    def unknown_id(self) -> int:
        """See `Engine`."""
        return self.pipeline.unknown_id

    @property
    def joins_special_tokens(self) -> bool:
        """See `Engine`."""
        return True

    def find(self, piece: str) -> int | None:
        """See `Engine`."""
        return self._ids.get(piece)

    def normalize(self, text: str) -> str:
        """Normalize a text, with plain spaces and without leading and trailing ones."""
        normalizer = self.pipeline.native.normalizer
        normalized = text if normalizer is None else str(normalizer.normalize_str(text))
        return normalized.replace("▁", " ").strip()

    def join(self, pieces: list[str]) -> str:
        """See `Engine`."""
        decoder = self.pipeline.native.decoder
        return " ".join(pieces) if decoder is None else str(decoder.decode(pieces))

    def encode(self, texts: list[str], tokens: TokenTable | None) -> Pieces:
        """See `Engine`."""
        texts, characters = read_characters(texts)
        finder = self._finder(tokens)
        found = self._run(finder.native, texts, threads=self._threads)
        ids, cu_pieces = _collect(found, finder)
        places = chain.from_iterable(chain.from_iterable(e.offsets for e in found))
        offsets = np.fromiter(places, dtype=np.int64, count=2 * len(ids)).reshape(-1, 2)
        starts, ends = offsets[:, 0].copy(), offsets[:, 1].copy()

        cu_characters = cumulative(lengths_of(texts))
        are_added = finder.are_added[ids]
        vanish = self._fates.vanish(characters)
        deleted = np.zeros_like(vanish)
        if self.pipeline.miscounts_deletions and vanish.any():
            deleted = self._fates.are_deleted(characters)
            bounds = finder.are_bounds[ids]
            self._shift(starts, ends, cu_pieces, characters, cu_characters, deleted, bounds)
        trimmed, trimmed_ends = trim_offsets(
            starts,
            ends,
            cu_pieces,
            vanish=vanish,
            deleted=deleted,
            cu_characters=cu_characters,
            are_spaces=self._look_up(self._are_spaces, ids) & ~are_added,
            are_added=are_added,
        )
        are_bytes = self._look_up(self._are_bytes, ids)
        if are_bytes.any():
            spread_bytes(
                trimmed,
                trimmed_ends,
                starts,
                are_bytes=are_bytes,
                continue_character=self._look_up(self._continue, ids),
                vanish=vanish,
                text_starts=np.repeat(cu_characters[:-1], np.diff(cu_pieces)),
            )
        return Pieces(ids, trimmed, trimmed_ends, cu_pieces)

    def encode_ids(
        self, texts: list[str], tokens: TokenTable | None, *, threads: int | None = None
    ) -> tuple[Ints, Ints]:
        """See `Engine`."""
        texts, _ = read_characters(texts)
        finder = self._finder(tokens)
        threads = check_threads(threads) or self._threads
        return _collect(self._run(finder.native, texts, threads=threads), finder)

    def vocabulary_files(self) -> dict[str, bytes]:
        """See `Engine`."""
        return {PIPELINE_FILE: self.pipeline.content}

    def _run(
        self, native: Tokenizer, texts: list[str], *, threads: int | None
    ) -> list[tokenizers.Encoding]:
        if threads == 1:
            return [native.encode(text, add_special_tokens=False) for text in texts]
        found: list[tokenizers.Encoding] = native.encode_batch(texts, add_special_tokens=False)
        return found

    def _finder(self, tokens: TokenTable | None) -> _Finder:
        """The native tokenizer that finds a set of added tokens, cached for each set."""
        wanted = frozenset(tokens.by_content.values() if tokens is not None else ())
        if wanted not in self._finders:
            self._finders[wanted] = self._make_finder(wanted)
        return self._finders[wanted]

    def _make_finder(self, wanted: frozenset[AddedToken]) -> _Finder:
        source = self.pipeline.native
        # A new tokenizer that shares the model: other threads may use the existing one.
        native = Tokenizer(source.model)
        if source.normalizer is not None:
            native.normalizer = source.normalizer
        if source.pre_tokenizer is not None:
            native.pre_tokenizer = source.pre_tokenizer
        ordered = sorted(wanted, key=lambda token: token.id or 0)
        # Not "special": the caller has chosen these tokens, and the library may encode special ones
        # as text.
        native.add_tokens(
            [
                tokenizers.AddedToken(
                    token.content,
                    lstrip=token.lstrip,
                    rstrip=token.rstrip,
                    single_word=token.single_word,
                    normalized=token.normalized,
                    special=False,
                )
                for token in ordered
            ]
        )
        ids = np.arange(max(native.get_vocab_size(), len(self.strings)), dtype=np.int64)
        largest = max((token.id or 0 for token in ordered), default=0)
        are_added = np.zeros(max(len(ids), largest + 1), dtype=bool)
        are_bounds = are_added.copy()
        for token in ordered:
            native_id = native.token_to_id(token.content)
            if native_id is not None and token.id is not None:
                ids[native_id] = token.id
                are_added[token.id] = True
                are_bounds[token.id] = not token.normalized
        return _Finder(native, ids, are_added, are_bounds)

    def _shift(
        self,
        starts: Ints,
        ends: Ints,
        cu_pieces: Ints,
        characters: NDArray[np.uint32],
        cu_characters: Ints,
        deleted: NDArray[np.bool_],
        are_bounds: NDArray[np.bool_],
    ) -> None:
        stripped = np.zeros_like(deleted)
        if self.pipeline.strips_left:
            stripped = np.isin(characters, WHITE_SPACE)
        places = np.flatnonzero(deleted)
        for text in np.unique(np.searchsorted(cu_characters, places, side="right") - 1).tolist():
            rows = slice(int(cu_pieces[text]), int(cu_pieces[text + 1]))
            inside = slice(int(cu_characters[text]), int(cu_characters[text + 1]))
            shift_after_deletions(
                starts[rows],
                ends[rows],
                deleted=deleted[inside],
                stripped=stripped[inside],
                are_bounds=are_bounds[rows],
            )

    def _look_up(self, flags: NDArray[np.bool_], ids: Ints) -> NDArray[np.bool_]:
        return flags[np.minimum(ids, len(flags) - 1)] & (ids < len(flags))


def _collect(found: list[tokenizers.Encoding], finder: _Finder) -> tuple[Ints, Ints]:
    rows = [encoding.ids for encoding in found]
    cu_pieces = cumulative(np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))
    total = int(cu_pieces[-1])
    ids = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=total)
    return finder.ids[ids], cu_pieces
