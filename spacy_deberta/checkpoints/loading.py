"""Filling a module with the weights of a checkpoint, and saying what did not fit."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from spacy_deberta.errors import Errors, Warnings, warn

from .keys import BACKBONE_PREFIX, KeyMap, describe_extra, with_backbone_prefix
from .layouts import detect_key_map
from .microsoft import refuse_first_generation
from .weights import Weights

# An error lists this many names and says how many more there are.
NAMES_SHOWN = 5


@dataclass(frozen=True)
class LoadReport:
    """What became of the names of a checkpoint.

    Attributes:
        layout: The layout that the file's names have.
        new: Parameters of a head that the checkpoint does not have, left for the caller to
            initialize.
        known_extras: What was left out although it is known: its description by its name in the
            file.
        unknown_extras: Names in the file that nobody knows.
    """

    layout: str
    new: tuple[str, ...]
    known_extras: Mapping[str, str]
    unknown_extras: tuple[str, ...]


def load_weights(
    module: torch.nn.Module, weights: Weights, *, source: str, key_map: KeyMap | None = None
) -> LoadReport:
    """Put the tensors of a checkpoint into a module, without copying those that fit as they are.

    Args:
        module: A module of `spacy_deberta.nn`; its parameters may be on the meta device.
        weights: Tensors by name, as `read_weights` gives them. Half precision becomes float32.
        source: The checkpoint's name, for messages.
        key_map: The file's layout, detected if not given.

    Returns:
        What was left over on either side.

    Raises:
        ValueError: Parameters of the backbone, or a part of a head, are missing (E306), or have
            other shapes than the config says or are no floating-point numbers (E307), or they are
            those of the first DeBERTa (E316).

    Source:
        Names of Hugging Face's `DebertaV2*` state dicts; the bare model's have no `deberta.`
        prefix.
    """
    refuse_first_generation(weights, source=source)
    key_map = key_map or detect_key_map(weights)
    available = {key_map.to_ours(key): key for key in weights}
    expected = module.state_dict()
    wanted = {with_backbone_prefix(key): key for key in expected}
    missing = [key for key in wanted if key not in available]
    new = _new_heads(missing, available)
    lacking = [key for key in missing if key not in new]
    if lacking:
        raise ValueError(Errors.E306.format(source=source, keys=list_names(lacking)))
    state = {wanted[key]: weights[available[key]] for key in wanted if key in available}
    _check_fit(state, expected, source=source)
    module.load_state_dict(
        {key: _as_float32(tensor) for key, tensor in state.items()}, strict=False, assign=True
    )
    extras = {key: describe_extra(key) for key in available if key not in wanted}
    unknown = tuple(available[key] for key, text in extras.items() if text is None)
    if unknown:
        # Seen from the caller of `from_pretrained`, which is three calls further up.
        warn(Warnings.W301.format(source=source, keys=list_names(unknown)), stacklevel=6)
    return LoadReport(
        layout=key_map.layout,
        new=tuple(wanted[key] for key in new),
        known_extras={available[key]: text for key, text in extras.items() if text is not None},
        unknown_extras=unknown,
    )


def _new_heads(missing: list[str], available: Mapping[str, str]) -> list[str]:
    """Missing names whose whole head is missing: such a head is new, not damaged."""
    present = {key.partition(".")[0] for key in available}
    return [
        key
        for key in missing
        if not key.startswith(BACKBONE_PREFIX) and key.partition(".")[0] not in present
    ]


def _check_fit(
    state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], *, source: str
) -> None:
    wrong = [
        f"{key} is {tuple(tensor.shape)}, not {tuple(expected[key].shape)}"
        for key, tensor in state.items()
        if tensor.shape != expected[key].shape
    ] + [
        f"{key} is {tensor.dtype}, not floating-point"
        for key, tensor in state.items()
        if expected[key].is_floating_point() and not tensor.is_floating_point()
    ]
    if wrong:
        raise ValueError(Errors.E307.format(source=source, shapes=list_names(wrong, sep="; ")))


def _as_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def list_names(names: list[str] | tuple[str, ...], *, sep: str = ", ") -> str:
    """The first names of a list, and how many more there are, for a message."""
    shown = sep.join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
