"""Validation of a configuration: each field, and constraints between fields."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import (
    FieldError,
    Schema,
    check_fields,
    expected,
    shorten,
    whole_number,
)

from .ops.activations import resolve_activation

if TYPE_CHECKING:
    from .config import DebertaV2Config

MAX_LAYERS = 2**10
MAX_LABELS = 2**20
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

_LABEL_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def _label_names(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(
        _LABEL_NUMBER.fullmatch(str(number)) and isinstance(name, str | int | float)
        for number, name in value.items()
    ):
        raise ValueError('an object from numbers to names, such as {"0": "NO", "1": "YES"}')
    if len({str(number) for number in value}) < len(value):
        raise ValueError("an object that names every number once")
    return value


def _label_numbers(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(
        isinstance(number, int) or (isinstance(number, str) and _LABEL_NUMBER.fullmatch(number))
        for number in value.values()
    ):
        raise ValueError('an object from names to numbers, such as {"NO": 0, "YES": 1}')
    return value


Flag = Annotated[bool, expected("true or false")]
Name = Annotated[str, expected("a string")]
Names = Annotated[
    str | Sequence[str] | None, expected("a string or a list of strings, such as 'p2c|c2p'")
]
Rate = Annotated[float, Field(ge=0, lt=1), expected("from 0 up to (but without) 1")]
Width = Annotated[int, whole_number(1, 2**17)]
OptionalWidth = Annotated[Width | None, expected(f"a whole number from 1 to {2**17}, or null")]


class ConfigFields(Schema):
    """Schema of the fields of a configuration.

    The upper bounds are far above every trained model. They keep a damaged or hostile file from
    requesting unreasonable sizes.
    """

    vocab_size: Annotated[int, whole_number(1, 2**24)]
    hidden_size: Width
    num_hidden_layers: Annotated[int, whole_number(0, MAX_LAYERS)]
    num_attention_heads: Annotated[int, whole_number(1, 2**12)]
    intermediate_size: Annotated[int, whole_number(1, 2**20)]
    hidden_act: Name
    hidden_dropout_prob: Rate
    attention_probs_dropout_prob: Rate
    max_position_embeddings: Annotated[int, whole_number(1, 2**24)]
    type_vocab_size: Annotated[int, whole_number(0, 2**20)]
    initializer_range: Annotated[float, Field(ge=0, le=100), expected("a number from 0 to 100")]
    layer_norm_eps: Annotated[float, Field(ge=0, lt=1), expected("a number from 0 up to 1")]
    relative_attention: Flag
    max_relative_positions: Annotated[int, whole_number(-(2**24), 2**24)]
    pad_token_id: Annotated[int, whole_number(0, 2**24)]
    position_biased_input: Flag
    pos_att_type: Names
    pooler_dropout: Rate
    pooler_hidden_act: Name
    pooler_hidden_size: OptionalWidth
    position_buckets: Annotated[int, whole_number(-(2**24), 2**24)]
    norm_rel_ebd: Name
    share_att_key: Flag
    attention_head_size: OptionalWidth
    embedding_size: OptionalWidth
    conv_kernel_size: Annotated[int, whole_number(0, 2**10)]
    conv_groups: Annotated[int, whole_number(-(2**17), 2**17)]
    conv_act: Name
    cls_dropout: Annotated[Rate | None, expected("from 0 up to (but without) 1, or null")]
    legacy: Flag
    num_labels: Annotated[int, whole_number(0, MAX_LABELS)]
    id2label: Annotated[Any, AfterValidator(_label_names)] | None
    label2id: Annotated[Any, AfterValidator(_label_numbers)] | None
    problem_type: Annotated[str | None, expected("a string or null")]
    far_positions: Name
    architectures: Annotated[
        Sequence[str] | None, expected("a list with the names of classes, or null")
    ] = None


def check_kinds(values: Mapping[str, Any]) -> None:
    """Validate every field of a configuration on its own.

    Args:
        values: Raw values by field; `architectures` too, if present.

    Raises:
        ValueError: A value has the wrong type or is out of range (E102).
    """
    try:
        check_fields(ConfigFields, values)
    except FieldError as error:
        raise ValueError(
            Errors.E102.format(field=error.field, value=error.found, expected=error.expected)
        ) from error


def check_config(config: "DebertaV2Config") -> None:
    """Validate the constraints between fields of a configuration.

    Args:
        config: The configuration, with valid types and the labels filled in.

    Raises:
        ValueError: If `pad_token_id` is outside the vocabulary (E102), the heads don't add up to
            the hidden size (E103), a name is unknown (E104), the convolution is invalid (E105), the
            numbers of labels and names differ (E106), or the buckets are invalid (E107).
    """
    _check_names(config)
    width = config.num_attention_heads * config.head_dim
    if width != config.hidden_size:
        raise ValueError(
            Errors.E103.format(
                heads=config.num_attention_heads,
                head_size=config.head_dim,
                width=width,
                hidden_size=config.hidden_size,
            )
        )
    kernel, groups = config.conv_kernel_size, config.conv_groups
    if kernel and (kernel % 2 == 0 or groups < 1 or config.hidden_size % groups):
        raise ValueError(
            Errors.E105.format(kernel_size=kernel, groups=groups, hidden_size=config.hidden_size)
        )
    if config.num_labels != len(config.id2label):
        raise ValueError(
            Errors.E106.format(num_labels=config.num_labels, named=len(config.id2label))
        )
    rows = config.vocab_size
    if config.pad_token_id >= rows:
        in_range = f"in the vocabulary (0 to {rows - 1})"
        raise ValueError(
            Errors.E102.format(field="pad_token_id", value=config.pad_token_id, expected=in_range)
        )
    buckets, last = config.position_buckets, config.max_distance - 1
    if config.relative_attention and buckets > 0 and (buckets < 2 or last <= buckets // 2):
        raise ValueError(Errors.E107.format(buckets=buckets, max_distance=last))


def _check_names(config: "DebertaV2Config") -> None:
    for name in ("hidden_act", "pooler_hidden_act", "conv_act"):
        resolve_activation(getattr(config, name), field=name)
    for kind in config.pos_att_type:
        _check_known(kind, "pos_att_type", ("c2p", "p2c"))
    for kind in config.norm_rel_ebd.lower().split("|"):
        _check_known(kind.strip(), "norm_rel_ebd", ("layer_norm", "none"))
    if config.problem_type is not None:
        _check_known(config.problem_type, "problem_type", PROBLEM_TYPES)
    _check_known(config.far_positions, "far_positions", ("microsoft", "huggingface"))


def _check_known(value: str, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            Errors.E104.format(value=shorten(value), field=name, known=", ".join(known))
        )


def is_rate(value: Any) -> bool:
    """Whether a value is a valid dropout rate."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
