"""Migrates a config, section by section. Any value in it may be a variable, or null."""

from collections.abc import Iterator
from typing import Any

from thinc.api import Config

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

from .changes import Change, Migration
from .encoders import is_deberta
from .leftovers import blocks, find_old_settings
from .names import (
    CURATED,
    DROPPED,
    ENCODERS,
    FACTORIES,
    LISTENERS,
    OURS,
    PIPE_SETTINGS,
    RENAMED,
    STOCK,
    WINDOWS,
)
from .references import get_section, is_set, resolve

ENGLISH_ENCODER = "microsoft/deberta-v3-base"
OTHER_ENCODER = "microsoft/mdeberta-v3-base"


def migrate(config: Config, *, encoder: str | None = None) -> Migration:
    """Migrate a config of another transformer package to our encoder.

    Args:
        config: The config, not interpolated. Blocks that don't name functions of spacy-transformers
            or spacy-curated-transformers are not changed, but for their settings that are left in
            blocks of ours.
        encoder: Checkpoint of all encoders. By default it is the one that the config names if that
            is a DeBERTa-v2 or v3, and otherwise one of base size for the language.

    Returns:
        The new config and its changes.
    """
    result = config.copy()
    changes: list[Change] = []
    lang = get_section(result, result.get("nlp"), "nlp").get("lang", "en")
    default = ENGLISH_ENCODER if resolve(result, lang) == "en" else OTHER_ENCODER
    place = "initialize.components"
    initialize = get_section(result, result.get("initialize"), "initialize")
    loaders = get_section(result, initialize.get("components"), place)
    components = get_section(result, result.get("components"), "components")
    for name, value in components.items():
        component = get_section(result, value, f"components.{name}")
        if resolve(result, component.get("factory")) in FACTORIES:
            changes += _migrate_component(
                result,
                component,
                f"components.{name}",
                get_section(result, loaders.get(name), f"{place}.{name}"),
            )
    for block_place, block, key in list(find_old_settings(result)):
        changes += _drop(block, key, block_place)
    unchecked: dict[str, str] = {}
    for block_place, block in blocks(result):
        changes += _migrate_block(
            config, block, block_place, encoder=encoder, default=default, unchecked=unchecked
        )
    for name, value in list(loaders.items()):
        settings = resolve(result, value)
        if not isinstance(settings, dict):
            continue
        for key in ("encoder_loader", "piecer_loader"):
            if key in settings:
                changes += _drop(settings, key, f"{place}.{name}")
        if not settings:
            del loaders[name]
    changes += _drop_unfreezing(result)
    return Migration(config=result, changes=tuple(changes), unchecked=unchecked)


def _migrate_component(
    config: Config, component: dict, place: str, loaders: dict
) -> Iterator[Change]:
    """Migrate the component with the encoder, and move the checkpoint's name to its model."""
    factory = resolve(config, component["factory"])
    yield Change(f"{place}.factory", f'"{factory}" is now "deberta"')
    is_curated = factory == "curated_transformer"
    component["factory"] = "deberta"
    name = f"{CURATED}DefaultTransformer.v1" if is_curated else f"{STOCK}TransformerModel.v3"
    model = get_section(config, component.get("model"), f"{place}.model")
    if not model:
        component["model"] = model = {"@architectures": name}
    if is_set(config, component.get("all_layer_outputs")):
        model["output_hidden_states"] = True
    if is_curated:
        value = loaders.get("encoder_loader")
        loader = get_section(config, value, f"initialize.{place}.encoder_loader")
        model.update({key: loader[key] for key in ("name", "revision") if key in loader})
    for key in PIPE_SETTINGS:
        if key in component:
            yield from _drop(component, key, place)


def _migrate_block(
    config: Config,
    block: dict,
    place: str,
    *,
    encoder: str | None,
    default: str,
    unchecked: dict[str, str],
) -> Iterator[Change]:
    """Migrate a block with a registered function. Variables are those of the original config."""
    for key, value in list(block.items()):
        name = resolve(config, value)
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
            yield from _migrate_encoder(
                config,
                block,
                place,
                name,
                encoder=encoder,
                default=default,
                unchecked=unchecked,
            )


def _migrate_encoder(
    config: Config,
    block: dict,
    place: str,
    architecture: str,
    *,
    encoder: str | None,
    default: str,
    unchecked: dict[str, str],
) -> Iterator[Change]:
    """Migrate the block of an encoder. Settings that our architecture lacks are dropped."""
    old = dict(block)
    block.clear()
    has_pooling = "Tok2Vec" in architecture
    ours = "DebertaV2Tok2Vec.v1" if has_pooling else "DebertaV2Model.v1"
    block["@architectures"] = f"{OURS}{ours}"
    yield Change(f"{place}.@architectures", f'"{architecture}" is now "{block["@architectures"]}"')
    checkpoint = _checkpoint(config, old.get("name"), f"{place}.name")
    is_known = checkpoint is not None and is_deberta(checkpoint)
    if encoder is not None:
        block["name"] = encoder
    elif checkpoint is None or is_known is False:
        block["name"] = default
    else:
        block["name"] = old["name"]
        if old.get("revision") is not None:
            block["revision"] = old["revision"]
        if is_known is None:
            unchecked[f"{place}.name"] = checkpoint
    if block["name"] not in (old.get("name"), checkpoint):
        was = "that of the loader" if checkpoint is None else f'"{checkpoint}"'
        yield Change(
            f"{place}.name", f'"{block["name"]}", not {was}: it has to be a DeBERTa-v2 or v3'
        )
    options = resolve(config, old.get("transformer_config"))
    hidden_states = options.get("output_hidden_states") if isinstance(options, dict) else None
    if is_set(config, hidden_states) or is_set(config, old.get("output_hidden_states")):
        block["output_hidden_states"] = True
    for key in ("pooling", "grad_factor"):
        if has_pooling and key in old:
            block[key] = old[key]
    block["get_spans"], change = _windows(config, old.get("get_spans"), f"{place}.get_spans")
    yield Change(f"{place}.get_spans", change)
    kept = {"@architectures", "name", "revision", "get_spans", "pooling", "grad_factor"}
    for key in sorted(old.keys() - kept - {"output_hidden_states"}):
        reason = DROPPED.get(key, "the encoder reads its sizes from the checkpoint")
        yield Change(f"{place}.{key}", f"dropped: {reason}")


def _checkpoint(config: Config, value: Any, place: str) -> str | None:
    """The name of a checkpoint; null where the config has none."""
    name = resolve(config, value)
    if name is not None and not isinstance(name, str):
        raise ValueError(
            Errors.E514.format(place=place, found=show(name), expected="a string or null")
        )
    return name


def _windows(config: Config, value: Any, place: str) -> tuple[dict | str, str]:
    """Windows over pieces, unless the config has sentence spans or a custom span getter."""
    spans = get_section(config, value, place)
    name = resolve(config, spans.get("@span_getters", f"{STOCK}strided_spans.v1"))
    ours = dict(WINDOWS)
    if name == f"{STOCK}strided_spans.v1":
        settings = {key: spans.get(key) for key in ("window", "stride")}
        was = ", ".join(f"{key} = {found}" for key, found in settings.items() if found is not None)
        found = f" ({was}, in tokens)" if was else ""
        return ours, (
            f"strided windows{found} are now windows of up to 510 pieces, which are fewer; "
            "lower 'window' to save memory"
        )
    if name == f"{STOCK}doc_spans.v1":
        return ours, "whole documents are now windows of up to 510 pieces; nothing is truncated"
    # The section that a variable refers to is migrated as one of its own.
    kept = value if isinstance(value, str) else dict(spans)
    if isinstance(name, str) and name in RENAMED:
        if isinstance(kept, dict):
            kept["@span_getters"] = RENAMED[name]
        return kept, f'"{name}" is now "{RENAMED[name]}"'
    return kept, f'"{name}" is kept; its spans are cut where they are too long'


def _drop(block: dict, key: str, place: str) -> Iterator[Change]:
    del block[key]
    yield Change(f"{place}.{key}", f"dropped: {DROPPED[key]}")


def _drop_unfreezing(config: Config) -> Iterator[Change]:
    training = get_section(config, config.get("training"), "training")
    callback = resolve(config, training.get("before_update"))
    name = callback.get("@callbacks") if isinstance(callback, dict) else None
    if str(resolve(config, name)).startswith(CURATED):
        training["before_update"] = None
        yield Change("training.before_update", "dropped: 'freeze_layers' of the model is fixed")
