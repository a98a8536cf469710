"""Config and vocabulary of a GLiNER that is made of an encoder."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, add_tokens
from spacy_deberta.typed_json import FieldError, check_fields

from .gliner import FAR_POSITIONS, marker_ids
from .layouts.gliner import GLINER_FIELD, POOLINGS, SPAN_MODES, GlinerConfig

# What can be chosen for a new model.
SIZES = (
    "span_mode",
    "max_width",
    "max_len",
    "hidden_size",
    "num_rnn_layers",
    "dropout",
    "subtoken_pooling",
    "embed_ent_token",
)


def check_sizes(sizes: Mapping[str, Any]) -> None:
    """Check the sizes of a new GLiNER.

    Args:
        sizes: Fields of `gliner_config.json`, of `SIZES`.

    Raises:
        ValueError: A field is unknown, or its value is invalid (E372).
    """

    def refuse(error: object) -> ValueError:
        return ValueError(Errors.E372.format(error=error, known=", ".join(SIZES)))

    unknown = [name for name in sizes if name not in SIZES]
    if unknown:
        raise refuse(f"'{unknown[0]}' is not one of them")
    try:
        config = check_fields(GlinerConfig, sizes)
    except FieldError as error:
        raise refuse(error) from error
    for name, known in (("span_mode", SPAN_MODES), ("subtoken_pooling", POOLINGS)):
        if getattr(config, name) not in known:
            raise refuse(f"'{name}' is not one of {', '.join(known)}")
    if not 0 <= config.dropout < 1:
        raise refuse("'dropout' is not from 0 to 1")
    if config.num_rnn_layers < 0:
        raise refuse("'num_rnn_layers' is negative")
    if config.num_rnn_layers and config.hidden_size % 2:
        raise refuse("'hidden_size' is odd, and an LSTM has half of it for each direction")


def add_markers(tokenizer: DebertaV2Tokenizer) -> DebertaV2Tokenizer:
    """Add the markers of a GLiNER to the vocabulary of an encoder.

    Characters that the vocabulary lacks become `[UNK]`, as in the package gliner.

    Args:
        tokenizer: The vocabulary.

    Returns:
        A vocabulary with both markers, which are text in labels and texts.
    """
    config = GlinerConfig()
    known = {token.content for token in tokenizer.added_tokens.values()}
    new = [
        AddedToken(content=marker, special=True)
        for marker in (config.ent_token, config.sep_token)
        if marker not in known
    ]
    added = add_tokens(tokenizer, new).with_unknown_characters("unk")
    return added.with_split_special_tokens(True)


def new_gliner_config(
    encoder: DebertaV2Config,
    tokenizer: DebertaV2Tokenizer,
    *,
    name: str,
    sizes: Mapping[str, Any],
) -> DebertaV2Config:
    """Make the config of a GLiNER on an encoder.

    Args:
        encoder: The config of the encoder. If it is that of a GLiNER, its values are the defaults.
        tokenizer: The vocabulary with the markers.
        name: Name of the encoder, which the config of a GLiNER has.
        sizes: Fields of `gliner_config.json`, see `check_sizes`.

    Returns:
        The config, with the content of `gliner_config.json` in `extra`. `vocab_size` is that of the
        vocabulary.

    Raises:
        ValueError: A size is invalid (E372).
    """
    check_sizes(sizes)
    rows = tokenizer.count_rows(mask=True)
    config = GlinerConfig()
    ent, _ = marker_ids(tokenizer, config)
    old = encoder.to_dict().get(GLINER_FIELD)
    values = {
        "model_name": name,
        "hidden_size": encoder.hidden_size,
        "span_mode": config.span_mode,
        "max_width": config.max_width,
        "max_len": config.max_len,
        "num_rnn_layers": config.num_rnn_layers,
        "dropout": config.dropout,
        "subtoken_pooling": config.subtoken_pooling,
        "embed_ent_token": config.embed_ent_token,
        "ent_token": config.ent_token,
        "sep_token": config.sep_token,
        "words_splitter_type": config.words_splitter_type,
        "fuse_layers": False,
        **(old if isinstance(old, Mapping) else {}),
        **sizes,
        "class_token_index": ent,
        "vocab_size": rows,
    }
    extra = {**encoder.extra, GLINER_FIELD: values}
    return replace(encoder, vocab_size=rows, far_positions=FAR_POSITIONS, extra=extra)
