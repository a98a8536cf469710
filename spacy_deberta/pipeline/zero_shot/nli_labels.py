"""Which outputs of an NLI checkpoint stand for entailment and for contradiction."""

from collections.abc import Sequence

import numpy as np
import torch

from spacy_deberta.arrays import Array
from spacy_deberta.errors import Errors

# Of a new head; Hugging Face's zero-shot pipeline, too, finds its labels in this order.
NLI_LABELS = ("contradiction", "neutral", "entailment")


def find_entailment(labels: Sequence[str], chosen: str | None, *, component: str) -> int:
    """Find the output that says how much a text entails a hypothesis.

    Args:
        labels: The labels of the checkpoint.
        chosen: The setting `entailment_label`; None for the label that starts with "entail".
        component: The name of the component, for messages.

    Raises:
        ValueError: There is none, or there are several (E620).

    Source:
        `entailment_id` of Hugging Face's `ZeroShotClassificationPipeline`.
    """
    return _find(labels, chosen, "entailment", component=component)


def find_contradiction(labels: Sequence[str], chosen: str | None, *, component: str) -> int:
    """Find the output that says how much a text contradicts a hypothesis.

    Args:
        labels: The labels of the checkpoint. Where there are only two, such as "entailment" and
            "not_entailment", it is the one that is not entailment.
        chosen: The setting `contradiction_label`; None for the label that starts with "contra".
        component: The name of the component, for messages.

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
    """Turn what an NLI checkpoint says of hypotheses into scores of their labels.

    Args:
        entailment: Its output for entailment, `(texts, labels)`, float32.
        contradiction: The same for contradiction, if each label is true or false by itself.

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
