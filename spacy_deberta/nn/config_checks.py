"""What has to hold between the fields of a configuration."""

from typing import TYPE_CHECKING, Any

from spacy_deberta.errors import Errors

from .activations import resolve_activation

if TYPE_CHECKING:
    from .config import DebertaV2Config

_POSITIVE = (
    "vocab_size",
    "hidden_size",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "num_labels",
)
_AT_LEAST_ZERO = ("num_hidden_layers", "type_vocab_size", "conv_kernel_size", "pad_token_id")
_POSITIVE_OR_NONE = ("attention_head_size", "embedding_size", "pooler_hidden_size")
_WHOLE = ("max_relative_positions", "position_buckets")
_RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "pooler_dropout")
_FLAGS = ("relative_attention", "position_biased_input", "share_att_key", "legacy")


def check_config(config: "DebertaV2Config") -> None:
    """Check a configuration.

    Args:
        config: The configuration, with the labels already filled in.

    Raises:
        ValueError: If a value is not of its kind (E102), if the heads don't fill the width (E103),
            if a name is unknown (E104), if the convolution can't be (E105), if there are more or
            fewer labels than names (E106), or if the buckets can't be (E107).
    """
    _check_kinds(config)
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
    buckets, last = config.position_buckets, config.max_distance - 1
    if config.relative_attention and buckets > 0 and (buckets < 2 or last <= buckets // 2):
        raise ValueError(Errors.E107.format(buckets=buckets, max_distance=last))


def _check_kinds(config: "DebertaV2Config") -> None:
    for name in (*_POSITIVE, *_AT_LEAST_ZERO, *_WHOLE, "conv_groups"):
        _check(config, name, _is_whole(getattr(config, name)), "a whole number")
    for name in _POSITIVE:
        _check(config, name, getattr(config, name) > 0, "1 or more")
    for name in _AT_LEAST_ZERO:
        _check(config, name, getattr(config, name) >= 0, "0 or more")
    for name in _POSITIVE_OR_NONE:
        value = getattr(config, name)
        _check(config, name, value is None or (_is_whole(value) and value > 0), "1 or more")
    for name in _RATES:
        _check(config, name, is_rate(getattr(config, name)), "from 0 up to (but without) 1")
    rate = config.cls_dropout
    _check(config, "cls_dropout", rate is None or is_rate(rate), "from 0 up to (but without) 1")
    for name in _FLAGS:
        _check(config, name, isinstance(getattr(config, name), bool), "true or false")
    last = config.vocab_size - 1
    _check(config, "pad_token_id", config.pad_token_id <= last, f"in the vocabulary (0 to {last})")


def _check_names(config: "DebertaV2Config") -> None:
    for name in ("hidden_act", "pooler_hidden_act", "conv_act"):
        resolve_activation(getattr(config, name), field=name)
    for kind in config.pos_att_type:
        _check_known(kind, "pos_att_type", ("c2p", "p2c"))
    for kind in config.norm_rel_ebd.lower().split("|"):
        _check_known(kind.strip(), "norm_rel_ebd", ("layer_norm", "none"))
    _check_known(config.far_positions, "far_positions", ("microsoft", "huggingface"))


def _check(config: "DebertaV2Config", name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(
            Errors.E102.format(field=name, value=getattr(config, name), expected=expected)
        )


def _check_known(value: str, name: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(Errors.E104.format(value=value, field=name, known=", ".join(known)))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_rate(value: Any) -> bool:
    """Whether a value can be the rate of a dropout."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
