"""A tokenized corpus in files, which pretraining reads."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from spacy_deberta.errors import Errors, check_texts
from spacy_deberta.files import new_folder
from spacy_deberta.pretraining.checksums import SUMS_FILE, check_checksums, write_checksums
from spacy_deberta.pretraining.counter_random import uniform
from spacy_deberta.pretraining.failures import coded_failures
from spacy_deberta.tokenization import DebertaV2Tokenizer
from spacy_deberta.typed_json import parse_typed

from .corpus_writer import (
    CORPUS_FILE,
    DOCUMENTS_FILE,
    PIECE_DTYPES,
    PIECES_FILE,
    START_DTYPE,
    CorpusCounts,
    CorpusWriter,
    piece_dtype,
)

# The folder of the held-out documents, within that of the others.
HELD_OUT = "held_out"

# Maximum size of a batch of the tokenizer, which takes some megabytes.
_BATCH_CHARACTERS = 1_000_000
_BATCH_TEXTS = 20_000
_HELD_OUT_KEY = 0x68656C64


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """The metadata in `corpus.json`.

    Attributes:
        dtype: Dtype of `pieces_file`.
        total_pieces: Number of pieces of all documents.
        documents: Number of documents; none is empty.
        words: Number of whitespace-separated words.
        text_bytes: Size of the text as UTF-8.
        vocabulary_sha256: See `digest_vocabulary`.
        cls_token_id: The token before a sequence.
        sep_token_id: The token after a sequence.
    """

    dtype: str
    total_pieces: int
    documents: int
    words: int
    text_bytes: int
    vocabulary_sha256: str
    cls_token_id: int
    sep_token_id: int


_FACTS = TypeAdapter(CorpusFacts)


@dataclass(frozen=True, kw_only=True)
class EncodedCorpus(CorpusFacts):
    """Documents in pieces, without special tokens, packed in files.

    Attributes:
        folder: The folder of the files.
    """

    folder: Path

    @property
    def pieces_file(self) -> Path:
        """The ids of the pieces, of dtype `dtype`."""
        return self.folder / PIECES_FILE

    @property
    def documents_file(self) -> Path:
        """The start of each document and the end of the last one, int64."""
        return self.folder / DOCUMENTS_FILE

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "EncodedCorpus":
        """Open a corpus of `encode_corpus`.

        Args:
            folder: Its folder, or `HELD_OUT` within that.

        Returns:
            The corpus.

        Raises:
            ValueError: The folder is not a complete corpus (E709).
        """
        folder = Path(folder)
        try:
            facts = parse_typed((folder / CORPUS_FILE).read_bytes(), _FACTS)
            corpus = cls(folder=folder, **asdict(facts))
            corpus._check_files()
        except (OSError, ValueError) as error:
            raise ValueError(Errors.E709.format(folder=folder, error=error)) from error
        return corpus

    def _check_files(self) -> None:
        if self.dtype not in PIECE_DTYPES:
            raise ValueError(f"{CORPUS_FILE} has the dtype {self.dtype!r}")
        sizes = {
            self.pieces_file: self.total_pieces * np.dtype(self.dtype).itemsize,
            self.documents_file: (self.documents + 1) * np.dtype(START_DTYPE).itemsize,
        }
        for file, size in sizes.items():
            found = file.stat().st_size
            if found != size:
                raise ValueError(f"{file.name} has {found} bytes in place of {size}")


def check_corpora(folder: Path) -> None:
    """Verify the checksums of all files of `encode_corpus`.

    Args:
        folder: The folder.

    Raises:
        ValueError: A file is damaged (E709).
    """
    # A corpus without checksums was written by an earlier version.
    sums = folder / SUMS_FILE
    try:
        if sums.exists():
            check_checksums(sums)
    except (OSError, ValueError) as error:
        raise ValueError(Errors.E709.format(folder=folder, error=error)) from error


def open_corpora(folder: str | os.PathLike[str]) -> tuple[EncodedCorpus, EncodedCorpus | None]:
    """Open the training and the held-out corpus of `encode_corpus`.

    Args:
        folder: The folder.

    Returns:
        The training corpus, and the held-out corpus or None.

    Raises:
        ValueError: A folder is not a complete corpus (E709).
    """
    held_out = Path(folder) / HELD_OUT
    kept = EncodedCorpus.open(held_out) if held_out.exists() else None
    return EncodedCorpus.open(folder), kept


def digest_vocabulary(tokenizer: DebertaV2Tokenizer) -> str:
    """A digest that is the same for tokenizers that split text into the same pieces.

    Args:
        tokenizer: The tokenizer.

    Returns:
        The SHA-256 of `spm.model`, of the options that change a text before it is split, and of the
        tokens that were added to the vocabulary.
    """
    digest = hashlib.sha256(tokenizer.model_proto)
    for option in ("do_lower_case", "split_by_punct", "split_special_tokens"):
        if getattr(tokenizer, option):
            digest.update(option.encode())
    has_bytes = tokenizer.convert_tokens_to_ids("<0x00>") != tokenizer.unk_token_id
    if has_bytes and tokenizer.unknown_characters == "unk":
        digest.update(b"unknown_characters")
    for token in tokenizer.added_tokens.values():
        digest.update(repr(token).encode())
    return digest.hexdigest()


def encode_corpus(
    texts: Iterable[str],
    tokenizer: DebertaV2Tokenizer,
    folder: str | os.PathLike[str],
    *,
    held_out: float = 0.0,
    threads: int | None = None,
    progress: Callable[[CorpusCounts], None] | None = None,
) -> tuple[EncodedCorpus, EncodedCorpus | None]:
    """Tokenize documents into files. Memory does not grow with their number.

    Args:
        texts: The documents. Those without any piece are skipped.
        tokenizer: Splits them into pieces.
        folder: A new folder, or an empty one. It is written atomically.
        held_out: Share of the documents that is held out, in [0, 1). The choice depends on their
            indices only; the first is never held out.
        threads: Number of native threads; None for the tokenizer's default.
        progress: Called after every batch, with the counts so far.

    Returns:
        The training corpus, and the held-out corpus or None.

    Raises:
        ValueError: `held_out` is out of its range (E721), there is no text (E707), or
            just one string (E205).
        OSError: The folder is not empty (E318), can't be created (E312), or can't be written to
            (E710).
    """
    if not 0 <= held_out < 1:
        wanted = "from 0 up to, but without, 1"
        raise ValueError(Errors.E721.format(name="held_out", value=held_out, wanted=wanted))
    folder = Path(folder)

    def describe(reason: str) -> str:
        return Errors.E710.format(folder=folder, error=reason)

    with coded_failures(describe), new_folder(folder) as written:
        _write(texts, tokenizer, written, held_out=held_out, threads=threads, progress=progress)
    return open_corpora(folder)


def _write(
    texts: Iterable[str],
    tokenizer: DebertaV2Tokenizer,
    written: Path,
    *,
    held_out: float,
    threads: int | None,
    progress: Callable[[CorpusCounts], None] | None,
) -> None:
    """Write the files of both corpora into an empty folder."""
    dtype = piece_dtype(len(tokenizer))
    facts = {
        "vocabulary_sha256": digest_vocabulary(tokenizer),
        "cls_token_id": tokenizer.cls_token_id,
        "sep_token_id": tokenizer.sep_token_id,
    }
    apart = written / HELD_OUT
    apart.mkdir()
    with CorpusWriter(written, dtype=dtype) as train, CorpusWriter(apart, dtype=dtype) as kept:
        for batch in _batch(check_texts(texts)):
            ids, cu_pieces = tokenizer.encode_ids(batch, threads=threads)
            lengths = np.diff(cu_pieces)
            first = train.counts.documents + kept.counts.documents
            # Documents without pieces have no index.
            numbers = first + np.cumsum(lengths > 0) - 1
            chosen = (uniform(_HELD_OUT_KEY, numbers) < held_out) & (numbers > 0)
            for writer, rows in ((train, ~chosen), (kept, chosen)):
                own = rows & (lengths > 0)
                writer.append(
                    list(compress(batch, own)), ids[np.repeat(own, lengths)], lengths[own]
                )
            if progress is not None:
                progress(train.counts + kept.counts)
        if not train.counts.documents:
            raise ValueError(Errors.E707.format(where="the corpus"))
        train.finish(facts)
        kept.finish(facts)
    if not kept.counts.documents:
        shutil.rmtree(apart)
    files = [path for path in written.rglob("*") if path.is_file()]
    write_checksums(written / SUMS_FILE, sorted(files))


def _batch(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (characters + len(text) > _BATCH_CHARACTERS or len(batch) == _BATCH_TEXTS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
