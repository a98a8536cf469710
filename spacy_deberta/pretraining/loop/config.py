"""Read the config of a pretraining."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any

import spacy
from confection import Config
from spacy.language import Language
from spacy.util import load_config, registry

from spacy_deberta.errors import Errors
from spacy_deberta.models import ModelSource
from spacy_deberta.pretraining.building import ObjectiveBuilder
from spacy_deberta.pretraining.corpus.prepared_corpora import Reader
from spacy_deberta.pretraining.settings import OptimizerSettings, PretrainingSettings

_SECTIONS = ("nlp", "corpora", "model", "pretraining")
_NESTED = ("objective", "optimizer", "logger")
# Settings that may change when a run is resumed: they affect neither weights nor data order.
_FREE = (
    "paths.",
    "system.",
    "pretraining.logger.",
    "pretraining.micro_batch_pieces",
    "pretraining.gradient_checkpointing",
    "pretraining.attention",
    "pretraining.precision",
    "pretraining.eval_every",
    "pretraining.eval_pieces",
    "pretraining.save_every",
    "pretraining.keep",
    "pretraining.log_every",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class PretrainingConfig:
    """A resolved config.

    Attributes:
        nlp: A blank pipeline, for readers that need one.
        train: Reads the training text.
        dev: Reads the evaluation text; None to hold out some of the training documents.
        source: The source of the models.
        objective: Builds the objective.
        settings: Steps, batch sizes and intervals.
        optimizer: Settings of the optimizers.
        logger: One of spaCy's or of spacy-loggers; None for none.
    """

    nlp: Language
    train: Reader
    dev: Reader | None
    source: ModelSource
    objective: ObjectiveBuilder
    settings: PretrainingSettings
    optimizer: OptimizerSettings
    logger: Callable[..., Any] | None


def resolve_config(config: Config) -> PretrainingConfig:
    """Resolve a config.

    Args:
        config: From `spacy.util.load_config`.

    Returns:
        The resolved config.

    Raises:
        ValueError: A section is missing (E728), a setting is unknown (E729), or a value is invalid
            (E720, E721).
        confection.ConfigValidationError: A registered function has other arguments.
    """
    config = config.interpolate()
    for section in _SECTIONS:
        if section not in config:
            raise ValueError(Errors.E728.format(section=section))
    pretraining = config["pretraining"]
    if "objective" not in pretraining:
        raise ValueError(Errors.E728.format(section="pretraining.objective"))
    readers = registry.resolve({"train": config["corpora"].get("train")})
    dev = config["corpora"].get("dev")
    logger = pretraining.get("logger")
    values = {key: value for key, value in pretraining.items() if key not in _NESTED}
    settings = _make(PretrainingSettings, values, section="pretraining")
    source = {"attention": settings.attention, **config["model"]}
    return PretrainingConfig(
        nlp=spacy.blank(config["nlp"].get("lang", "xx")),
        train=readers["train"],
        dev=None if dev is None else registry.resolve({"dev": dev})["dev"],
        source=_make(ModelSource, source, section="model"),
        objective=registry.resolve({"objective": pretraining["objective"]})["objective"],
        settings=settings,
        optimizer=_make(
            OptimizerSettings, pretraining.get("optimizer", {}), section="pretraining.optimizer"
        ),
        logger=None if logger is None else registry.resolve({"logger": logger})["logger"],
    )


def changed_keys(path: Path, new: Config) -> list[str]:
    """List the changed settings that must not change when a run is resumed.

    Args:
        path: The config of the run.
        new: The config to resume it with.

    Returns:
        Their dotted names.

    Raises:
        ValueError: The config of the run is damaged (E738).
    """
    try:
        old = load_config(path, interpolate=False).interpolate()
        if "pretraining" not in old:
            raise ValueError("it has no [pretraining]")
    # The type of the error depends on the position of the damage.
    except Exception as error:
        raise ValueError(Errors.E738.format(path=path, error=error)) from error
    before, after = (dict(_flatten(config)) for config in (old, new.interpolate()))
    names = sorted(before.keys() | after.keys())
    return [
        name
        for name in names
        if before.get(name) != after.get(name) and not f"{name}.".startswith(_FREE)
    ]


def _make(kind: Any, values: Mapping[str, Any], *, section: str) -> Any:
    known = {item.name for item in fields(kind) if item.metadata.get("in_config", True)}
    required = {item.name for item in fields(kind) if _is_required(item)}
    for name in sorted(values.keys() - known):
        raise ValueError(
            Errors.E729.format(name=name, section=section, known=", ".join(sorted(known)))
        )
    for name in sorted(required - values.keys()):
        raise ValueError(Errors.E728.format(section=f"{section}.{name}"))
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(Errors.E730.format(section=section, error=error)) from error


def _is_required(item: Field) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
