"""Checks of the tensors that users give to models."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from spacy_deberta.errors import Errors


def check_tensors(batch: Mapping[str, Any]) -> None:
    """Check that the inputs of a model are tensors, and that ids are integers.

    Args:
        batch: The inputs by name; None for those that are not given. Those whose names end with
            "_ids" have to be of an integer dtype, unless they are empty, and "inputs_embeds" of a
            floating-point dtype; the others may be of any.

    Raises:
        ValueError: One is not a tensor, such as a list, or has another dtype (E413).
    """
    for name, values in batch.items():
        if values is None:
            continue
        whole = name.endswith("_ids")
        if not isinstance(values, Tensor):
            found = f"of type {type(values).__name__}"
        elif (whole and not _is_whole(values)) or (
            name == "inputs_embeds" and not values.is_floating_point()
        ):
            found = f"a tensor of {values.dtype}"
        else:
            continue
        kind = " of integers" if whole else ""
        if name == "inputs_embeds":
            kind = " of floating-point numbers"
        raise ValueError(Errors.E413.format(name=name, value=found, condition=f"a tensor{kind}"))


def _is_whole(values: Tensor) -> bool:
    # PyTorch makes float32 of an empty list.
    if not values.numel():
        return True
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)
