"""Loading, making and saving the model of a GLiNER."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from thinc.api import Model

from spacy_deberta.arrays import Array
from spacy_deberta.checkpoints import (
    GlinerConfig,
    GlinerFiles,
    NoGlinerError,
    Weights,
    add_markers,
    check_sizes,
    dequantize_weights,
    find_gliner,
    gliner_config,
    new_gliner_config,
    read_config,
    read_gliner,
    read_parameters,
    read_tokenizer,
    save_gliner,
)
from spacy_deberta.errors import Errors
from spacy_deberta.models import DebertaV2ForGLiNER, build_from_weights
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import EncoderShim, encoder_shim
from .encoder.source import EncoderSource
from .sequences import Sequences


def initialize_gliner(
    model: Model[Sequences, Array],
    *,
    new_head: bool = False,
    trainable: bool = False,
    sizes: Mapping[str, Any] | None = None,
) -> None:
    """Take weights and vocabulary from the source, unless the model has them already.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        new_head: Whether to make a new GLiNER of the encoder of another one.
        trainable: Whether there is training data for a new one, which is made if the source is no
            GLiNER.
        sizes: Sizes of a new one, fields of `gliner_config.json`: see `check_sizes`.

    Raises:
        OSError: A file is missing or damaged, or the folder is no GLiNER and there is nothing to
            train a new one on (E360).
        ValueError: There is no source (E401), the folder can't be used (E361 to E365, E370), a size
            is invalid (E372), or there is nothing to train random weights on (E373).
    """
    shim = encoder_shim(model.layers[1])
    if shim.is_loaded:
        return
    check_sizes(sizes or {})
    settings: EncoderSource = model.attrs["source"]
    source = settings.model_source(shim.component)
    source.check()
    if source.name is None:
        if not (trainable or new_head):
            raise ValueError(Errors.E373.format(component=shim.component))
        tokenizer = add_markers(source.load_tokenizer())
        config = shim.options.configure(source.make_config(tokenizer))
        config = new_gliner_config(config, tokenizer, name="", sizes=sizes or {})
        module = DebertaV2ForGLiNER(config, attention=shim.options.attention)
        module.reset_head()
        _set(model, module, tokenizer)
        return
    try:
        files = find_gliner(source.name, **source.location)
    except NoGlinerError:
        if not (trainable or new_head):
            raise
        found = source.find_files()
        encoder = read_config(found)
        tokenizer = read_tokenizer(found, encoder, engine=settings.tokenizer)
        _make(model, found.name, read_parameters(found), encoder, tokenizer, sizes or {})
        return
    engine, unknown = settings.tokenizer, settings.unknown_characters
    if not new_head:
        _load(model, files, engine=engine, unknown=unknown)
        return
    encoder, weights, tokenizer = read_gliner(files, engine=engine, unknown_characters=unknown)
    _make(model, gliner_config(encoder).model_name, weights, encoder, tokenizer, sizes or {})


def load_gliner(model: Model[Sequences, Array], folder: str | os.PathLike[str]) -> None:
    """Load weights and vocabulary from the folder of a GLiNER; weights are memory-mapped.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        folder: The folder.

    Raises:
        OSError: A file is missing or damaged.
        ValueError: The folder can't be used (E361 to E365, E370).
    """
    _load(model, find_gliner(Path(folder)))


def save_gliner_model(model: Model[Sequences, Array], folder: str | os.PathLike[str]) -> None:
    """Write the folder of a GLiNER, which the package gliner can load.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        folder: Where to write; existing files are replaced only after everything is written.
    """
    shim = encoder_shim(model.layers[1])
    save_gliner(
        folder,
        config=shim.config,
        # Another package reads it, which does not know int8.
        weights=dequantize_weights(shim.module.state_dict()),
        tokenizer=tokenizer_shim(model.layers[0]).tokenizer,
        precision=shim.options.storage_precision,
    )


def _load(
    model: Model[Sequences, Array],
    files: GlinerFiles,
    *,
    engine: str | None = None,
    unknown: str | None = None,
) -> None:
    shim = encoder_shim(model.layers[1])
    config, weights, tokenizer = read_gliner(files, engine=engine, unknown_characters=unknown)
    options = shim.options
    module = build_from_weights(
        DebertaV2ForGLiNER,
        weights,
        options.configure(config),
        source=files.name,
        map_weights=options.map_weights,
        allow_non_finite=options.allow_non_finite,
        load_precision=options.load_precision,
        release=True,
        attention=options.attention,
    )
    _set(model, module, tokenizer)


def _make(
    model: Model[Sequences, Array],
    name: str,
    weights: Weights,
    encoder: DebertaV2Config,
    tokenizer: DebertaV2Tokenizer,
    sizes: Mapping[str, Any],
) -> None:
    """Make a new GLiNER of an encoder."""
    shim = encoder_shim(model.layers[1])
    tokenizer = add_markers(tokenizer)
    config = shim.options.configure(new_gliner_config(encoder, tokenizer, name=name, sizes=sizes))
    resized = _with_rows(weights, encoder, config)
    new: GlinerConfig = gliner_config(config)
    module = build_from_weights(
        DebertaV2ForGLiNER,
        resized,
        config,
        source=name,
        new_head=True,
        map_weights=shim.options.map_weights,
        allow_non_finite=shim.options.allow_non_finite,
        load_precision=shim.options.load_precision,
        release=True,
        attention=shim.options.attention,
        rnn_layers=new.num_rnn_layers,
        has_projection=new.hidden_size != config.hidden_size,
    )
    module.reset_head()
    _set(model, module, tokenizer)


def _with_rows(
    weights: Weights, encoder: DebertaV2Config, config: DebertaV2Config
) -> dict[str, torch.Tensor]:
    """The weights with an embedding for each marker."""
    found = dict(weights)
    names = [name for name in found if name.endswith("word_embeddings.weight")]
    for name in names:
        old, rows = found[name], config.vocab_size
        new = torch.empty(rows, old.shape[1], dtype=old.dtype)
        new.normal_(0.0, config.initializer_range)
        kept = min(rows, len(old))
        new[:kept] = old[:kept]
        found[name] = new
    return found


def _set(
    model: Model[Sequences, Array], module: DebertaV2ForGLiNER, tokenizer: DebertaV2Tokenizer
) -> None:
    tokenizer_shim(model.layers[0]).set_tokenizer(tokenizer)
    shim: EncoderShim = encoder_shim(model.layers[1])
    shim.set_module(module)
