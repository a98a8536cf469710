"""Training of a vocabulary with the layout of DeBERTa-v3's."""

import io
import os
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sentencepiece

from spacy_deberta.errors import Errors, check_texts
from spacy_deberta.files import write_atomically

# SentencePiece skips longer lines silently. Its default, 4192, is shorter than many paragraphs.
_MAX_LINE_BYTES = 1 << 20

# Counts are summed by thread, so that the result depends on the number of threads. A fixed number
# makes a vocabulary the same on every machine.
_THREADS = 16


def train_vocabulary(
    texts: Iterable[str],
    path: str | os.PathLike[str],
    *,
    vocab_size: int,
    byte_fallback: bool = True,
    character_coverage: float = 0.9995,
    max_lines: int | None = None,
    seed: int = 0,
) -> Path:
    """Train a SentencePiece unigram model with the layout of DeBERTa-v3's.

    The pieces 0 to 3 are [PAD], [CLS], [SEP] and [UNK], then come the 256 bytes; text is
    normalized by nmt_nfkc. The same texts, options and release of sentencepiece give the same file.

    Args:
        texts: The corpus, read once; a line of a text is a sentence. It is never written to disk.
        path: The file to write, usually "spm.model". It is written atomically.
        vocab_size: Number of pieces.
        byte_fallback: Whether characters without a piece are spelled in bytes, as in v3.
        character_coverage: Share of the characters of the corpus that get a piece.
        max_lines: Number of lines of a sample to train on; None for all.
        seed: Seed of the sample.

    Returns:
        `path`.

    Raises:
        ValueError: The corpus is one string (E205), has too few different words for `vocab_size`
            (E210) or too many characters (E219), or SentencePiece fails for another reason (E211).

    Source: Kudo 2018 (arXiv 1804.10959); Kudo and Richardson 2018 (arXiv 1808.06226).
    """
    model = io.BytesIO()
    options: dict[str, Any] = {
        "model_type": "unigram",
        "vocab_size": vocab_size,
        "byte_fallback": byte_fallback,
        "character_coverage": character_coverage,
        "normalization_rule_name": "nmt_nfkc",
        "add_dummy_prefix": True,
        "remove_extra_whitespaces": True,
        "pad_id": 0,
        "bos_id": 1,
        "eos_id": 2,
        "unk_id": 3,
        "pad_piece": "[PAD]",
        "bos_piece": "[CLS]",
        "eos_piece": "[SEP]",
        "unk_piece": "[UNK]",
        "max_sentence_length": _MAX_LINE_BYTES,
        "num_threads": _THREADS,
        "minloglevel": 2,
    }
    corpus = _Corpus(check_texts(texts))
    lines = iter(corpus) if max_lines is None else iter(_sample(corpus, max_lines, seed))
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_writer=model, **options
        )
    except (RuntimeError, OSError, SystemError) as error:
        if corpus.failure is None:
            raise ValueError(_explain(str(error), vocab_size)) from error
    if corpus.failure is not None:
        raise corpus.failure
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, model.getvalue())
    return target


class _Corpus:
    """The lines of texts, and the exception that reading them raised.

    SentencePiece turns an exception of its iterator into a `RuntimeError` with a text, older
    releases into a `SystemError`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.failure: Exception | None = None
        self._texts = texts

    def __iter__(self) -> Iterator[str]:
        try:
            for text in self._texts:
                # A line break within a sentence would count as a character, and NUL would end it.
                lines = text.replace("\0", " ").splitlines()
                yield from (line for line in lines if line.strip())
        except Exception as error:
            self.failure = error
            raise


def _sample(lines: Iterable[str], count: int, seed: int) -> list[str]:
    """Draw a uniform sample of lines in one pass, and keep their order.

    SentencePiece can do that too, but its seed is global to the process.

    Source: Vitter 1985, Random Sampling with a Reservoir, algorithm R.
    """
    rng = random.Random(seed)
    chosen: list[tuple[int, str]] = []
    for i, line in enumerate(lines):
        if i < count:
            chosen.append((i, line))
        elif (place := rng.randrange(i + 1)) < count:
            chosen[place] = (i, line)
    return [line for _, line in sorted(chosen)]


def _explain(message: str, vocab_size: int) -> str:
    if needed := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return Errors.E219.format(vocab_size=vocab_size, needed=needed[1])
    largest = re.search(r"Please set it to a value <= (\d+)", message)
    if largest is None and "sentences_.empty()" not in message:
        return Errors.E211.format(error=message)
    hint = f"They are enough for {largest[1]}." if largest else "There is no line of text."
    return Errors.E210.format(vocab_size=vocab_size, hint=hint)
