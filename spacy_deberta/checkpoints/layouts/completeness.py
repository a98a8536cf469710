"""What the config of an adapter lists, and its file lacks."""

import re
from collections.abc import Collection, Mapping

import torch

from .adapters import AdapterConfig
from .keys import BACKBONE_PREFIX, with_backbone_prefix

# The parameters of heads, by the name that 'modules_to_save' gives them.
_HEADS = {
    "pooler": ("pooler.dense.weight", "pooler.dense.bias"),
    "classifier": ("classifier.weight", "classifier.bias"),
    "qa_outputs": ("qa_outputs.weight", "qa_outputs.bias"),
}
# PEFT adds names that some classes have to those of its users: only these are in a model.
_HEADS_OF = {
    "DebertaV2ForSequenceClassification": ("pooler", "classifier"),
    "DebertaV2ForTokenClassification": ("classifier",),
    "DebertaV2ForQuestionAnswering": ("qa_outputs",),
    "DebertaV2Model": (),
}
_LAYER = re.compile(r"\.layer\.(\d{1,9})\.")


def lacking_parameters(
    config: AdapterConfig,
    base: Mapping[str, torch.Tensor],
    *,
    whole: Collection[str],
    modules: Collection[str],
) -> list[str]:
    """The parameters that an adapter has changed by its config, but not by its file.

    Args:
        config: Its config. 'target_modules' that are a pattern, and not a list, are not compared.
        base: The base's tensors by our names.
        whole: The parameters that the file has as a whole, by our names.
        modules: The modules with a LoRA in the file, by their names in the model that was wrapped.

    Returns:
        Our names, those of the base first.

    Source:
        `check_target_module_exists` of PEFT 0.21.2.
    """
    saved = set(config.modules_to_save or ())
    backbone = [key for key in base if key.startswith(BACKBONE_PREFIX)]
    kept_whole = {key for key in backbone if any(_is_in(key, name) for name in saved)}
    heads = _HEADS_OF.get(config.architecture or "", tuple(_HEADS))
    kept_whole.update(key for name in heads if name in saved for key in _HEADS[name])
    targets = {
        key
        for key in backbone
        if key.endswith(".weight") and base[key].dim() > 1 and _is_target(config, key)
    }
    changed = {with_backbone_prefix(f"{module}.weight") for module in modules}
    return [
        *(key for key in backbone if key in targets - kept_whole - changed - set(whole)),
        *sorted(kept_whole - set(whole)),
    ]


def _is_in(key: str, module: str) -> bool:
    return f".{module}." in f".{key}"


def _is_target(config: AdapterConfig, key: str) -> bool:
    targets, excluded = config.target_modules, config.exclude_modules or ()
    # A pattern from elsewhere may ask for a search that never ends.
    if not isinstance(targets, list) or isinstance(excluded, str):
        return False
    module = key.removesuffix(".weight")
    if _ends_with(module, excluded) or not _ends_with(module, targets):
        return False
    layers = config.layers_to_transform
    if layers is None:
        return True
    layer = _LAYER.search(module)
    chosen = [layers] if isinstance(layers, int) else layers
    return layer is not None and int(layer[1]) in chosen


def _ends_with(module: str, names: Collection[str]) -> bool:
    return any(f".{module}".endswith(f".{name}") for name in names)
