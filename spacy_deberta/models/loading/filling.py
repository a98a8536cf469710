"""Loading a checkpoint's tensors into a module, with a report of mismatches."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch

from spacy_deberta.checkpoints import (
    BACKBONE_PREFIX,
    MIN_MAPPED_BYTES,
    KeyMap,
    Weights,
    detect_key_map,
    find_mapped_file,
    list_names,
    refuse_first_generation,
    refuse_without_encoder,
    with_backbone_prefix,
)
from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.nn import DebertaV2Config

from .extras import describe_extra
from .weights_guard import guard_weights

_LAYER = re.compile(
    rf"{re.escape(BACKBONE_PREFIX)}encoder\.layer\.(?P<layer>\d{{1,9}})\.(?P<name>.+)"
)


@dataclass(frozen=True)
class LoadReport:
    """Report on the parameters of a checkpoint.

    Attributes:
        layout: Layout of the parameter names.
        new: Parameters of a head missing from the checkpoint, for the caller to initialize.
        known_extras: Descriptions of known parameters that were not loaded, by their names in the
            checkpoint.
        unknown_extras: Unknown names in the checkpoint.
    """

    layout: str
    new: tuple[str, ...]
    known_extras: Mapping[str, str]
    unknown_extras: tuple[str, ...]


def load_weights(
    module: torch.nn.Module,
    weights: Weights,
    *,
    source: str,
    key_map: KeyMap | None = None,
    map_weights: bool = True,
    allow_non_finite: bool = False,
    release: bool = False,
    overridden: Collection[str] = (),
) -> LoadReport:
    """Load a checkpoint's tensors into a module, copying only where needed.

    Tensors mapped from a file below `MIN_MAPPED_BYTES` are copied. Tensors that stay mapped are
    guarded, see `WeightsGuard`.

    Args:
        module: A module of `spacy_deberta.models`; its parameters may be on the meta device.
        weights: Tensors by name, as `read_weights` gives them. They become float32, or what the
            module's parameter has, see `nn.load_in`.
        source: The checkpoint's name, for messages.
        key_map: The checkpoint's layout, detected by default.
        map_weights: Whether weights of large files stay memory-mapped; False copies them.
        allow_non_finite: Whether to accept non-finite values.
        release: Whether to empty `weights`, so that each of several files goes as soon as what it
            holds has been converted.
        overridden: Overridden fields of the config, for messages.

    Returns:
        New parameters, and extras that were not loaded.

    Raises:
        ValueError: Parameters of the backbone, or a part of a head, are missing (E306); have
            other shapes than in the config, or are not dense and floating-point (E307); belong to
            the first DeBERTa (E316); or are not finite (E328).

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
        raise missing_parameters(lacking, source=source, overridden=overridden)
    state = {wanted[key]: weights[available[key]] for key in wanted if key in available}
    _check_fit(state, expected, source=source, overridden=overridden)
    if release:
        weights.clear()
    state = _to_module(state, expected, map_weights=map_weights)
    module.load_state_dict(state, strict=False, assign=True)
    guard_weights(module, state, source=source, allow_non_finite=allow_non_finite)
    extras = {key: describe_extra(key) for key in available if key not in wanted}
    unknown = tuple(available[key] for key, text in extras.items() if text is None)
    if unknown:
        # Attributed to the caller of `from_pretrained`, three frames further up.
        warn(Warnings.W301.format(source=source, keys=list_names(unknown)), stacklevel=6)
    return LoadReport(
        layout=key_map.layout,
        new=tuple(wanted[key] for key in new),
        known_extras={available[key]: text for key, text in extras.items() if text is not None},
        unknown_extras=unknown,
    )


def release_mapping(module: torch.nn.Module) -> None:
    """Copy all that is still mapped from a file, so that the file is unmapped."""
    for tensor in (*module.parameters(), *module.buffers()):
        if find_mapped_file(tensor) is not None:
            tensor.data = tensor.data.clone()


def check_layers(
    weights: Weights, config: DebertaV2Config, *, source: str, overridden: Collection[str] = ()
) -> None:
    """Compare the number of layers with a checkpoint's names, before any layer is built.

    Args:
        weights: Tensors by name, as `read_weights` gives them.
        config: Has the number of layers.
        source: The checkpoint's name, for messages.
        overridden: Overridden fields of the config, for messages.

    Raises:
        ValueError: A layer of the config is missing (E306), or the parameters belong to the first
            DeBERTa (E316) or to no encoder at all (E339).
    """
    refuse_first_generation(weights, source=source)
    key_map = detect_key_map(weights)
    refuse_without_encoder(map(key_map.to_ours, weights), source=source)
    found: dict[int, list[str]] = {}
    for match in map(_LAYER.match, map(key_map.to_ours, weights)):
        if match:
            found.setdefault(int(match["layer"]), []).append(match["name"])
    lacking = [
        f"{BACKBONE_PREFIX}encoder.layer.{layer}.{name}"
        for layer in range(config.num_hidden_layers)
        if found and layer not in found
        for name in found[min(found)]
    ]
    if lacking:
        raise missing_parameters(lacking, source=source, overridden=overridden)


def _new_heads(missing: list[str], available: Mapping[str, str]) -> list[str]:
    """Missing names whose whole head is missing: such a head is new, not damaged."""
    present = {key.partition(".")[0] for key in available}
    return [
        key
        for key in missing
        if not key.startswith(BACKBONE_PREFIX) and key.partition(".")[0] not in present
    ]


def _check_fit(
    state: Mapping[str, torch.Tensor],
    expected: Mapping[str, torch.Tensor],
    *,
    source: str,
    overridden: Collection[str],
) -> None:
    wrong = (
        [
            f"{key} is {tuple(tensor.shape)}, not {tuple(expected[key].shape)}"
            for key, tensor in state.items()
            if tensor.shape != expected[key].shape
        ]
        + [
            f"{key} is {tensor.dtype}, not floating-point"
            for key, tensor in state.items()
            if expected[key].is_floating_point() and not tensor.is_floating_point()
        ]
        + [
            f"{key} is {tensor.layout} on the device {tensor.device}, not dense and in memory"
            for key, tensor in state.items()
            if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized
        ]
    )
    if wrong:
        hint = _override_hint(overridden) or "Use the config.json that belongs to these weights."
        shapes = list_names(wrong, sep="; ")
        raise ValueError(Errors.E307.format(source=source, shapes=shapes, hint=hint))


def missing_parameters(
    names: list[str], *, source: str, overridden: Collection[str] = ()
) -> ValueError:
    """Make the error for missing parameters (E306).

    Args:
        names: Their names.
        source: The checkpoint's name.
        overridden: Overridden fields of the config.
    """
    hint = _override_hint(overridden) or (
        "It was made for another config or is damaged; compare its config.json with "
        "`spacy deberta info`."
    )
    return ValueError(Errors.E306.format(source=source, keys=list_names(names), hint=hint))


def _override_hint(overridden: Collection[str]) -> str:
    """Hint for overridden fields, the likely cause of a mismatch; empty without any."""
    if not overridden:
        return ""
    fields = ", ".join(f"'{name}'" for name in overridden)
    return (
        f"The config differs from the checkpoint's own in {fields}, set by 'config_overrides' or "
        "[model.config]: a checkpoint's weights have the shapes that they have, so leave out what "
        "changes them."
    )


def _to_module(
    state: Weights, expected: Mapping[str, torch.Tensor], *, map_weights: bool
) -> Weights:
    """Convert tensors for a module: to its dtypes, each in its own memory or mapped.

    Empties `state`, file by file: a file is unmapped with the last tensor that refers to it.
    """
    names = list(state)
    converted: Weights = {}
    shared = _find_shared(state)
    for key in _by_file(state):
        tensor = state.pop(key)
        values = tensor.to(_dtype(expected[key])) if tensor.is_floating_point() else tensor
        file = find_mapped_file(values)
        is_mapped = file is not None and map_weights and file.size >= MIN_MAPPED_BYTES
        if values is tensor and (key in shared or (file is not None and not is_mapped)):
            values = tensor.clone()
        converted[key] = values
    return {key: converted[key] for key in names}


def _dtype(parameter: torch.Tensor) -> torch.dtype:
    return parameter.dtype if parameter.dtype == torch.bfloat16 else torch.float32


def _by_file(state: Weights) -> list[str]:
    """Names of tensors, those of one file after another."""
    files: dict[int, list[str]] = {}
    for key, tensor in state.items():
        files.setdefault(id(find_mapped_file(tensor)), []).append(key)
    return [key for keys in files.values() for key in keys]


def _find_shared(state: Mapping[str, torch.Tensor]) -> set[str]:
    """Names of tensors whose memory overlaps another one's: training would change both."""
    shared: set[str] = set()
    spans = sorted(
        (tensor.data_ptr(), tensor.data_ptr() + _extent(tensor), key)
        for key, tensor in state.items()
        if tensor.numel()
    )
    end = 0
    for start, stop, key in spans:
        if start < end:
            shared.add(key)
        end = max(end, stop)
    return shared


def _extent(tensor: torch.Tensor) -> int:
    """Bytes from the first element of a tensor to the end of its last one."""
    steps = zip(tensor.stride(), tensor.shape, strict=True)
    return tensor.itemsize * (1 + sum(step * (count - 1) for step, count in steps))
