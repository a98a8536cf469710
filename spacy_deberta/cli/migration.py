"""Configs of spacy-transformers and spacy-curated-transformers → configs for our encoder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thinc.api import Config

STOCK = "spacy-transformers."
CURATED = "spacy-curated-transformers."
OURS = "spacy-deberta."

ENGLISH_ENCODER = "microsoft/deberta-v3-base"
OTHER_ENCODER = "microsoft/mdeberta-v3-base"
# Names of checkpoints of other families, including the first version of DeBERTa.
OTHER_FAMILY = re.compile(
    r"^(?!.*deberta)(.*/)?[\w.-]*(bert|electra|xlnet|gpt|t5|longformer|albert|bart|mpnet)[\w.-]*$"
    r"|^(microsoft/)?deberta-(base|large|xlarge)(-mnli)?$",
    re.IGNORECASE,
)

# Registered functions that have the same arguments here.
RENAMED = {
    **{f"{STOCK}{name}": f"{OURS}{name}" for name in ("TransformerListener.v1",)},
    f"{STOCK}null_annotation_setter.v1": f"{OURS}null_annotation_setter.v1",
    **{f"{STOCK}{name}.v1": f"{OURS}{name}.v1" for name in ("sent_spans", "doc_spans")},
    f"{STOCK}strided_spans.v1": f"{OURS}strided_spans.v1",
}
LISTENERS = {
    f"{CURATED}LastTransformerLayerListener.v1": {"width"},
    f"{CURATED}ScalarWeightingListener.v1": {"width", "weighting"},
    f"{CURATED}TransformerLayersListener.v1": {"width", "layers"},
}
ENCODERS = re.compile(
    rf"{re.escape(STOCK)}(?P<stock>TransformerModel|Tok2VecTransformer)\.v\d"
    rf"|{re.escape(CURATED)}\w+Transformer\.v\d"
)
FACTORIES = ("transformer", "curated_transformer")
WINDOWS = {"@span_getters": f"{OURS}piece_windows.v1", "window": 510, "overlap": 64}

# Settings without an equivalent, and the reasons for dropping them.
DROPPED = {
    "max_batch_items": "'max_batch_pieces' of the model limits memory, in training too",
    "tokenizer_config": "the tokenizer reads the 'tokenizer_config.json' of the checkpoint",
    "transformer_config": "the encoder reads the 'config.json' of the checkpoint; of these "
    "settings only 'output_hidden_states' is one of the model",
    "mixed_precision": "'precision' is \"auto\" by default: bf16 where the hardware is fast at "
    'it; set it to "fp32" to compute in float32 everywhere',
    "grad_scaler_config": "gradients are scaled with 'precision = \"fp16\"' only, by fixed rules",
    "frozen": "list the component in 'frozen_components' and 'annotating_components' of [training]",
    "all_layer_outputs": "it is 'output_hidden_states' of the model; listeners read the last layer",
    "width": "the listener takes it from the encoder",
    "weighting": "listeners read the last layer",
    "layers": "listeners read the last layer",
    "with_spans": "windows are counted in pieces, which is 'get_spans'",
    "piece_encoder": "the tokenizer comes with the checkpoint",
    "encoder_loader": "'name' of the model is where weights and vocabulary come from",
    "piecer_loader": "'name' of the model is where weights and vocabulary come from",
}


@dataclass(frozen=True)
class Change:
    """One change of a config.

    Attributes:
        place: Dotted name of the section or setting.
        what: The change and its reason.
    """

    place: str
    what: str


@dataclass(frozen=True)
class Migration:
    """A config for our encoder.

    Attributes:
        config: The new config. The original is not modified.
        changes: The changes, in the order of the config.
    """

    config: Config
    changes: tuple[Change, ...]


def migrate(config: Config, *, encoder: str | None = None) -> Migration:
    """Migrate a config of another transformer package to our encoder.

    Args:
        config: The config, not interpolated. Blocks that don't name functions of spacy-transformers
            or spacy-curated-transformers are not changed.
        encoder: Checkpoint of all encoders. By default it is the one that the config names if that
            is a DeBERTa-v2 or v3, and otherwise one of base size for the language.

    Returns:
        The new config and its changes.
    """
    result = config.copy()
    changes: list[Change] = []
    lang = result.get("nlp", {}).get("lang", "en")
    default = ENGLISH_ENCODER if lang == "en" else OTHER_ENCODER
    loaders = result.get("initialize", {}).get("components", {})
    for name, component in result.get("components", {}).items():
        if component.get("factory") in FACTORIES:
            place = f"components.{name}"
            changes += _migrate_component(component, place, loaders.get(name, {}))
    for place, block in _blocks(result):
        changes += _migrate_block(block, place, encoder=encoder, default=default)
    for name, settings in list(loaders.items()):
        for key in ("encoder_loader", "piecer_loader"):
            if key in settings:
                changes += _drop(settings, key, f"initialize.components.{name}")
        if not settings:
            del loaders[name]
    changes += _drop_unfreezing(result)
    return Migration(config=result, changes=tuple(changes))


def _migrate_component(component: dict, place: str, loaders: dict) -> Iterator[Change]:
    """Migrate the component with the encoder, and move the checkpoint's name to its model."""
    yield Change(f"{place}.factory", f'"{component["factory"]}" is now "deberta"')
    is_curated = component["factory"] == "curated_transformer"
    component["factory"] = "deberta"
    name = f"{CURATED}DefaultTransformer.v1" if is_curated else f"{STOCK}TransformerModel.v3"
    model = component.setdefault("model", {"@architectures": name})
    if component.get("all_layer_outputs"):
        model["output_hidden_states"] = True
    if is_curated:
        loader = loaders.get("encoder_loader", {})
        model.update({key: loader[key] for key in ("name", "revision") if key in loader})
    for key in ("max_batch_items", "frozen", "all_layer_outputs"):
        if key in component:
            yield from _drop(component, key, place)


def _migrate_block(
    block: dict, place: str, *, encoder: str | None, default: str
) -> Iterator[Change]:
    """Migrate a block with a registered function."""
    for key, name in list(block.items()):
        if not key.startswith("@") or not isinstance(name, str):
            continue
        if name in RENAMED:
            block[key] = RENAMED[name]
            yield Change(f"{place}.{key}", f'"{name}" is now "{block[key]}"')
        elif name in LISTENERS:
            block[key] = f"{OURS}TransformerListener.v1"
            yield Change(f"{place}.{key}", f'"{name}" is now "{block[key]}"')
            for setting in sorted(LISTENERS[name] & block.keys()):
                yield from _drop(block, setting, place)
        elif ENCODERS.fullmatch(name):
            yield from _migrate_encoder(block, place, name, encoder=encoder, default=default)


def _migrate_encoder(
    block: dict, place: str, name: str, *, encoder: str | None, default: str
) -> Iterator[Change]:
    """Migrate the block of an encoder. Settings that our architecture lacks are dropped."""
    old = dict(block)
    block.clear()
    has_pooling = "Tok2Vec" in name
    architecture = "DebertaV2Tok2Vec.v1" if has_pooling else "DebertaV2Model.v1"
    block["@architectures"] = f"{OURS}{architecture}"
    yield Change(f"{place}.@architectures", f'"{name}" is now "{block["@architectures"]}"')
    checkpoint = old.get("name")
    if encoder is not None:
        block["name"] = encoder
    elif checkpoint is None or OTHER_FAMILY.match(str(checkpoint)):
        block["name"] = default
    else:
        block["name"] = checkpoint
        if old.get("revision") is not None:
            block["revision"] = old["revision"]
    if block["name"] != checkpoint:
        was = "that of the loader" if checkpoint is None else f'"{checkpoint}"'
        yield Change(
            f"{place}.name", f'"{block["name"]}", not {was}: it has to be a DeBERTa-v2 or v3'
        )
    hidden_states = old.get("transformer_config", {}).get("output_hidden_states")
    if hidden_states or old.get("output_hidden_states"):
        block["output_hidden_states"] = True
    for key in ("pooling", "grad_factor"):
        if has_pooling and key in old:
            block[key] = old[key]
    block["get_spans"], change = _windows(old.get("get_spans"))
    yield Change(f"{place}.get_spans", change)
    kept = {"@architectures", "name", "revision", "get_spans", "pooling", "grad_factor"}
    for key in sorted(old.keys() - kept - {"output_hidden_states"}):
        reason = DROPPED.get(key, "the encoder reads its sizes from the checkpoint")
        yield Change(f"{place}.{key}", f"dropped: {reason}")


def _windows(spans: dict | None) -> tuple[dict, str]:
    """Windows over pieces, unless the config has sentence spans or a custom span getter."""
    name = (spans or {}).get("@span_getters", f"{STOCK}strided_spans.v1")
    ours = dict(WINDOWS)
    if name == f"{STOCK}strided_spans.v1":
        settings = {key: (spans or {}).get(key) for key in ("window", "stride")}
        was = ", ".join(f"{key} = {value}" for key, value in settings.items() if value is not None)
        found = f" ({was}, in tokens)" if was else ""
        return ours, (
            f"strided windows{found} are now windows of up to 510 pieces, which are fewer; "
            "lower 'window' to save memory"
        )
    if name == f"{STOCK}doc_spans.v1":
        return ours, "whole documents are now windows of up to 510 pieces; nothing is truncated"
    kept: dict[str, Any] = dict(spans or {})
    if name in RENAMED:
        kept["@span_getters"] = RENAMED[name]
        return kept, f'"{name}" is now "{RENAMED[name]}"'
    return kept, f'"{name}" is kept; its spans are cut where they are too long'


def _drop(block: dict, key: str, place: str) -> Iterator[Change]:
    del block[key]
    yield Change(f"{place}.{key}", f"dropped: {DROPPED[key]}")


def _drop_unfreezing(config: Config) -> Iterator[Change]:
    callback = config.get("training", {}).get("before_update")
    if isinstance(callback, dict) and str(callback.get("@callbacks")).startswith(CURATED):
        config["training"]["before_update"] = None
        yield Change("training.before_update", "dropped: 'freeze_layers' of the model is fixed")


def _blocks(config: Any, place: str = "") -> Iterator[tuple[str, dict]]:
    """Names and contents of all sections with a registered function."""
    if not isinstance(config, dict):
        return
    if any(key.startswith("@") for key in config):
        yield place, config
    for key, value in config.items():
        yield from _blocks(value, f"{place}.{key}" if place else key)
