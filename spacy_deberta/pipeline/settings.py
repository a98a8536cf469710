"""Settings of components: a frozen dataclass for each, and `component.cfg`, as spaCy saves it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

SettingsT = TypeVar("SettingsT")


def read_settings(kind: type[SettingsT], cfg: Mapping[str, Any]) -> SettingsT:
    """Make the settings of a component from its `cfg`, which users may have changed.

    Args:
        kind: A frozen dataclass that checks its values.
        cfg: The values by name. Other keys are ignored; missing ones have their default.

    Returns:
        The settings.

    Raises:
        ValueError: A value has the wrong type or is out of range (E413, or another code).
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: cfg[name] for name in names if name in cfg})


def to_cfg(settings: Any) -> dict[str, Any]:
    """Make the `cfg` of a component from its settings, as JSON values.

    Args:
        settings: An instance of a frozen dataclass.

    Returns:
        The values by name.
    """
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: _as_json(value) for name, value in values.items()}


def default_config(settings: Any, *, head: str, scorer: str | None = None) -> dict[str, Any]:
    """Make the default config of a factory.

    Args:
        settings: An instance with the default settings. Those with the metadata `saved_only`, which
            are not in configs, are left out.
        head: The head of the model.
        scorer: The registered name of the scorer; None if the component has its own scoring.

    Returns:
        The settings, `scorer` and `model`.
    """
    internal = [field.name for field in fields(settings) if field.metadata.get("saved_only")]
    config = {name: value for name, value in to_cfg(settings).items() if name not in internal}
    if scorer is not None:
        config["scorer"] = {"@scorers": scorer}
    config["model"] = {"@architectures": "spacy-deberta.DebertaV2WithHead.v1", "head": head}
    return config


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.item() if isinstance(value, np.generic) else value
