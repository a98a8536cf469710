"""GLiNER's layout: `gliner_config.json`, and an encoder within another model."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import (
    FieldError,
    JsonError,
    Schema,
    check_fields,
    read_json,
    shorten,
    whole_number,
)

LAYOUT = "gliner"
GLINER_CONFIG_FILE = "gliner_config.json"
# The key of `DebertaV2Config.extra` with the content of `gliner_config.json`.
GLINER_FIELD = "gliner"

TOKEN_LEVEL = "token_level"
SPAN_MODES = ("markerV0", "marker", TOKEN_LEVEL)
POOLINGS = ("first", "last", "mean", "max")
_SPLITTER = "whitespace"

# Pairs of prefixes: ours and theirs. All other names are equal.
_PREFIXES = (
    ("deberta.", "token_rep_layer.bert_layer.model."),
    ("projection.", "token_rep_layer.projection."),
    ("span_rep_layer.", "span_rep_layer.span_rep_layer."),
)
_LONGEST = 10**6


class NoGlinerError(FileNotFoundError):
    """The refusal of a folder that is no GLiNER."""


class GlinerConfig(Schema):
    """The fields of a `gliner_config.json` that matter for prediction; others are ignored.

    Attributes:
        model_name: The encoder that the model was made of. Its vocabulary and its config are used
            if the folder has none.
        span_mode: "markerV0" or "marker" for models that score spans, "token_level" for those that
            score words.
        max_width: Number of words of the longest span. Token models have no limit.
        max_len: Number of words that the model was trained to read.
        hidden_size: Width of the head.
        dropout: Dropout in the head.
        subtoken_pooling: The vector of a word: that of its first or last piece, or the mean or the
            maximum of all.
        words_splitter_type: How texts are split into words.
        num_rnn_layers: Number of LSTM layers; the weights decide.
        ent_token: The marker before each label.
        sep_token: The marker between the labels and the text.
        class_token_index: Id of `ent_token`; negative if it is the next free one.
        embed_ent_token: Whether the vector of a label is that of its marker, or of the piece after
            it.
        fuse_layers: Whether all layers of the encoder are mixed.
        encoder_config: The config of the encoder; None for that of `model_name`.
        labels_encoder: The second encoder of a bi-encoder.
        labels_decoder: The decoder of a generative model.
        relations_layer: The layer of a model for relations.
    """

    model_name: str = "microsoft/deberta-v3-small"
    span_mode: str = "markerV0"
    max_width: Annotated[int, whole_number(1, 1000)] = 12
    max_len: Annotated[int, whole_number(1, _LONGEST)] = 384
    hidden_size: Annotated[int, whole_number(2, _LONGEST)] = 512
    dropout: float = 0.4
    subtoken_pooling: str = "first"
    words_splitter_type: str = _SPLITTER
    num_rnn_layers: int = 1
    ent_token: str = "<<ENT>>"
    sep_token: str = "<<SEP>>"
    class_token_index: int = -1
    embed_ent_token: bool = True
    fuse_layers: bool = False
    encoder_config: Mapping[str, Any] | None = None
    labels_encoder: Any = None
    labels_decoder: Any = None
    relations_layer: Any = None

    @property
    def is_token_level(self) -> bool:
        """Whether the model scores words and not spans."""
        return self.span_mode == TOKEN_LEVEL

    @property
    def longest_span(self) -> int | None:
        """Number of words of the longest span; None for a token model, which has no limit."""
        return None if self.is_token_level else self.max_width


def read_gliner_values(path: Path) -> dict[str, Any]:
    """Read a `gliner_config.json` as it is.

    Raises:
        ValueError: It can't be read (E308).
    """
    try:
        return read_json(path)
    except JsonError as error:
        raise ValueError(Errors.E308.format(path=path, error=error)) from error


def check_gliner(values: Mapping[str, Any], *, name: str) -> GlinerConfig:
    """Check the content of a `gliner_config.json`.

    Args:
        values: The content.
        name: The checkpoint's name, for messages.

    Returns:
        The known fields.

    Raises:
        ValueError: A field is invalid (E361), or the model is of a kind that can't be used (E362).

    Source: `GLiNERConfig` of the package gliner 0.2.29.
    """
    # Null stands for the default.
    given = {key: value for key, value in values.items() if value is not None}
    try:
        config = check_fields(GlinerConfig, given)
    except FieldError as error:
        raise ValueError(Errors.E361.format(name=name, error=error)) from error
    for kind in _unsupported(config):
        raise ValueError(Errors.E362.format(name=name, kind=kind))
    if config.span_mode not in SPAN_MODES:
        raise _unknown(name, "span_mode", config.span_mode, SPAN_MODES)
    if config.subtoken_pooling not in POOLINGS:
        raise _unknown(name, "subtoken_pooling", config.subtoken_pooling, POOLINGS)
    return config


def to_ours(key: str) -> str:
    """Our name for a parameter of a GLiNER: the encoder is `deberta.`, as in other models."""
    for ours, theirs in _PREFIXES:
        if key.startswith(theirs):
            return ours + key.removeprefix(theirs)
    return key


def to_theirs(key: str) -> str:
    """GLiNER's name for one of our parameters; the inverse of `to_ours`."""
    for ours, theirs in _PREFIXES:
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    return key


def missing_modules(keys: Iterable[str], config: GlinerConfig) -> list[str]:
    """Modules that a GLiNER needs and that its weights lack.

    Args:
        keys: Our names of its parameters.
        config: Its config.
    """
    found = {key.partition(".")[0] for key in keys}
    head = ("scorer",) if config.is_token_level else ("span_rep_layer", "prompt_rep_layer")
    return [module for module in ("deberta", *head) if module not in found]


def _unsupported(config: GlinerConfig) -> Iterable[str]:
    if config.labels_encoder is not None:
        yield "a bi-encoder, which reads labels with a second encoder ('labels_encoder')"
    if config.labels_decoder is not None:
        yield "a generative model ('labels_decoder')"
    if config.relations_layer is not None:
        yield "a model for relations ('relations_layer')"
    if config.fuse_layers:
        yield "a model that mixes all layers of its encoder ('fuse_layers')"
    if config.words_splitter_type != _SPLITTER:
        yield (
            "a model for texts that another library splits into words ('words_splitter_type' is "
            f"'{shorten(config.words_splitter_type)}')"
        )


def _unknown(name: str, field: str, value: str, known: Iterable[str]) -> Exception:
    kind = f"a model whose '{field}' is '{shorten(value)}' and not one of {', '.join(known)}"
    return ValueError(Errors.E362.format(name=name, kind=kind))
