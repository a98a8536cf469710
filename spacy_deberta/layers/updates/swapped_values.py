"""Other values for parameters for a while, such as an optimizer's averages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from spacy_deberta.layers.device_arrays import array_to_device


@contextmanager
def swapped_values(
    parameters: Mapping[str, torch.nn.Parameter], values: Mapping[str, Any]
) -> Iterator[None]:
    """Swap in other values for some parameters, and put theirs back at the end.

    Args:
        parameters: The parameters by name.
        values: Arrays of thinc's backend, or tensors, of the shape of the parameter of that name.
    """
    kept = {name: parameters[name].data for name in values}
    for name, array in values.items():
        parameters[name].data = array_to_device(array, parameters[name].device)
    try:
        yield
    finally:
        for name, data in kept.items():
            parameters[name].data = data
