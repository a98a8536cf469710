"""GLiNER as a thinc model: texts with labels → logits; loading and saving."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from thinc.api import Model

from spacy_deberta.arrays import Array
from spacy_deberta.checkpoints import (
    GlinerConfig,
    GlinerFiles,
    find_gliner,
    marker_ids,
    read_gliner,
    save_gliner,
)
from spacy_deberta.models import GLINER, TextRows, build_from_weights

from .device_arrays import array_to_device
from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import encoder_shim
from .sequences import Sequences

GLINER_HEAD = "gliner"


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Texts with labels, as the input of a GLiNER.

    Attributes:
        sequences: `[CLS] labels text [SEP]` each. `decoded` are the rows of labels and words, for
            each sequence those of its labels first.
        labels: Number of labels of each sequence, at least 1.
        words: Number of words of each sequence, at least 1.
        pieces: Number of rows of each word, for each sequence; None for one row for each word.
    """

    sequences: Sequences
    labels: Sequence[int]
    words: Sequence[int]
    pieces: Sequence[tuple[int, ...]] | None = None


@dataclass(frozen=True)
class MarkerIds:
    """Ids of the pieces that a GLiNER has beside those of labels and words.

    Attributes:
        ent: Before each label.
        sep: Between labels and text.
        empty: The piece of a word without one: a space.
    """

    ent: int
    sep: int
    empty: int


def score_labelled_texts(model: Model[Sequences, Array], X: LabelledTexts) -> list[Array]:
    """Score the spans or words of texts by their labels.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        X: The texts.

    Returns:
        Logits, float32, on the CPU: see `DebertaV2ForGLiNER.score_texts`.
    """
    if not X.words:
        return []
    texts = [
        TextRows(labels, words, None if X.pieces is None else X.pieces[index])
        for index, (labels, words) in enumerate(zip(X.labels, X.words, strict=True))
    ]
    shim = encoder_shim(model.layers[1])
    vectors = array_to_device(model.predict(X.sequences), shim.device)
    with torch.no_grad():
        logits = shim.module.score_texts(vectors, texts)
    return [scores.cpu().numpy() for scores in logits]


def get_gliner_config(model: Model[Sequences, Array]) -> GlinerConfig:
    """The settings of a GLiNER in its `gliner_config.json`.

    Raises:
        ValueError: The model is not initialized (E403).
    """
    module: Any = encoder_shim(model.layers[1]).module
    config: GlinerConfig = module.gliner
    return config


def get_marker_ids(model: Model[Sequences, Array]) -> MarkerIds:
    """The ids of the markers of a GLiNER.

    Raises:
        ValueError: The model is not initialized (E403).
    """
    tokenizer = tokenizer_shim(model.layers[0]).tokenizer
    ent, sep = marker_ids(tokenizer, get_gliner_config(model))
    return MarkerIds(ent, sep, tokenizer.convert_tokens_to_ids("▁"))


def initialize_gliner(model: Model[Sequences, Array]) -> None:
    """Take weights and vocabulary from the source, unless the model has them already.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".

    Raises:
        OSError: A file is missing or damaged, or the folder is no GLiNER (E360).
        ValueError: There is no source (E401), or the folder can't be used (E361 to E365, E370).
    """
    shim = encoder_shim(model.layers[1])
    if shim.is_loaded:
        return
    settings = model.attrs["source"]
    source = settings.model_source(shim.component)
    source.check()
    assert source.name is not None
    files = find_gliner(source.name, **source.location)
    _load(model, files, engine=settings.tokenizer, unknown=settings.unknown_characters)


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
        weights=shim.module.state_dict(),
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
        GLINER.module_class,
        weights,
        options.configure(config),
        source=files.name,
        map_weights=options.map_weights,
        allow_non_finite=options.allow_non_finite,
        load_precision=options.load_precision,
        release=True,
        attention=options.attention,
    )
    tokenizer_shim(model.layers[0]).set_tokenizer(tokenizer)
    shim.set_module(module)
