"""Model configuration: the fields of a `config.json`, validated and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Literal

from spacy_deberta.errors import Errors, check_list

from .config_checks import (
    MODEL_TYPE,
    check_buckets,
    check_kinds,
    check_labels,
    check_model_type,
    check_names,
    check_padding,
    check_sizes,
)
from .frozen import FrozenDict, freeze_json, thaw_json

# Fields that Hugging Face derives from `hidden_size` if missing, and can't read as null. They are
# written only if set.
_DERIVED = ("attention_head_size", "embedding_size", "pooler_hidden_size", "cls_dropout")


# Values common to the released v3 checkpoints. The defaults of `DebertaV2Config`, which are
# Hugging Face's, have no disentangled attention.
V3_LAYOUT: Mapping[str, Any] = {
    "relative_attention": True,
    "position_buckets": 256,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ("p2c", "c2p"),
    "position_biased_input": False,
    "type_vocab_size": 0,
    "layer_norm_eps": 1e-7,
}


@dataclass(frozen=True, kw_only=True)
class DebertaV2Config:
    """Configuration of a DeBERTa-v2 or v3 model.

    The names and defaults are those of Hugging Face's `DebertaV2Config`; the default
    configuration has neither relative attention nor disentangled terms.
    All official checkpoints set `relative_attention`, `pos_att_type=("p2c", "c2p")`,
    `position_buckets=256`, `share_att_key`, `norm_rel_ebd="layer_norm"` and
    `position_biased_input=False`.

    Args:
        vocab_size: Rows of the word embedding table.
        hidden_size: Width of every layer.
        num_hidden_layers: Number of transformer layers.
        num_attention_heads: Heads per layer.
        intermediate_size: Inner width of the feed-forward networks.
        hidden_act: Activation of the feed-forward networks.
        hidden_dropout_prob: Dropout of embeddings, layer outputs and relative positions.
        attention_probs_dropout_prob: Dropout of the attention probabilities.
        max_position_embeddings: Maximum sequence length with absolute positions; also the
            default of `max_relative_positions`.
        type_vocab_size: Rows of the token type embeddings; 0 for none.
        initializer_range: Standard deviation of weight initialization.
        layer_norm_eps: Added to the variance in layer normalization.
        relative_attention: Whether there is a relative position table.
        max_relative_positions: Largest distinguished distance, plus one; below 1 for
            `max_position_embeddings`.
        pad_token_id: Row of the word embedding table that stays zero.
        position_biased_input: Whether absolute positions are added to the input.
        pos_att_type: The disentangled terms: "c2p" (content to position), "p2c" (position to
            content), both or none. The string "p2c|c2p" is accepted too.
        pooler_dropout: Dropout before the pooler.
        pooler_hidden_act: Activation of the pooler.
        pooler_hidden_size: Width of the pooler; None for `hidden_size`.
        position_buckets: Number of logarithmic buckets per direction; below 1 for none.
        norm_rel_ebd: "layer_norm" to normalize the relative position table, or "none".
        share_att_key: Whether content and positions share projection weights.
        attention_head_size: Width of a head; None for `hidden_size / num_attention_heads`.
        embedding_size: Width of the embeddings; None for `hidden_size`.
        conv_kernel_size: Kernel size of the convolution beside the first layer; 0 for none.
        conv_groups: Groups of the convolution.
        conv_act: Activation of the convolution.
        cls_dropout: Dropout before a sequence classifier; None for `hidden_dropout_prob`.
        legacy: Hugging Face's choice of a masked language modelling head.
        num_labels: Number of classes of a head; 0 for the length of `id2label`, or 2.
        id2label: Name of every class; LABEL_0, LABEL_1, ... by default.
        label2id: The inverse; derived from `id2label` by default.
        problem_type: Hugging Face's choice of a loss for sequence classification.
        far_positions: Treatment of distances of `max_relative_positions` and more, with buckets.
            "microsoft" clamps them to the largest distinguished distance, as the authors' code
            does. "huggingface" applies the formula unclamped, so that everything far to the right
            of a piece falls into slot 0 of the table. No official checkpoint trained that row,
            since training never went beyond 512 pieces; therefore the first is the default.
            Shorter sequences are the same in both. A field of ours, written only if it isn't the
            default.
        extra: All other keys of a `config.json`, kept for `to_dict`.

    Raises:
        ValueError: If a value is invalid or values are inconsistent (E102 to E107).

    Source: He et al. 2021 (arXiv 2006.03654), sections 3 and 4; He et al. 2021 (arXiv 2111.09543).
    """

    vocab_size: int = 128100
    hidden_size: int = 1536
    num_hidden_layers: int = 24
    num_attention_heads: int = 24
    intermediate_size: int = 6144
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-7
    relative_attention: bool = False
    max_relative_positions: int = -1
    pad_token_id: int = 0
    position_biased_input: bool = True
    pos_att_type: tuple[str, ...] = ()
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    pooler_hidden_size: int | None = None
    position_buckets: int = -1
    norm_rel_ebd: str = "none"
    share_att_key: bool = False
    attention_head_size: int | None = None
    embedding_size: int | None = None
    conv_kernel_size: int = 0
    conv_groups: int = 1
    conv_act: str = "tanh"
    cls_dropout: float | None = None
    legacy: bool = True
    num_labels: int = 0
    id2label: Mapping[int, str] = field(default_factory=FrozenDict)
    label2id: Mapping[str, int] = field(default_factory=FrozenDict)
    problem_type: str | None = None
    far_positions: Literal["microsoft", "huggingface"] = "microsoft"
    extra: Mapping[str, Any] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        check_kinds({**_validated(given.pop("extra")), **given})
        kinds = self.pos_att_type
        if isinstance(kinds, str):
            kinds = tuple(kind.strip() for kind in kinds.lower().split("|"))
        # Hugging Face's own tests write "None" for no terms.
        kinds = tuple(kind for kind in kinds or () if kind not in ("", "none"))
        names = {int(key): str(name) for key, name in (self.id2label or {}).items()}
        num_labels = self.num_labels or len(names) or 2
        names = names or {index: f"LABEL_{index}" for index in range(num_labels)}
        back = {str(name): int(key) for name, key in (self.label2id or {}).items()}
        back = back or {name: index for index, name in names.items()}
        self._set("pos_att_type", kinds)
        self._set("num_labels", num_labels)
        self._set("id2label", FrozenDict(names))
        self._set("label2id", FrozenDict(back))
        self._set("extra", freeze_json(self.extra))
        self._check()

    def _check(self) -> None:
        """Validate the constraints between fields."""
        names = ("hidden_act", "pooler_hidden_act", "conv_act")
        check_names(
            activations={name: getattr(self, name) for name in names},
            pos_att_type=self.pos_att_type,
            norm_rel_ebd=self.norm_rel_ebd,
            problem_type=self.problem_type,
            far_positions=self.far_positions,
        )
        check_sizes(
            hidden_size=self.hidden_size,
            heads=self.num_attention_heads,
            head_dim=self.head_dim,
            kernel_size=self.conv_kernel_size,
            groups=self.conv_groups,
        )
        check_labels(num_labels=self.num_labels, named=len(self.id2label))
        check_padding(pad_token_id=self.pad_token_id, vocab_size=self.vocab_size)
        if self.relative_attention:
            check_buckets(buckets=self.position_buckets, max_distance=self.max_distance)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.attention_head_size or self.hidden_size // self.num_attention_heads

    @property
    def embedding_dim(self) -> int:
        """Width of the word embeddings."""
        return self.embedding_size or self.hidden_size

    @property
    def pooler_dim(self) -> int:
        """Width of the pooler."""
        return self.pooler_hidden_size or self.hidden_size

    @property
    def max_distance(self) -> int:
        """Relative distances from here on are no longer distinguished."""
        if self.max_relative_positions > 0:
            return self.max_relative_positions
        return self.max_position_embeddings

    @property
    def position_span(self) -> int:
        """Slots per direction; the relative table has twice as many rows."""
        return self.position_buckets if self.position_buckets > 0 else self.max_distance

    @property
    def normalizes_positions(self) -> bool:
        """Whether the relative position table is layer-normalized."""
        return "layer_norm" in self.norm_rel_ebd.lower()

    @property
    def score_scale(self) -> float:
        """Scale of the attention scores, by the number of their terms.

        Hugging Face and Microsoft count the terms of `pos_att_type` even if
        `relative_attention` is off and none of them exists.
        """
        return float((self.head_dim * (1 + len(set(self.pos_att_type)))) ** -0.5)

    def with_labels(self, labels: Sequence[str]) -> "DebertaV2Config":
        """Return the configuration with other labels, in this order.

        Raises:
            ValueError: The labels are a single string (E624).
        """
        names = {index: str(label) for index, label in enumerate(check_list("labels", labels))}
        back = {name: index for index, name in names.items()}
        return replace(self, num_labels=len(names), id2label=names, label2id=back)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DebertaV2Config":
        """Parse the contents of a `config.json`.

        Args:
            values: As loaded from JSON. Nulls stand for the default; unknown keys are kept in
                `extra`.

        Returns:
            The configuration.

        Raises:
            ValueError: If it describes another model family (E101), is no dictionary (E413), or
                see the class.

        Source: The `config.json` of the microsoft/deberta-v2-* and -v3-* checkpoints.
        """
        if not isinstance(values, Mapping):
            found = f"of type {type(values).__name__}"
            condition = "a dictionary: the contents of a config.json"
            raise ValueError(Errors.E413.format(name="values", value=found, condition=condition))
        check_model_type(values.get("model_type", MODEL_TYPE))
        known = {item.name: item for item in fields(cls) if item.name != "extra"}
        own: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for key, value in values.items():
            if key == "model_type":
                continue
            if key not in known:
                extra[key] = value
            elif value is not None or known[key].default is None:
                own[key] = value
        if "id2label" in own:
            # The head was trained with these names; `num_labels` may be stale.
            own.pop("num_labels", None)
        return cls(**own, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Convert to the contents of a `config.json` that Hugging Face can open.

        Returns:
            Values for `json.dumps`, with `model_type` and everything in `extra`.
        """
        values: dict[str, Any] = {"model_type": MODEL_TYPE}
        for item in fields(self):
            value = getattr(self, item.name)
            # Hugging Face derives the number from the names, and rejects `num_labels` beside them.
            if item.name in ("extra", "num_labels"):
                continue
            if item.name in _DERIVED and value is None:
                continue
            default = item.default if item.default is not MISSING else None
            if item.name in ("far_positions", "problem_type") and value == default:
                continue
            values[item.name] = thaw_json(value)
        values["id2label"] = {str(key): name for key, name in self.id2label.items()}
        return {**thaw_json(self.extra), **values}


def _validated(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The extra keys that are validated, although the encoder ignores them."""
    return {key: extra[key] for key in ("architectures",) if key in extra}
