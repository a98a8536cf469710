"""Scores of `deberta_multiple_choice`."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.training import Example


def make_multiple_choice_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer `spacy-deberta.multiple_choice_scorer.v1`.

    RETURNS (Callable[..., dict[str, Any]]): The scoring method.

    DOCS: docs/api/multiple_choice.md#multiple_choice_scorer
    """
    return score_choices


def score_choices(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score `doc._.chosen`.

    Args:
        examples: Predicted and gold documents.
        kwargs: Settings of the component.

    Returns:
        `choice_acc`, the accuracy on the documents with a right choice; None if there are none.
    """
    examples = [example for example in examples if example.reference._.right_choice is not None]
    if not examples:
        return {"choice_acc": None}
    right = sum(
        (example.predicted._.chosen or {}).get("index") == example.reference._.right_choice
        for example in examples
    )
    return {"choice_acc": right / len(examples)}
