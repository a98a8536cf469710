"""Probabilities of labels → tags of tokens."""

from collections.abc import Sequence

from spacy.tokens import Doc

from .units import UnitScores


def set_tags(docs: Sequence[Doc], scores: UnitScores, labels: Sequence[str]) -> None:
    """Give the tokens of every unit its likeliest label as tag; tokens in no unit keep theirs.

    Args:
        docs: The documents.
        scores: Of their units.
        labels: The labels in the order of the probabilities.
    """
    units = scores.units
    winners = scores.probabilities.argmax(1).tolist()
    first_tokens, end_tokens = units.first_tokens.tolist(), units.end_tokens.tolist()
    bounds = zip(units.cu_units[:-1].tolist(), units.cu_units[1:].tolist(), strict=True)
    for doc, (start, end) in zip(docs, bounds, strict=True):
        for unit in range(start, end):
            for token in range(first_tokens[unit], end_tokens[unit]):
                doc[token].tag_ = labels[winners[unit]]
