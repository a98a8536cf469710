"""The corpora of a run: encoded at the start, reused when it is resumed."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_deberta.distributed import Processes
from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.files import remove_unfinished
from spacy_deberta.pretraining.clock import Clock
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .corpus_writer import CorpusCounts
from .encoded_corpus import (
    EncodedCorpus,
    check_corpora,
    digest_vocabulary,
    encode_corpus,
    open_corpora,
)
from .readers import document_texts

_TRAIN, _DEV = "train", "dev"

Reader = Callable[[Language], Iterable[Any]]


def prepare_corpora(
    folder: Path,
    *,
    train: Reader,
    dev: Reader | None,
    held_out: float,
    nlp: Language,
    tokenizer: DebertaV2Tokenizer,
    processes: Processes,
    announce: Callable[[str], None],
) -> tuple[EncodedCorpus, EncodedCorpus | None]:
    """Encode texts into a folder, or open the corpora that were encoded there before.

    Rank 0 encodes, or verifies the checksums of an existing corpus. The other ranks wait. Then the
    first rank of every other machine does the same, because that machine may have its own files.

    Args:
        folder: The folder of the corpora.
        train: Reads the training text.
        dev: Reads the evaluation text; None to hold out some of the training text.
        held_out: Share of the documents to hold out then.
        nlp: Argument of the readers.
        tokenizer: The vocabulary.
        processes: The processes of the training.
        announce: Called with messages of the progress.

    Returns:
        The training corpus, and the evaluation corpus or None.

    Raises:
        ValueError: The corpus in the folder has another vocabulary (E733), or is damaged (E709); or
            see `encode_corpus` and `read_texts`.
        OSError: See `encode_corpus`.
    """
    readers = {_TRAIN: (train, 0.0 if dev is not None else held_out)}
    if dev is not None:
        readers[_DEV] = (dev, 0.0)

    def encode() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (reader, apart) in readers.items():
            if (folder / name).exists():
                check_corpora(folder / name)
                continue
            remove_unfinished(folder)
            progress = _EncodingProgress(name, announce)
            texts = document_texts(reader, nlp)
            encode_corpus(texts, tokenizer, folder / name, held_out=apart, progress=progress)
            progress.finish()

    if processes.is_first:
        encode()
    processes.wait()
    if processes.local_rank == 0 and not processes.is_first:
        encode()
    processes.wait()
    found, kept = open_corpora(folder / _TRAIN)
    if dev is not None:
        kept, _ = open_corpora(folder / _DEV)
    if kept is None and held_out and processes.is_first:
        warn(Warnings.W701.format(documents=found.documents, held_out=held_out))
    for corpus in (found, kept):
        if corpus is not None and corpus.vocabulary_sha256 != digest_vocabulary(tokenizer):
            raise ValueError(Errors.E733.format(folder=corpus.folder))
    return found, kept


class _EncodingProgress:
    """Reports the progress every ten seconds."""

    def __init__(self, name: str, announce: Callable[[str], None]) -> None:
        self._name = name
        self._announce = announce
        self._counts: CorpusCounts | None = None
        self._clock = Clock()

    def __call__(self, counts: CorpusCounts) -> None:
        self._counts = counts
        if self._clock.is_due():
            self._say("so far")

    def finish(self) -> None:
        """Report the total."""
        self._say("in all")

    def _say(self, how: str) -> None:
        if self._counts is not None:
            self._announce(
                f"Encoded the corpus '{self._name}': {self._counts.documents:,} documents, "
                f"{self._counts.total_pieces:,} pieces {how}"
            )
