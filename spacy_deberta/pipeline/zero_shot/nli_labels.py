"""The outputs of an NLI checkpoint for entailment and contradiction."""

from collections.abc import Sequence

import numpy as np
import torch

from spacy_deberta.arrays import Array
from spacy_deberta.errors import Errors

# The labels of a new head, in an order that Hugging Face's zero-shot pipeline supports, too.
NLI_LABELS = ("contradiction", "neutral", "entailment")


def find_entailment(labels: Sequence[str], chosen: str | None, *, component: str) -> int:
    """Find the output for entailment.

    Args:
        labels: The labels of the checkpoint.
        chosen: The setting `entailment_label`; None for the label that starts with "entail".
        component: Name of the component, for messages.

    Raises:
        ValueError: There is none, or there are several (E620).

    Source:
        `entailment_id` of Hugging Face's `ZeroShotClassificationPipeline`.
    """
    return _find(labels, chosen, "entailment", component=component)


def find_contradiction(labels: Sequence[str], chosen: str | None, *, component: str) -> int:
    """Find the output for contradiction.

    Args:
        labels: The labels of the checkpoint. If there are only two, such as "entailment" and
            "not_entailment", it is the one that is not entailment.
        chosen: The setting `contradiction_label`; None for the label that starts with "contra".
        component: Name of the component, for messages.

    Raises:
        ValueError: There is none, or there are several (E620).
    """
    others = [label for label in labels if not _starts(label, "entailment")]
    if chosen is None and len(labels) == 2 and len(others) == 1:
        return labels.index(others[0])
    return _find(labels, chosen, "contradiction", component=component)


def scores_of_candidates(
    entailment: torch.Tensor, contradiction: torch.Tensor | None = None
) -> Array:
    """Turn the logits of hypotheses into scores of their labels.

    Args:
        entailment: The logits of entailment, `(texts, labels)`, float32.
        contradiction: The logits of contradiction, if each label has an independent score.

    Returns:
        `(texts, labels)`, float32. Without contradiction, the scores of a text sum to 1.

    Source:
        `postprocess` of Hugging Face's `ZeroShotClassificationPipeline`.
    """
    if contradiction is None:
        return np.asarray(entailment.softmax(-1))
    return np.asarray((entailment - contradiction).sigmoid())


def _find(labels: Sequence[str], chosen: str | None, wanted: str, *, component: str) -> int:
    if chosen is None:
        found = [index for index, label in enumerate(labels) if _starts(label, wanted)]
        prefix = wanted[:6]
        reason = f"{'several start' if found else 'none starts'} with '{prefix}'"
    else:
        found = [index for index, label in enumerate(labels) if label == chosen]
        reason = f"there is no '{chosen}'"
    if len(found) != 1:
        raise ValueError(
            Errors.E620.format(
                component=component, wanted=wanted, reason=reason, found=", ".join(labels)
            )
        )
    return found[0]


def _starts(label: str, wanted: str) -> bool:
    return label.lower().startswith(wanted[:6])
