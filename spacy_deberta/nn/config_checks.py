"""Validation of a configuration: each field, and constraints between fields."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

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

MODEL_TYPE = "deberta-v2"
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


def check_model_type(model_type: object) -> None:
    """Make sure that a `config.json` is of this family.

    Args:
        model_type: Its `model_type`.

    Raises:
        ValueError: It is of another family (E101).
    """
    if model_type == MODEL_TYPE:
        return
    hint = "Use spacy-transformers for other families."
    if model_type == "deberta":
        hint = (
            "The first DeBERTa has other weights and a byte-level vocabulary: use a checkpoint "
            "named deberta-v2-*, deberta-v3-* or mdeberta-v3-*."
        )
    raise ValueError(Errors.E101.format(model_type=shorten(str(model_type)), hint=hint))


def check_names(
    *,
    activations: Mapping[str, str],
    pos_att_type: Sequence[str],
    norm_rel_ebd: str,
    problem_type: str | None,
    far_positions: str,
) -> None:
    """Make sure that all names are known.

    Args:
        activations: Names of activations, by field.
        pos_att_type: The disentangled terms.
        norm_rel_ebd: How the relative position table is normalized; "|" separates several.
        problem_type: The loss of sequence classification, or None.
        far_positions: How far distances are treated.

    Raises:
        ValueError: A name is unknown (E104).
    """
    for field, name in activations.items():
        resolve_activation(name, field=field)
    for kind in pos_att_type:
        _check_known(kind, "pos_att_type", ("c2p", "p2c"))
    for kind in norm_rel_ebd.lower().split("|"):
        _check_known(kind.strip(), "norm_rel_ebd", ("layer_norm", "none"))
    if problem_type is not None:
        _check_known(problem_type, "problem_type", PROBLEM_TYPES)
    _check_known(far_positions, "far_positions", ("microsoft", "huggingface"))


def check_sizes(
    *, hidden_size: int, heads: int, head_dim: int, kernel_size: int, groups: int
) -> None:
    """Make sure that heads and the convolution fit the width of the layers.

    Args:
        hidden_size: Width of the layers.
        heads: Heads of a layer.
        head_dim: Width of a head.
        kernel_size: Kernel size of the convolution; 0 for none.
        groups: Its groups.

    Raises:
        ValueError: The heads don't add up to the width (E103), or the convolution is invalid
            (E105).
    """
    width = heads * head_dim
    if width != hidden_size:
        raise ValueError(
            Errors.E103.format(
                heads=heads, head_size=head_dim, width=width, hidden_size=hidden_size
            )
        )
    if kernel_size and (kernel_size % 2 == 0 or groups < 1 or hidden_size % groups):
        raise ValueError(
            Errors.E105.format(kernel_size=kernel_size, groups=groups, hidden_size=hidden_size)
        )


def check_labels(*, num_labels: int, named: int) -> None:
    """Make sure that each label has a name.

    Raises:
        ValueError: The numbers differ (E106).
    """
    if num_labels != named:
        raise ValueError(Errors.E106.format(num_labels=num_labels, named=named))


def check_padding(*, pad_token_id: int, vocab_size: int) -> None:
    """Make sure that padding has a row of the embeddings.

    Raises:
        ValueError: It has none (E102).
    """
    if pad_token_id >= vocab_size:
        in_range = f"in the vocabulary (0 to {vocab_size - 1})"
        raise ValueError(
            Errors.E102.format(field="pad_token_id", value=pad_token_id, expected=in_range)
        )


def check_buckets(*, buckets: int, max_distance: int) -> None:
    """Make sure that there are more distances than buckets that stand for one each.

    Args:
        buckets: Number of buckets per direction; below 1 for none.
        max_distance: Relative distances from here on are not distinguished.

    Raises:
        ValueError: There are too few (E107).
    """
    last = max_distance - 1
    if buckets > 0 and (buckets < 2 or last <= buckets // 2):
        raise ValueError(Errors.E107.format(buckets=buckets, max_distance=last))


def _check_known(value: str, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            Errors.E104.format(value=shorten(value), field=name, known=", ".join(known))
        )


def is_rate(value: Any) -> bool:
    """Whether a value is a valid dropout rate."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
