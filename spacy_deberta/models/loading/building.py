"""Building and loading a module from a checkpoint, without a second copy of the weights."""

from collections.abc import Collection
from typing import Any, TypeVar

import torch

from spacy_deberta import nn
from spacy_deberta.checkpoints import (
    BACKBONE_PREFIX,
    CheckpointFiles,
    Weights,
    check_finite,
    dequantize_weights,
    detect_key_map,
    int8_names,
    read_parameters,
)
from spacy_deberta.errors import Warnings, check_flag, warn

from .filling import check_layers, load_weights, missing_parameters, release_mapping
from .weights_guard import guard_weights

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)


def build_from_checkpoint(
    module_class: type[ModuleT],
    files: CheckpointFiles,
    config: nn.DebertaV2Config,
    *,
    map_weights: bool = True,
    allow_non_finite: bool = False,
    load_precision: str = "fp32",
    keep_int8: bool = False,
    overridden: Collection[str] = (),
    **options: Any,
) -> ModuleT:
    """Build a module and load a checkpoint into it, without a second copy of the weights.

    Args:
        module_class: A class of `spacy_deberta.models` that is built from a config.
        files: The checkpoint's files, with weights.
        config: Its config, possibly with overrides that keep the shapes.
        map_weights: Whether weights of large files stay memory-mapped, see `load_weights`.
        allow_non_finite: Whether to accept non-finite values.
        load_precision: `"fp32"`, `"bf16"` for half the memory, see `nn.load_in`, or `"int8"`, see
            `nn.hold_in_int8`.
        keep_int8: Whether weights that are stored in int8 stay so, whatever the load precision is.
        overridden: The overridden fields, for messages.
        options: Further keyword arguments of `module_class`.

    Returns:
        The module in evaluation mode, on the CPU. A head missing from the checkpoint is
        initialized. While it loads, there is never more than one of the files beside it in memory.

    Raises:
        ImportError: The weights are in TensorFlow's format and `h5py` is not installed (E315).
        OSError: A weight file is damaged or unusable (E305, E327, E330).
        ValueError: The weights do not match the module (E306, E307), belong to the first DeBERTa
            (E316), or are not finite (E328); or a flag is not a boolean (E413).
    """
    check_flag("map_weights", map_weights)
    check_flag("allow_non_finite", allow_non_finite)
    weights = read_parameters(files, quantized=True)
    return build_from_weights(
        module_class,
        weights,
        config,
        source=files.name,
        map_weights=map_weights,
        allow_non_finite=allow_non_finite,
        load_precision=load_precision,
        keep_int8=keep_int8,
        release=True,
        overridden=overridden,
        **options,
    )


def build_from_weights(
    module_class: type[ModuleT],
    weights: Weights,
    config: nn.DebertaV2Config,
    *,
    source: str,
    new_head: bool = False,
    map_weights: bool = True,
    allow_non_finite: bool = False,
    load_precision: str = "fp32",
    keep_int8: bool = False,
    release: bool = False,
    overridden: Collection[str] = (),
    **options: Any,
) -> ModuleT:
    """Build a module and load a checkpoint's tensors into it, without copying them.

    Args:
        module_class: A class of `spacy_deberta.models` that is built from a config.
        weights: Tensors by name, as `read_parameters` gives them.
        config: The config.
        source: The checkpoint's name, for messages.
        new_head: Whether to ignore the checkpoint's head and initialize a new one.
        map_weights: Whether weights of large files stay memory-mapped, see `load_weights`.
        allow_non_finite: Whether to accept non-finite values.
        load_precision: As for `build_from_checkpoint`.
        keep_int8: Likewise.
        release: Whether to empty `weights`, see `load_weights`.
        overridden: Overridden fields of the config, for messages.
        options: Further keyword arguments of `module_class`.

    Returns:
        The module in evaluation mode, on the CPU. A head missing from the checkpoint is
        initialized.

    Raises:
        ValueError: The weights do not match the module (E306, E307), belong to the first DeBERTa
            (E316), are not finite (E328), or memory for a new head is lacking (E126).
    """
    if new_head:
        key_map = detect_key_map(weights)
        encoder = {
            key: tensor
            for key, tensor in weights.items()
            if key_map.to_ours(key).startswith(BACKBONE_PREFIX)
        }
        if release:
            weights.clear()
        weights = encoder
    stored = int8_names(weights)
    if stored and not (keep_int8 or load_precision == "int8"):
        warn(Warnings.W311.format(source=source), stacklevel=5)
        weights, stored, release = dequantize_weights(weights), set(), True
    check_layers(weights, config, source=source, overridden=overridden)
    with nn.meta_device():
        module = module_class(
            config, **{**_layout_options(module_class, weights, config), **options}
        )
    backbone: Any = getattr(module, BACKBONE_PREFIX.rstrip("."), module)
    to_quantize = load_precision == "int8" and not stored
    if stored:
        to_ours, prefix = detect_key_map(weights).to_ours, f"{BACKBONE_PREFIX}encoder."
        nn.expect_int8(
            backbone.embeddings,
            backbone.encoder,
            {to_ours(f"{name}.weight").removeprefix(prefix)[: -len(".weight")] for name in stored},
        )
    else:
        nn.load_in(backbone.embeddings, backbone.encoder, load_precision)
    report = load_weights(
        module,
        weights,
        source=source,
        map_weights=map_weights,
        # Quantization refuses weights that are not finite, and reads all of them.
        allow_non_finite=allow_non_finite or to_quantize,
        release=release,
        overridden=overridden,
    )
    new = set(report.new)
    nn.check_memory(sum(p.numel() for name, p in module.named_parameters() if name in new))
    # In module order, so that a seed always gives the same weights.
    for name in dict.fromkeys(name.partition(".")[0] for name in report.new):
        head = module.get_submodule(name).to_empty(device="cpu").float()
        nn.init_weights(head, config)
    if to_quantize:
        backbone.hold_in_int8()
        release_mapping(module)
        if not allow_non_finite:
            check_finite(module.state_dict(), source=source)
    return module.eval()


def build_head_from_weights(
    module_class: type[ModuleT],
    weights: Weights,
    config: nn.DebertaV2Config,
    *,
    source: str,
    allow_non_finite: bool = False,
    **options: Any,
) -> ModuleT:
    """Build a module and load its head only; the encoder stays on the meta device.

    Args:
        module_class: A class of `spacy_deberta.models` with a head.
        weights: The parameters of the head, by our names.
        config: The config.
        source: Where the weights come from, for messages.
        allow_non_finite: Whether to accept non-finite values.
        options: Further keyword arguments of `module_class`.

    Returns:
        The module in evaluation mode. Its `deberta` is on the meta device.

    Raises:
        ValueError: Parameters of the head are missing (E306), or are not finite (E328).
    """
    with nn.meta_device():
        module = module_class(
            config, **{**_layout_options(module_class, weights, config), **options}
        )
    head = {key: tensor.float() for key, tensor in weights.items()}
    missing = module.load_state_dict(head, strict=False, assign=True).missing_keys
    lacking = [key for key in missing if not key.startswith(BACKBONE_PREFIX)]
    if lacking:
        raise missing_parameters(lacking, source=source)
    guard_weights(module, head, source=source, allow_non_finite=allow_non_finite)
    return module.eval()


def _layout_options(
    module_class: Any, weights: Weights, config: nn.DebertaV2Config
) -> dict[str, Any]:
    """Constructor options that follow from a checkpoint's parameter names."""
    key_map = detect_key_map(weights)
    return module_class.layout_options(map(key_map.to_ours, weights), config)
