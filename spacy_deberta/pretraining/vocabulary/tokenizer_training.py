"""Train a tokenizer on texts, and measure it on held-out texts."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy_deberta.errors import Errors, check_texts
from spacy_deberta.files import new_folder, staged_folder
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary

from .vocabulary_report import VocabularyReport, measure_vocabulary

HELD_OUT_EVERY = 100
SAMPLE_CHARACTERS = 1_000_000

# The minimum of SentencePiece.
_MIN_COVERAGE = 0.98


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenizerTraining:
    """A trained tokenizer, and its measurements.

    Attributes:
        folder: Its folder.
        tokenizer: The tokenizer.
        sample: The texts that it was measured on.
        held_out: Whether they were held out; False if there were too few texts for that.
        report: The measurements.
    """

    folder: Path
    tokenizer: DebertaV2Tokenizer
    sample: tuple[str, ...]
    held_out: bool
    report: VocabularyReport


def train_tokenizer(
    texts: Iterable[str],
    folder: str | os.PathLike[str],
    *,
    vocab_size: int = 32_000,
    byte_fallback: bool = True,
    character_coverage: float = 0.9995,
    max_lines: int | None = None,
    seed: int = 0,
    do_lower_case: bool = False,
    all_texts: bool = False,
    overwrite: bool = False,
) -> TokenizerTraining:
    """Train a tokenizer, write its folder and measure it.

    Every hundredth text is held out and measured on, up to a million characters in total. With
    `all_texts`, or too few texts for that, it is measured on the first million characters of the
    training texts.

    Args:
        texts: The corpus, read once.
        folder: The folder to write: a new one, or an empty one, unless `overwrite` is true. It is
            written atomically.
        vocab_size: Number of pieces. `[MASK]` is added to them.
        byte_fallback: Whether characters without a piece are encoded as bytes, as in v3.
        character_coverage: Share of the corpus's characters that have a piece, 0.98 to 1.
        max_lines: Number of lines of the training sample; None for all.
        seed: Of the sample.
        do_lower_case: Whether the tokenizer lowercases texts, training texts included.
        all_texts: Whether to train on all texts, and hold out none.
        overwrite: Whether the files of an earlier tokenizer are replaced.

    Returns:
        The tokenizer with its measurements.

    Raises:
        OSError: The folder is not empty (E318), or can't be created (E312).
        ValueError: A setting is out of its range (E740), the texts are one string (E205), or
            they do not fit `vocab_size` (E210, E211, E219).
    """
    _check("vocab_size", vocab_size, vocab_size >= 1, "1 or more")
    _check("max_lines", max_lines, max_lines is None or max_lines >= 1, "1 or more")
    covers = _MIN_COVERAGE <= character_coverage <= 1
    _check("character_coverage", character_coverage, covers, f"{_MIN_COVERAGE} to 1")
    target = Path(folder).expanduser()
    sample = _Sample(holds_out=not all_texts)
    corpus = sample.take_from(check_texts(texts))
    with (staged_folder if overwrite else new_folder)(target) as written:
        vocabulary = train_vocabulary(
            (text.lower() for text in corpus) if do_lower_case else corpus,
            written / "spm.model",
            vocab_size=vocab_size,
            byte_fallback=byte_fallback,
            character_coverage=character_coverage,
            max_lines=max_lines,
            seed=seed,
        )
        tokenizer = DebertaV2Tokenizer(vocabulary, do_lower_case=do_lower_case)
        tokenizer.save_pretrained(written)
        chosen = tuple(sample.held_out or sample.first)
        report = measure_vocabulary(tokenizer, chosen)
    return TokenizerTraining(
        folder=target,
        tokenizer=tokenizer,
        sample=chosen,
        held_out=bool(sample.held_out),
        report=report,
    )


class _Sample:
    """The texts to measure on, chosen while the corpus is streamed."""

    def __init__(self, *, holds_out: bool) -> None:
        self._holds_out = holds_out
        self.held_out: list[str] = []
        self.first: list[str] = []

    def take_from(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts that are not held out."""
        filled = (text for text in texts if text.strip())
        room = room_of_first = SAMPLE_CHARACTERS
        for number, text in enumerate(filled, start=1):
            chosen = self._holds_out and number % HELD_OUT_EVERY == 0
            if chosen and len(text) <= room:
                self.held_out.append(text)
                self.first.clear()
                room -= len(text)
                continue
            if not self.held_out and room_of_first:
                self.first.append(text[:room_of_first])
                room_of_first -= len(self.first[-1])
            yield text


def _check(name: str, value: float | None, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(Errors.E740.format(name=name, value=value, wanted=wanted))
