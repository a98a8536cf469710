"""Labels → the pieces that a GLiNER reads before a text, and its input sequences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints, expand_ranges
from spacy_deberta.checkpoints import GlinerConfig
from spacy_deberta.layers import LabelledTexts, MarkerIds, Sequences
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .windows import WordWindows
from .words import Words, encode_words


@dataclass(frozen=True, eq=False)
class Prompt:
    """The pieces of some labels.

    Attributes:
        ids: A marker before each label, and one after the last, `(pieces,)`.
        label_pieces: The piece with the vector of each label, `(labels,)`.
        labels: Indices of the labels among all, `(labels,)`.
    """

    ids: Ints
    label_pieces: Ints
    labels: Ints


@dataclass(frozen=True, eq=False)
class EncodedLabels:
    """The pieces of labels, encoded once.

    Attributes:
        ids: Pieces of all labels, `(pieces,)`.
        cu_pieces: Label `i` has the pieces from `cu_pieces[i]` to `cu_pieces[i + 1]`, at least one,
            `(labels + 1,)`.
        markers: The ids of the markers.
        config: The settings of the model.
    """

    ids: Ints
    cu_pieces: Ints
    markers: MarkerIds
    config: GlinerConfig

    def prompt(self, labels: Ints) -> Prompt:
        """The prompt of some labels, by their indices, in this order; at least one."""
        counts = np.diff(self.cu_pieces)[labels]
        before = np.cumsum(counts) - counts
        pieces = self.ids[expand_ranges(self.cu_pieces[labels], counts)]
        ids = np.append(np.insert(pieces, before, self.markers.ent), self.markers.sep)
        places = before + np.arange(len(labels))
        return Prompt(ids, places if self.config.embed_ent_token else places + 1, labels)


def encode_labels(
    names: Sequence[str], tokenizer: DebertaV2Tokenizer, markers: MarkerIds, config: GlinerConfig
) -> EncodedLabels:
    """Encode labels.

    Args:
        names: What the model reads for each label, none empty.
        tokenizer: The vocabulary.
        markers: The ids of the markers.
        config: The settings of the model.

    Returns:
        Their pieces.
    """
    ids, cu_pieces = encode_words(list(names), tokenizer, empty=markers.empty)
    return EncodedLabels(ids, cu_pieces, markers, config)


def divide_labels(labels: EncodedLabels, *, labels_per_prompt: int | None) -> list[Prompt]:
    """Divide labels over as many prompts as necessary.

    Args:
        labels: The labels.
        labels_per_prompt: Maximum number of labels of a prompt; None for no limit.

    Returns:
        The prompts, in the order of the labels.
    """
    count = len(labels.cu_pieces) - 1
    size = labels_per_prompt or max(count, 1)
    order = np.arange(count, dtype=np.int64)
    return [labels.prompt(order[first : first + size]) for first in range(0, count, size)]


def join_prompts(
    words: Words,
    windows: WordWindows,
    pairs: Sequence[tuple[int, Prompt]],
    tokenizer: DebertaV2Tokenizer,
    *,
    pooling: str,
) -> LabelledTexts:
    """Make the sequences `[CLS] labels text [SEP]`.

    Args:
        words: The words of the texts.
        windows: The windows of the texts.
        pairs: The window and the prompt of each sequence.
        tokenizer: The vocabulary.
        pooling: The vector of a word: that of its "first" or "last" piece, or of all of them.

    Returns:
        The sequences.
    """
    parts, lengths, decoded, counts, pieces = [], [], [], [], []
    row = 0
    for window, prompt in pairs:
        first = int(words.cu_words[windows.texts[window]] + windows.starts[window])
        bounds = words.cu_pieces[first : first + int(windows.lengths[window]) + 1]
        before = row + 1 + len(prompt.ids) - int(bounds[0])
        parts += [
            np.array([tokenizer.cls_token_id]),
            prompt.ids,
            words.ids[bounds[0] : bounds[-1]],
            np.array([tokenizer.sep_token_id]),
        ]
        if pooling == "first":
            places = bounds[:-1]
        elif pooling == "last":
            places = bounds[1:] - 1
        else:
            places = expand_ranges(bounds[:1], bounds[-1:] - bounds[:1])
        decoded += [row + 1 + prompt.label_pieces, before + places]
        counts.append(len(bounds) - 1)
        pieces.append(tuple(np.diff(bounds).tolist()))
        lengths.append(before + int(bounds[-1]) + 1 - row)
        row += lengths[-1]
    empty = np.zeros(0, dtype=np.int64)
    return LabelledTexts(
        Sequences(
            np.concatenate([empty, *parts]),
            np.array(lengths, dtype=np.int64),
            decoded=np.concatenate([empty, *decoded]),
        ),
        labels=[len(prompt.labels) for _, prompt in pairs],
        words=counts,
        pieces=None if pooling in ("first", "last") else pieces,
    )
