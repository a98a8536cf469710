"""Write the files of an encoded corpus."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import srsly
from numpy.typing import NDArray

CORPUS_FILE, PIECES_FILE, DOCUMENTS_FILE = "corpus.json", "pieces.bin", "documents.bin"
# Smallest first: the first one that fits the vocabulary is used.
PIECE_DTYPES = ("<u2", "<u4")
START_DTYPE = "<i8"


@dataclass(frozen=True, kw_only=True)
class CorpusCounts:
    """The size of a corpus.

    Attributes:
        documents: Number of documents; none is empty.
        total_pieces: Number of pieces of all documents, without special tokens.
        words: Number of whitespace-separated words.
        text_bytes: Size of the text as UTF-8.
    """

    documents: int = 0
    total_pieces: int = 0
    words: int = 0
    text_bytes: int = 0

    def __add__(self, other: "CorpusCounts") -> "CorpusCounts":
        """Add the counts."""
        theirs = asdict(other)
        return CorpusCounts(**{name: own + theirs[name] for name, own in asdict(self).items()})


def piece_dtype(size: int) -> str:
    """The smallest dtype for the ids of a vocabulary of `size` pieces."""
    return next(dtype for dtype in PIECE_DTYPES if size <= np.iinfo(dtype).max + 1)


class CorpusWriter:
    """Appends documents to the files of a corpus.

    Args:
        folder: An existing folder.
        dtype: Dtype of the ids.

    Raises:
        OSError: The files can't be written, here or later.
    """

    def __init__(self, folder: Path, *, dtype: str) -> None:
        self.counts = CorpusCounts()
        self._folder = folder
        self._dtype = dtype
        self._stack = ExitStack()
        self._pieces = self._stack.enter_context((folder / PIECES_FILE).open("wb"))
        self._documents = self._stack.enter_context((folder / DOCUMENTS_FILE).open("wb"))
        self._documents.write(np.zeros(1, START_DTYPE).tobytes())

    def __enter__(self) -> "CorpusWriter":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self._stack.close()

    def append(
        self, texts: Sequence[str], ids: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> None:
        """Append documents.

        Args:
            texts: Their texts, to be counted.
            ids: Their pieces, packed. *Shape:* `(lengths.sum(),)`.
            lengths: Number of pieces of each, at least one. *Shape:* `(texts,)`.
        """
        ends = self.counts.total_pieces + np.cumsum(lengths, dtype=np.int64)
        self._pieces.write(ids.astype(self._dtype).tobytes())
        self._documents.write(ends.astype(START_DTYPE).tobytes())
        self.counts += CorpusCounts(
            documents=len(texts),
            total_pieces=len(ids),
            words=sum(len(text.split()) for text in texts),
            text_bytes=sum(len(text.encode("utf-8", "replace")) for text in texts),
        )

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the metadata; no document can be appended afterwards.

        Args:
            facts: Metadata in addition to the dtype and the counts.
        """
        self._stack.close()
        srsly.write_json(
            self._folder / CORPUS_FILE,
            {"dtype": self._dtype, **asdict(self.counts), **facts},
        )
