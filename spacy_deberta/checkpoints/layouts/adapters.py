"""Adapters of PEFT, such as LoRA: differences from a checkpoint, which are refused."""

from pathlib import Path

from spacy_deberta.checkpoints.repository.opening import Repository
from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import (
    FieldError,
    JsonError,
    Schema,
    check_fields,
    read_json,
    shorten,
)

# What PEFT writes in place of a checkpoint: the difference from one.
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")


class AdapterConfig(Schema):
    """An `adapter_config.json` of PEFT."""

    base_model_name_or_path: str | None = None


def refuse_adapter(repository: Repository) -> None:
    """Where a file of a checkpoint is missing: say so if that is because there is none.

    Args:
        repository: Where the file was looked for.

    Raises:
        OSError: The place holds an adapter (E320).
    """
    found = (repository.find(file_name) for file_name in ADAPTER_FILES)
    path = next((path for path in found if path is not None), None)
    if path is not None:
        base = _base_of_adapter(path.with_name(ADAPTER_FILES[0]))
        raise FileNotFoundError(Errors.E320.format(name=repository.name, file=path.name, base=base))


def _base_of_adapter(path: Path) -> str:
    try:
        base = check_fields(AdapterConfig, read_json(path)).base_model_name_or_path
    except (OSError, JsonError, FieldError):
        base = None
    return "the checkpoint that it was made for" if base is None else f"'{shorten(base)}'"
