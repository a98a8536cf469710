"""Docs → a batch of transformer data: tokenizer, windows, encoder and output rows."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from spacy_deberta import models, nn
from spacy_deberta.checkpoints import (
    CheckpointFiles,
    find_checkpoint,
    read_config,
    read_tokenizer,
    save_checkpoint,
)
from spacy_deberta.errors import Errors, check_number
from spacy_deberta.models import build_from_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .device_arrays import shares_memory
from .documents.doc_outputs import EncodedDocs, doc_outputs
from .documents.tokenize import doc_tokenizer, tokenizer_shim
from .documents.windows import PieceWindows, SpanGetter
from .encoder.batches import plan_batches
from .encoder.encoder_layer import encoder_layer
from .encoder.encoder_shim import encoder_shim
from .encoder.source import EncoderSource
from .encoder.stored_weights import stored_weights
from .listening.batch import DocGradients, FullTransformerBatch
from .listening.split_batch import split_batch
from .listening.token_rows import token_rows
from .options import EncoderOptions
from .saved_model import SavedModel
from .sequences import N_SPECIAL_TOKENS
from .settings import ANY_COMPONENT

InT = list[Doc]
OutT = FullTransformerBatch

TOK2VEC_ARCHITECTURE = "spacy-deberta.DebertaV2Tok2Vec.v1"
DOCUMENT_LISTENER_ARCHITECTURE = "spacy-deberta.DocumentListener.v1"
DOCUMENT_ENCODER_ARCHITECTURE = "spacy-deberta.DocumentEncoder.v1"


def deberta_model(
    source: EncoderSource, get_spans: PieceWindows | SpanGetter, options: EncoderOptions
) -> Model[InT, OutT]:
    """Encode documents with DeBERTa-v2, for the `transformer` and `deberta` pipes.

    Args:
        source: Where weights and vocabulary come from when the model is initialized.
        get_spans: Windows over pieces, or a span getter.
        options: How the encoder is run, trained and stored.

    Returns:
        A model from documents to a `FullTransformerBatch`.
    """
    return SavedModel(
        "deberta_model",
        forward,
        init=init,
        dims={"nO": (source.from_scratch or {}).get("hidden_size")},
        # Layers by position, not by reference: references are lost when thinc copies a model.
        layers=[
            doc_tokenizer(
                split_special_tokens=source.split_special_tokens,
                unknown_characters=source.unknown_characters,
                is_split_into_words=source.is_split_into_words,
            ),
            encoder_layer(options),
            doc_outputs(),
        ],
        attrs={
            "source": source,
            "get_spans": get_spans,
            "replace_listener": replace_listener,
            "replace_listener_cfg": replace_listener_cfg,
        },
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run the layers in order; the backward pass starts from the documents' gradients."""
    tokenize, encode, cut = model.layers
    shim = encoder_shim(encode)
    doc_pieces, _ = tokenize(X, is_train)
    tokenizer = get_tokenizer(model)
    windows, plan = plan_batches(
        doc_pieces,
        model.attrs["get_spans"],
        cls_id=tokenizer.cls_token_id,
        sep_id=tokenizer.sep_token_id,
        max_window=_max_pieces(get_encoder(model).config),
        max_pieces=shim.options.max_batch_pieces,
        # On another device, each sub-batch would be copied, and each copy waits for the device.
        keep_views=not is_train and shares_memory(shim.device),
    )
    rows, backprop_encoder = encode(plan, is_train)
    doc_data, backprop_docs = cut(
        EncodedDocs(rows.layers, rows.views, windows, doc_pieces, tokenizer), is_train
    )
    Y = FullTransformerBatch(doc_pieces.docs, doc_data)

    def backprop(dY: DocGradients) -> InT:
        if len(dY.rows):
            backprop_encoder(backprop_docs(dY.rows))
        # A new list, not the documents: thinc extends it by what parallel layers return.
        return []

    return Y, backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: OutT | None = None) -> None:
    """Take weights and vocabulary from the source, unless the model has them already."""
    shim = encoder_shim(model.layers[1])
    if shim.is_loaded:
        return
    source = model.attrs["source"].model_source(shim.component)
    source.check()
    if source.name is not None:
        _load(model, source.find_files(), engine=model.attrs["source"].tokenizer)
        return
    words = model.attrs["source"].is_split_into_words
    tokenizer = source.load_tokenizer(is_split_into_words=words)
    config = shim.options.configure(source.make_config(tokenizer))
    _set(model, models.DebertaV2Model(config, attention=shim.options.attention), tokenizer)


def _load(model: Model[InT, OutT], files: CheckpointFiles, *, engine: str | None = None) -> None:
    options = encoder_shim(model.layers[1]).options
    config = options.configure(read_config(files))
    encoder = build_from_checkpoint(
        models.DebertaV2Model,
        files,
        config,
        map_weights=options.map_weights,
        allow_non_finite=options.allow_non_finite,
        load_precision=options.load_precision,
        keep_int8=options.keeps_int8,
        attention=options.attention,
    )
    words = model.attrs["source"].is_split_into_words
    tokenizer = read_tokenizer(files, config, engine=engine, is_split_into_words=words)
    _set(model, encoder, tokenizer)


def _set(
    model: Model[InT, OutT], encoder: models.DebertaV2Model, tokenizer: DebertaV2Tokenizer
) -> None:
    get_spans = model.attrs["get_spans"]
    limit = _max_pieces(encoder.config)
    if (
        encoder.config.position_biased_input
        and isinstance(get_spans, PieceWindows)
        and get_spans.window > limit
    ):
        raise ValueError(Errors.E410.format(window=get_spans.window, limit=limit))
    tokenizer_shim(model.layers[0]).set_tokenizer(tokenizer)
    encoder_shim(model.layers[1]).set_module(encoder)
    for node in (model, model.layers[1]):
        node.set_dim("nO", encoder.config.hidden_size)


def _max_pieces(config: nn.DebertaV2Config) -> int:
    return config.max_position_embeddings - N_SPECIAL_TOKENS


def get_tokenizer(model: Model[InT, OutT]) -> DebertaV2Tokenizer:
    """The tokenizer of a model that `deberta_model` or `deberta_with_head` made, or of a copy.

    Raises:
        ValueError: The model is not initialized.
    """
    return tokenizer_shim(model.layers[0]).tokenizer


def get_encoder(model: Model[InT, OutT]) -> models.DebertaV2Model:
    """The encoder of a model that `deberta_model` made, or of a copy of it.

    Raises:
        ValueError: The model is not initialized.
    """
    return encoder_shim(model.layers[1]).encoder


def save_model(model: Model[InT, OutT], folder: str | os.PathLike[str]) -> None:
    """Write weights and vocabulary as a checkpoint folder that Hugging Face's classes can load.

    Args:
        model: Made by `deberta_model` or `deberta_with_head`, with an encoder of its own.
        folder: Where to write; existing files are replaced only after everything is written.
    """
    shim = encoder_shim(model.layers[1])
    architecture = shim.module_class.__name__
    weights, precision = stored_weights(shim.module, shim.options)
    save_checkpoint(
        folder,
        config={**shim.config.to_dict(), "architectures": [architecture]},
        weights=weights,
        tokenizer=get_tokenizer(model),
        precision=precision,
    )


def load_model(model: Model[InT, OutT], folder: str | os.PathLike[str]) -> None:
    """Load weights and vocabulary from a folder that `save_model` wrote; weights are memory-mapped.

    Args:
        model: Made by `deberta_model`.
        folder: The checkpoint folder.

    Raises:
        OSError: A file is missing or damaged.
    """
    _load(model, find_checkpoint(Path(folder)))


def pooled_tokens(
    model: Model[InT, OutT], pooling: Model[Ragged, Floats2d], grad_factor: float
) -> Model[InT, list[Floats2d]]:
    """Encode documents to one row for each token, without a shared pipe.

    Args:
        model: Made by `deberta_model`.
        pooling: Reduces the pieces of a token to one row, for example `reduce_mean.v1`.
        grad_factor: Factor on the gradient of the encoder.

    Returns:
        A model of the same structure as a component after `Language.replace_listeners`, so either
        can be loaded as the other.
    """
    check_number("grad_factor", grad_factor, lambda x: x >= 0, "at least 0")
    # The component that owns the model does not give it its name.
    model.attrs["source"].model_source(ANY_COMPONENT)
    return chain(chain(model, split_batch()), token_rows(pooling, grad_factor))


def replace_listener(model: Model[InT, OutT]) -> Model:
    """The model that replaces a listener, for `Language.replace_listeners`."""
    return chain(model, split_batch())


def replace_listener_cfg(
    transformer_model: Mapping[str, Any], listener_model: Mapping[str, Any]
) -> dict[str, Any]:
    """The config of the model that replaces a listener, for `Language.replace_listeners`."""
    if listener_model.get("@architectures") == DOCUMENT_LISTENER_ARCHITECTURE:
        return {
            "@architectures": DOCUMENT_ENCODER_ARCHITECTURE,
            "transformer": dict(transformer_model),
        }
    listener_settings = {
        key: listener_model[key] for key in ("pooling", "grad_factor") if key in listener_model
    }
    return {
        **transformer_model,
        **listener_settings,
        "@architectures": TOK2VEC_ARCHITECTURE,
    }
