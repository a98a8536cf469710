"""Every text with every hypothesis, as pairs for an NLI checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors
from spacy_deberta.layers import PieceRanges, Sequences, encode_texts, join_sequences
from spacy_deberta.pipeline.windows import Windows
from spacy_deberta.tokenization import DebertaV2Tokenizer

PLACE = "{}"


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """What the candidate labels say of a text, in pieces.

    Attributes:
        template: A sentence with `{}` in the place of the label.
        labels: The candidate labels.
        tokenizer: What cut them into pieces.
        pieces: One run for each label.
    """

    template: str
    labels: tuple[str, ...]
    tokenizer: DebertaV2Tokenizer
    pieces: PieceRanges


def keep_or_make(
    kept: Hypotheses | None,
    tokenizer: DebertaV2Tokenizer,
    template: str,
    labels: tuple[str, ...],
) -> Hypotheses:
    """Put each label into the template, and cut the sentences into pieces, unless it is done.

    Args:
        kept: The hypotheses of the last time.
        tokenizer: That of the checkpoint.
        template: A sentence with `{}` in the place of the label.
        labels: The candidate labels.

    Raises:
        ValueError: There is not exactly one place for the label (E621), or no label (E622).
    """
    wanted = (template, labels, tokenizer)
    if kept is not None and (kept.template, kept.labels, kept.tokenizer) == wanted:
        return kept
    check_template(template)
    if not labels:
        raise ValueError(Errors.E622)
    sentences = [template.replace(PLACE, label) for label in labels]
    return Hypotheses(template, labels, tokenizer, encode_texts(tokenizer, sentences))


def check_template(template: str) -> None:
    """Refuse a template that has no place for the label, or several (E621)."""
    if not isinstance(template, str) or template.count(PLACE) != 1:
        raise ValueError(Errors.E621.format(template=template))


def make_pairs(
    hypotheses: Hypotheses, texts: Sequence[str], *, cutting: Windows
) -> tuple[Sequences, Ints]:
    """Put each text together with each hypothesis. Every text is cut into pieces once.

    Args:
        hypotheses: What is said of the texts.
        texts: The texts.
        cutting: How texts are cut that are too long beside a hypothesis; a hypothesis never is.

    Returns:
        The pairs, and for each of them `text * labels + label`, `(windows,)`.

    Raises:
        ValueError: A hypothesis leaves no room for a text (E623).
    """
    said = hypotheses.pieces
    labels = len(hypotheses.labels)
    rooms = cutting.room - said.lengths
    if int(rooms.min()) < 1:
        label = hypotheses.labels[int(rooms.argmin())]
        raise ValueError(
            Errors.E623.format(
                label=label, length=int(said.lengths.max()), max_length=cutting.max_length
            )
        )
    of_text = np.repeat(np.arange(len(texts), dtype=np.int64), labels)
    windows, pair_of_window = (
        encode_texts(hypotheses.tokenizer, texts)
        .take(of_text)
        .split(window=np.tile(rooms, len(texts)), overlap=cutting.overlap)
    )
    joined = join_sequences(hypotheses.tokenizer, windows, said.take(pair_of_window % labels))
    return joined.sequences, pair_of_window
