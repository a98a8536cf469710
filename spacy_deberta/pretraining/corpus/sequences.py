"""An encoded corpus as sequences of bounded length, with random access."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.errors import Errors
from spacy_deberta.files import atomic_file
from spacy_deberta.pretraining.checksums import check_checksums, write_checksums

from .corpus_writer import START_DTYPE
from .cutting import cut_documents
from .encoded_corpus import EncodedCorpus
from .random_access import NumberFile

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# [CLS] and [SEP].
_N_SPECIAL_TOKENS = 2


class CorpusSequences:
    """The sequences of a corpus, each of one document.

    Their starts are computed once, into a file beside the corpus.

    Args:
        corpus: The corpus.
        max_length: Maximum number of pieces of a sequence, `[CLS]` and `[SEP]` included.
        starts_word: Whether a piece starts a word; sequences preferably begin with such a piece.
            *Shape:* `(vocabulary,)`.

    Raises:
        ValueError: `max_length` is too small for a piece (E721).
        OSError: The file can't be written (E710).
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        *,
        max_length: int,
        starts_word: Bools,
    ) -> None:
        room = max_length - _N_SPECIAL_TOKENS
        if room < 1:
            raise ValueError(
                Errors.E721.format(name="max_length", value=max_length, wanted="at least 3")
            )
        self.corpus = corpus
        self._pieces = NumberFile(corpus.pieces_file, corpus.dtype)
        path = corpus.folder / f"sequences-{max_length}.bin"
        if not _is_whole(path, corpus):
            _write_starts(path, corpus, self._pieces, room=room, starts_word=starts_word)
        self._starts = NumberFile(path, START_DTYPE)
        self._count = len(self._starts) - 1

    def __len__(self) -> int:
        """Return the number of sequences."""
        return self._count

    @property
    def total_pieces(self) -> int:
        """Number of pieces of all sequences, special tokens included."""
        return self.corpus.total_pieces + _N_SPECIAL_TOKENS * len(self)

    def lengths(self, indices: Ints) -> Ints:
        """Look up the lengths of sequences.

        Args:
            indices: Their indices. *Shape:* `(sequences,)`.

        Returns:
            Number of pieces of each, special tokens included. *Shape:* `(sequences,)`, int64.
        """
        starts, ends = self._bounds(indices)
        return ends - starts + _N_SPECIAL_TOKENS

    def read(self, indices: Ints) -> tuple[Ints, Ints]:
        """Read sequences.

        Args:
            indices: Their indices, in any order. *Shape:* `(sequences,)`.

        Returns:
            Their pieces, packed, with `[CLS]` before and `[SEP]` after each sequence,
            *shape* `(total_pieces,)`; and their lengths, *shape* `(sequences,)`. Both int64.
        """
        starts, ends = self._bounds(indices)
        lengths = ends - starts + _N_SPECIAL_TOKENS
        stops = np.cumsum(lengths)
        ids = np.empty(int(lengths.sum()), np.int64)
        ids[stops - lengths] = self.corpus.cls_token_id
        ids[stops - 1] = self.corpus.sep_token_id
        bounds = zip(starts.tolist(), ends.tolist(), stops.tolist(), strict=True)
        for start, end, stop in bounds:
            ids[stop - 1 - (end - start) : stop - 1] = self._pieces.read(start, end - start)
        return ids, lengths

    def _bounds(self, indices: Ints) -> tuple[Ints, Ints]:
        bounds = np.empty((len(indices), 2), np.int64)
        for row, index in enumerate(indices.tolist()):
            bounds[row] = self._starts.read(index, 2)
        return bounds[:, 0], bounds[:, 1]


def _is_whole(path: Path, corpus: EncodedCorpus) -> bool:
    """Whether the file is complete and undamaged; otherwise it is written again."""
    sums = _sums_of(path)
    try:
        check_checksums(sums)
    except (OSError, ValueError):
        return False
    starts = NumberFile(path, START_DTYPE)
    count = len(starts)
    return count > corpus.documents and starts.read(count - 1, 1).tolist() == [corpus.total_pieces]


def _write_starts(
    path: Path, corpus: EncodedCorpus, pieces: NumberFile, *, room: int, starts_word: Bools
) -> None:
    blocks = cut_documents(
        NumberFile(corpus.documents_file, START_DTYPE), pieces, room=room, starts_word=starts_word
    )
    try:
        # Several processes may write the same file at once; that of the last one stays.
        with atomic_file(path) as file:
            for starts in blocks:
                file.write(starts.astype(START_DTYPE).tobytes())
        write_checksums(_sums_of(path), [path])
    except OSError as error:
        message = Errors.E710.format(folder=corpus.folder, error=error.strerror)
        raise OSError(message) from error


def _sums_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
