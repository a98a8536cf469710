"""The config of a checkpoint, read and changed."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.typed_json import JsonError, read_json

from .names import list_names
from .parameters import adapt_config
from .source import CheckpointFiles

LABEL_FIELDS = ("num_labels", "id2label", "label2id")


def read_config(files: CheckpointFiles) -> DebertaV2Config:
    """Read `config.json` of a checkpoint, or its equivalent in another layout.

    Raises:
        ValueError: It is not JSON (E308), or no config of a DeBERTa-v2 (E101 to E107); the message
            names the file.
    """
    try:
        values = read_json(files.config)
        if files.adapter is not None:
            values = adapt_config(values, files.adapter)
    except JsonError as error:
        raise ValueError(Errors.E308.format(path=files.config, error=error)) from error
    code = values.get("auto_map")
    if isinstance(code, Mapping) and code:
        warn(Warnings.W304.format(name=files.name, classes=list_names([*map(str, code)])))
    try:
        config = DebertaV2Config.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{error} The file is {files.config}.") from error
    _check_label_numbers(config, name=files.name)
    return config


def override_config(config: DebertaV2Config, overrides: Mapping[str, Any]) -> DebertaV2Config:
    """The same config with other values for some fields.

    Args:
        config: The config of a checkpoint.
        overrides: Values by field. Labels replace each other: a new number of them drops the old
            names, and new names the old number.

    Raises:
        ValueError: There are no such fields (E313), or no such values.
    """
    known = {field.name for field in fields(config) if field.name != "extra"}
    unknown = set(overrides) - known
    if unknown:
        raise ValueError(Errors.E313.format(unknown=", ".join(sorted(unknown))))
    values = config.to_dict()
    if not overrides.keys().isdisjoint(LABEL_FIELDS):
        values = {key: value for key, value in values.items() if key not in LABEL_FIELDS}
    changed = DebertaV2Config.from_dict({**values, **overrides})
    if not overrides.keys().isdisjoint(LABEL_FIELDS):
        _check_label_numbers(changed, name="config_overrides")
    return changed


def _check_label_numbers(config: DebertaV2Config, *, name: str) -> None:
    """Warn of names that may be given to the outputs of other classes (W306, W307)."""
    numbers = sorted(config.id2label)
    if numbers != list(range(len(numbers))):
        shown = list_names([*map(str, numbers)])
        warn(Warnings.W306.format(name=name, numbers=shown, last=len(numbers) - 1), stacklevel=4)
    names = {label: number for number, label in config.id2label.items()}
    other = [
        label for label, number in config.label2id.items() if names.get(label, number) != number
    ]
    if other:
        shown = list_names([repr(label) for label in other])
        warn(Warnings.W307.format(name=name, labels=shown), stacklevel=4)
