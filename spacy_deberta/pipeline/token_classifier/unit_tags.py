"""Probabilities of labels → tags of tokens."""

from collections.abc import Sequence

from spacy.tokens import Doc

from .units import UnitScores


def set_tags(docs: Sequence[Doc], scores: UnitScores, labels: Sequence[str]) -> None:
    """Tag the tokens of every unit with its most probable label; other tokens keep their tag.

    Args:
        docs: The documents.
        scores: The scores of their units.
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
