"""Adapters of PEFT: the config of a LoRA, and what it means for each parameter of its base."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from spacy_deberta.checkpoints.names import list_names
from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import (
    FieldError,
    JsonError,
    Schema,
    check_fields,
    expected,
    read_json,
    shorten,
    whole_number,
)

ADAPTER_CONFIG_FILE = "adapter_config.json"
# In the order of preference, as for whole checkpoints.
ADAPTER_WEIGHTS_FILES = ("adapter_model.safetensors", "adapter_model.bin")

_LORA = "LORA"
# Classes by what PEFT calls the tasks.
_ARCHITECTURES = {
    "SEQ_CLS": "DebertaV2ForSequenceClassification",
    "TOKEN_CLS": "DebertaV2ForTokenClassification",
    "QUESTION_ANS": "DebertaV2ForQuestionAnswering",
    "FEATURE_EXTRACTION": "DebertaV2Model",
}
# What a merge needs, what only training needs, and what says where in the model the adapter is,
# which the names of its weights say too.
_READ = frozenset(
    {
        "alpha_pattern",
        "auto_mapping",
        "base_model_name_or_path",
        "bias",
        "corda_config",
        "enable_lora",
        "eva_config",
        "exclude_modules",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "loftq_config",
        "lora_alpha",
        "lora_bias",
        "lora_dropout",
        "megatron_core",
        "merge_weights",
        "modules_to_save",
        "peft_type",
        "peft_version",
        "qalora_group_size",
        "r",
        "rank_pattern",
        "revision",
        "runtime_config",
        "target_modules",
        "task_type",
        "use_rslora",
    }
)
# Others change the weights of the base before training.
_INITIALIZATIONS = (True, False, None, "gaussian", "eva", "orthogonal")

# A file from elsewhere may ask for a search that never ends: repeated groups, or many of them.
_MAX_PATTERN = 1000
_MAX_PARTS = 4
_REPEATED_GROUP = re.compile(r"\)[*+{]")

_Rank = Annotated[int, whole_number(1, 2**17)]
_Alpha = Annotated[float, Field(ge=0, le=2**24), expected("a number of at least 0")]


def _task(mapping: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    name = (mapping or {}).get("base_model_class")
    if name is not None and not isinstance(name, str):
        raise ValueError("an object with the name of a class")
    return mapping


class AdapterConfig(Schema):
    """The fields of an `adapter_config.json` that a merge depends on."""

    peft_type: Annotated[str | None, expected("a string")] = None
    base_model_name_or_path: Annotated[str | None, expected("a string or null")] = None
    revision: Annotated[str | None, expected("a string or null")] = None
    task_type: Annotated[str | None, expected("a string or null")] = None
    auto_mapping: Annotated[Mapping[str, Any] | None, AfterValidator(_task)] = None
    r: _Rank = 8
    lora_alpha: _Alpha = 8
    use_rslora: Annotated[bool, expected("true or false")] = False
    target_modules: Annotated[
        list[str] | str | None, expected("a list of names, a pattern or null")
    ] = None
    exclude_modules: Annotated[
        list[str] | str | None, expected("a list of names, a pattern or null")
    ] = None
    modules_to_save: Annotated[list[str] | None, expected("a list of names or null")] = None
    layers_to_transform: Annotated[
        list[int] | int | None, expected("a whole number, a list of them or null")
    ] = None
    rank_pattern: Annotated[
        Mapping[str, _Rank] | None, expected("an object from patterns to ranks")
    ] = None
    alpha_pattern: Annotated[
        Mapping[str, _Alpha] | None, expected("an object from patterns to numbers")
    ] = None

    @property
    def architecture(self) -> str | None:
        """The class that it was trained in, if it says so."""
        named = (self.auto_mapping or {}).get("base_model_class")
        return named or _ARCHITECTURES.get(self.task_type or "")

    def rank(self, module: str) -> int:
        """The rank that a module has, by its name in the model that PEFT wrapped."""
        return _by_pattern(self.rank_pattern or {}, module, self.r)

    def scale(self, module: str) -> float:
        """The factor on the product of a module's two matrices."""
        rank, alpha = (
            self.rank(module),
            _by_pattern(self.alpha_pattern or {}, module, self.lora_alpha),
        )
        return alpha / (rank**0.5 if self.use_rslora else rank)


@dataclass(frozen=True)
class AdapterFiles:
    """The files of an adapter on the local disk.

    Attributes:
        name: The hub name or folder that was asked for, for messages.
        base: That of its base.
        config: What its `adapter_config.json` says.
        weights: Its weights.
        labels: A `config.json` beside them, which has labels that the base's has not.
    """

    name: str
    base: str
    config: AdapterConfig
    weights: Path
    labels: Path | None = None


def read_adapter_config(path: Path, *, name: str) -> AdapterConfig:
    """Read an `adapter_config.json`, and refuse what is no LoRA.

    Args:
        path: The file.
        name: The hub name or folder that was asked for, for messages.

    Raises:
        ValueError: It is damaged (E332), or the adapter is of a kind that can't be merged (E320).

    Source:
        `LoraConfig` of PEFT 0.21.2, and how its layers compute `get_delta_weight`.
    """
    try:
        values = read_json(path)
        config = check_fields(AdapterConfig, values)
    except (JsonError, FieldError) as error:
        raise ValueError(Errors.E332.format(path=path, error=error)) from error
    kind = _other_kind(values)
    if kind is not None:
        base = config.base_model_name_or_path
        raise refused_adapter(kind, name=name, base=base)
    return config


def refused_adapter(kind: str, *, name: str, base: str | None = None) -> ValueError:
    """Make the error for an adapter that can't be merged (E320).

    Args:
        kind: What it is.
        name: The adapter, for messages.
        base: Its base, if it is known.
    """
    of = "the checkpoint that it was made for" if base is None else f"'{shorten(base)}'"
    return ValueError(Errors.E320.format(name=name, kind=kind, base=of))


def _other_kind(values: Mapping[str, Any]) -> str | None:
    """What an adapter is if it is no plain LoRA."""
    kind = values.get("peft_type")
    if kind is None:
        # Those of the library `adapters`, whose config is of another form.
        return "of the library adapters" if "config" in values else "of no kind that it names"
    if kind != _LORA:
        return f"of the kind {shorten(str(kind))}"
    if values.get("use_dora"):
        return "a DoRA"
    start = values.get("init_lora_weights")
    if start not in _INITIALIZATIONS:
        return f"a LoRA that changed its base at the start ('init_lora_weights' is {start!r})"
    further = [key for key, value in values.items() if value and key not in _READ]
    if further:
        return f"a LoRA with {list_names([repr(shorten(key)) for key in further])}"
    patterns = (*(values.get("rank_pattern") or ()), *(values.get("alpha_pattern") or ()))
    for pattern in patterns:
        if not _is_simple(pattern):
            return f"a LoRA with the pattern '{shorten(pattern)}', invalid or too intricate"
    return None


def _is_simple(pattern: str) -> bool:
    parts = max(pattern.count("("), sum(map(pattern.count, "*+?{")))
    if len(pattern) > _MAX_PATTERN or parts > _MAX_PARTS or _REPEATED_GROUP.search(pattern):
        return False
    try:
        re.compile(pattern)
        re.compile(f"({pattern})$")
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _by_pattern(values: Mapping[str, Any], module: str, default: Any) -> Any:
    """The value of the first pattern that fits the end of a module's name."""
    for pattern, value in values.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
