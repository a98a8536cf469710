"""Merging a LoRA into the weights of its base."""

import re
from collections.abc import Mapping

import torch

from spacy_deberta.checkpoints.names import list_names
from spacy_deberta.errors import Errors

from .adapters import AdapterFiles, refused_adapter
from .keys import with_backbone_prefix

# What PEFT puts around the names of the model that it wraps.
_WRAPPER = "base_model.model."
# What a name has where a module was wrapped, and the copy of it that was not trained.
_WRAPPED = re.compile(r"\.(base_layer|modules_to_save(\.default)?)(?=\.)")
_UNTRAINED = ".original_module."
_PART = re.compile(r"(?P<module>.+)\.lora_(?P<part>[AB])(\.default)?(?P<kind>\.weight|\.bias)?")
_EMBEDDING_PART = re.compile(r"(?P<module>.+)\.lora_embedding_(?P<part>[AB])(\.default)?")
# Transposed, the two of an embedding change places.
_TRANSPOSED = {"A": "B.weight", "B": "A.weight"}

Tensors = dict[str, torch.Tensor]


def split_adapter(weights: Mapping[str, torch.Tensor]) -> tuple[Tensors, dict[str, Tensors]]:
    """Sort the weights of an adapter.

    Args:
        weights: Tensors as the file names them.

    Returns:
        Whole parameters by our names, and for each module with a LoRA, by its name in the model
        that was wrapped, its tensors: "A.weight", "B.weight", and "B.bias" where it has one.
    """
    whole: Tensors = {}
    modules: dict[str, Tensors] = {}
    for key, tensor in weights.items():
        if _UNTRAINED in key:
            continue
        name = _WRAPPED.sub("", key.removeprefix(_WRAPPER))
        if match := _PART.fullmatch(name):
            part = match["part"] + (match["kind"] or ".weight")
            modules.setdefault(match["module"], {})[part] = tensor
        elif match := _EMBEDDING_PART.fullmatch(name):
            # An embedding has rows where a linear layer has columns.
            part, value = _TRANSPOSED[match["part"]], tensor.T if tensor.dim() == 2 else tensor
            modules.setdefault(match["module"], {})[part] = value
        else:
            whole[with_backbone_prefix(name)] = tensor
    return whole, modules


def merge_lora(
    base: Mapping[str, torch.Tensor], adapter: AdapterFiles, weights: Mapping[str, torch.Tensor]
) -> Tensors:
    """Add an adapter to its base.

    Args:
        base: The base's tensors by our names.
        adapter: The adapter.
        weights: Its tensors, as the file names them.

    Returns:
        The tensors of one model by our names: those that the adapter changes in float32, the others
        as they are in the base.

    Raises:
        ValueError: The adapter does not fit its base (E333), is no plain LoRA (E320), or its file
            has no LoRA (E346).

    Source:
        Hu et al. 2021 (arXiv 2106.09685): `W + B A alpha / r`; Kalajdzievski 2023 (arXiv
        2312.03732) for `use_rslora`: `alpha / sqrt(r)`.
    """
    whole, modules = split_adapter(weights)
    for key in whole:
        if ".lora_" in key:
            raise refused_adapter(f"a LoRA with '{key}'", name=adapter.name, base=adapter.base)
    if not modules:
        found = list_names(list(weights)) if weights else "nothing"
        raise ValueError(Errors.E346.format(path=adapter.weights, found=found))
    merged = {**base, **whole}
    for module, parts in modules.items():
        key = with_backbone_prefix(f"{module}.weight")
        if {"A.weight", "B.weight"} - parts.keys():
            raise _misfit(adapter, f"{module} has one of the two matrices of a LoRA, and not both")
        if key not in merged:
            raise _misfit(adapter, f"the base has no {key}")
        a, b = parts["A.weight"].float(), parts["B.weight"].float()
        rank = adapter.config.rank(module)
        if a.shape[:1] != (rank,) or b.shape[1:2] != (rank,):
            shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
            raise _misfit(adapter, f"{module} has a LoRA of {shapes}, but the rank {rank}")
        delta = _product(a, b)
        if delta is None or delta.shape != merged[key].shape:
            shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
            weights_shape = tuple(merged[key].shape)
            raise _misfit(adapter, f"{module} has a LoRA of {shapes}, but {weights_shape} weights")
        scale = adapter.config.scale(module)
        merged[key] = merged[key].float() + delta * scale
        if "B.bias" in parts:
            bias = key.removesuffix("weight") + "bias"
            if bias not in merged or merged[bias].shape != parts["B.bias"].shape:
                raise _misfit(adapter, f"the base has no {bias} as long as the adapter's")
            merged[bias] = merged[bias].float() + parts["B.bias"].float() * scale
    return merged


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor | None:
    """The change of a linear layer's weights, or of a convolution's; None if it is neither."""
    if a.dim() == b.dim() == 2:
        return b @ a
    if a.dim() == b.dim() == 3 and b.shape[2] == 1:
        return torch.einsum("or,rik->oik", b[..., 0], a)
    return None


def _misfit(adapter: AdapterFiles, reason: str) -> ValueError:
    return ValueError(Errors.E333.format(name=adapter.name, base=adapter.base, reason=reason))
