"""Pairs of every text with every hypothesis, as input of an NLI checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors
from spacy_deberta.layers import PieceRanges, Sequences, encode_texts, join_sequences
from spacy_deberta.pipeline.windows import Windows
from spacy_deberta.tokenization import DebertaV2Tokenizer

PLACEHOLDER = "{}"


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """The encoded hypotheses of the candidate labels.

    Attributes:
        template: A sentence with `{}` in the place of the label.
        labels: The candidate labels.
        tokenizer: The tokenizer of the pieces.
        pieces: One range of pieces for each label.
    """

    template: str
    labels: tuple[str, ...]
    tokenizer: DebertaV2Tokenizer
    pieces: PieceRanges


def encode_hypotheses(
    kept: Hypotheses | None,
    tokenizer: DebertaV2Tokenizer,
    template: str,
    labels: tuple[str, ...],
) -> Hypotheses:
    """Insert each label into the template, and encode the sentences, unless they are cached.

    Args:
        kept: The cached hypotheses.
        tokenizer: The tokenizer of the checkpoint.
        template: A sentence with `{}` in the place of the label.
        labels: The candidate labels.

    Raises:
        ValueError: There is not exactly one placeholder (E621), or no label (E622).
    """
    wanted = (template, labels, tokenizer)
    if kept is not None and (kept.template, kept.labels, kept.tokenizer) == wanted:
        return kept
    check_template(template)
    if not labels:
        raise ValueError(Errors.E622)
    sentences = [template.replace(PLACEHOLDER, label) for label in labels]
    return Hypotheses(template, labels, tokenizer, encode_texts(tokenizer, sentences))


def check_template(template: str) -> None:
    """Check that a template has exactly one placeholder for the label (E621)."""
    if not isinstance(template, str) or template.count(PLACEHOLDER) != 1:
        raise ValueError(Errors.E621.format(template=template))


def make_pairs(
    hypotheses: Hypotheses, texts: Sequence[str], *, windows: Windows
) -> tuple[Sequences, Ints]:
    """Pair each text with each hypothesis. Every text is tokenized once.

    Args:
        hypotheses: The hypotheses.
        texts: The texts.
        windows: The windows of texts that are too long beside a hypothesis.

    Returns:
        The pairs, and for each of them `text * labels + label`, `(windows,)`.

    Raises:
        ValueError: A hypothesis leaves no room for a text (E623).
    """
    said = hypotheses.pieces
    labels = len(hypotheses.labels)
    max_pieces = windows.max_pieces - said.lengths
    if int(max_pieces.min()) < 1:
        label = hypotheses.labels[int(max_pieces.argmin())]
        raise ValueError(
            Errors.E623.format(
                label=label, length=int(said.lengths.max()), max_length=windows.max_length
            )
        )
    of_text = np.repeat(np.arange(len(texts), dtype=np.int64), labels)
    ranges, pair_of_window = (
        encode_texts(hypotheses.tokenizer, texts)
        .take(of_text)
        .split(window=np.tile(max_pieces, len(texts)), overlap=windows.overlap)
    )
    joined = join_sequences(hypotheses.tokenizer, ranges, said.take(pair_of_window % labels))
    return joined.sequences, pair_of_window
