"""GLiNER as a thinc model: texts with labels → logits, and the loss of an update."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from thinc.api import Model

from spacy_deberta.arrays import Array, Ints, cumulative, expand_ranges
from spacy_deberta.checkpoints import GlinerConfig, marker_ids
from spacy_deberta.models import GLINER_PARTS, TextRows
from spacy_deberta.nn import send

from .device_arrays import array_to_device
from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import encoder_shim
from .focal_loss import FocalLoss
from .loss_gradient import Loss
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

    @property
    def rows(self) -> list[TextRows]:
        """The rows of each sequence."""
        return [
            TextRows(labels, words, None if self.pieces is None else self.pieces[index])
            for index, (labels, words) in enumerate(zip(self.labels, self.words, strict=True))
        ]


@dataclass(frozen=True, eq=False)
class GoldWords:
    """What is known about the words of a text.

    Attributes:
        entities: First word, last word and label, `(entities, 3)`. Those of a span model are no
            longer than its longest span.
        unknown: Whether it is unknown if a word is in another entity, `(words,)` bool: spans with
            such words are not trained. None if that is known of all.
    """

    entities: Ints
    unknown: NDArray[np.bool_] | None = None


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
    shim = encoder_shim(model.layers[1])
    vectors = array_to_device(model.predict(X.sequences), shim.device)
    with shim.predicting():
        logits = shim.module.score_texts(vectors, X.rows)
    return [scores.float().cpu().numpy() for scores in logits]


def gliner_loss(
    model: Model[Sequences, Array], X: LabelledTexts, gold: Sequence[GoldWords], loss: FocalLoss
) -> Loss:
    """The loss of an update, which also has the gradients of the head.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        X: The texts.
        gold: What is known about the words of each sequence.
        loss: The loss of a span or a word, and a label.

    Returns:
        A function from the vectors that the model returns for the sequences to the loss. It adds
        the gradients of LSTM and scoring layers to their parameters when it is differentiated.
    """
    shim = encoder_shim(model.layers[1])
    config = get_gliner_config(model)
    find_targets = _word_targets if config.is_token_level else _span_targets

    def compute(vectors: torch.Tensor) -> torch.Tensor:
        # The module may be on a device of its own.
        vectors = send(vectors, shim.device)
        with shim.training():
            scores = shim.module.score_texts(vectors, X.rows)
        total, count = vectors.new_zeros(()), 0
        for logits, words in zip(scores, gold, strict=True):
            places, targets, units = find_targets(tuple(logits.shape), words)
            chosen = logits.float().flatten(0, 1).index_select(0, send(places, vectors.device))
            total = total + loss(chosen, send(targets, vectors.device))
            count += units
        return total / max(count, 1) if loss.reduction == "mean" else total

    return compute


def set_head_rate(model: Model[Sequences, Array], rate: float) -> None:
    """Set the factor on the learning rate of the head.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        rate: The factor. The projection belongs to the encoder.

    Source: The groups of parameters in the trainer of gliner 0.2.29.
    """
    shim = encoder_shim(model.layers[1])
    shim.head_rates = {name: rate for name in GLINER_PARTS if name != "projection"}


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


def _span_targets(shape: tuple[int, ...], gold: GoldWords) -> tuple[np.ndarray, np.ndarray, int]:
    """Indices of the spans to train, `(spans,)`, and for each and each label 0 or 1."""
    words, width, labels = shape
    entities = gold.entities
    targets = np.zeros((words, width, labels), dtype=np.float32)
    targets[entities[:, 0], entities[:, 1] - entities[:, 0], entities[:, 2]] = 1.0
    first = np.arange(words, dtype=np.int64)
    places = expand_ranges(first * width, np.minimum(width, words - first))
    if gold.unknown is not None:
        before = cumulative(gold.unknown.astype(np.int64))
        starts, lengths = places // width, places % width + 1
        places = places[before[starts + lengths] == before[starts]]
    return places, targets.reshape(words * width, labels)[places], len(places)


def _word_targets(shape: tuple[int, ...], gold: GoldWords) -> tuple[np.ndarray, np.ndarray, int]:
    """Indices of the pairs of words and labels to train, and for each start, end and inside."""
    words, labels, _ = shape
    targets = np.zeros(shape, dtype=np.float32)
    for first, last, label in gold.entities.tolist():
        targets[first, label, 0] = targets[last, label, 1] = 1.0
        targets[first : last + 1, label, 2] = 1.0
    places = np.arange(words * labels, dtype=np.int64)
    if gold.unknown is not None:
        places = places[~gold.unknown[places // labels]]
    return places, targets.reshape(words * labels, 3)[places], len(places)
