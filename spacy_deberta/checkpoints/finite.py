"""Numbers that are not finite: what is computed from them is not a number."""

from collections.abc import Mapping

import torch

from spacy_deberta.errors import Errors

from .names import list_names


def check_finite(weights: Mapping[str, torch.Tensor], *, source: str) -> None:
    """Raise if there are numbers that are not finite.

    Args:
        weights: Tensors by name.
        source: The checkpoint's name, for messages.

    Raises:
        ValueError: There are (E328).
    """
    wrong = find_non_finite(weights)
    if wrong:
        raise ValueError(Errors.E328.format(source=source, keys=list_names(wrong)))


def find_non_finite(weights: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """The names of tensors with numbers that are not finite."""
    return tuple(key for key, tensor in weights.items() if not is_finite(tensor))


@torch.no_grad()
def is_finite(tensor: torch.Tensor) -> bool:
    """Whether all numbers of a tensor are finite."""
    if not tensor.is_floating_point():
        return True
    # No sum with NaN or infinity is finite. One that is not finite may have overflowed.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())
