"""Sequences of texts with their choices, and the scores of choices from those of sequences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from thinc.api import Model

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors
from spacy_deberta.layers import (
    PieceRanges,
    Sequences,
    encode_texts,
    get_tokenizer,
    join_sequences,
)
from spacy_deberta.pipeline.windows import Windows, mean_of_windows


@dataclass(frozen=True, eq=False)
class ChoiceSequences:
    """A sequence for each choice, or several if the text is long.

    Attributes:
        sequences: `[CLS] text [SEP] choice [SEP]`.
        pairs: Index of the pair of text and choice of each sequence, `(sequences,)`.
        counts: Number of choices of each text, `(texts,)`.
    """

    sequences: Sequences
    pairs: Ints
    counts: Ints

    def choice_logits(self, logits: torch.Tensor) -> torch.Tensor:
        """Average the logits of windows, and pad them to a row for each text.

        Args:
            logits: `(sequences, 1)`, floating-point.

        Returns:
            `(texts, max_choices)`, padded with minus infinity.
        """
        scores = mean_of_windows(logits, self.pairs, int(self.counts.sum())).squeeze(1)
        counts = torch.from_numpy(self.counts).to(logits.device)
        taken = torch.arange(int(self.counts.max()), device=logits.device) < counts.unsqueeze(1)
        table = scores.new_full(taken.shape, float("-inf"))
        return table.masked_scatter(taken, scores)


def join_choices(
    model: Model,
    texts: Sequence[str],
    choices: Sequence[Sequence[str]],
    *,
    windows: Windows,
    component: str,
) -> ChoiceSequences:
    """Pair texts with each of their choices; every string is tokenized once.

    Args:
        model: A model of `deberta_with_head`.
        texts: The texts, at least one.
        choices: The choices of each text, at least one.
        windows: The windows of texts that are too long beside a choice.
        component: Name of the component, for messages.

    Returns:
        The sequences, in the order of texts and choices.

    Raises:
        ValueError: A choice leaves no room for the text (E650).
    """
    flat = [choice for of_text in choices for choice in of_text]
    strings = list(dict.fromkeys([*texts, *flat]))
    place = {string: index for index, string in enumerate(strings)}
    tokenizer = get_tokenizer(model)
    encoded = encode_texts(tokenizer, strings)
    counts = np.array([len(of_text) for of_text in choices], dtype=np.int64)
    first = encoded.take(np.repeat(_places(place, texts), counts))
    second = encoded.take(_places(place, flat))
    max_pieces = windows.max_pieces - second.lengths
    _check_lengths(max_pieces, second, flat, windows=windows, component=component)
    first, pairs = first.split(window=max_pieces, overlap=windows.overlap)
    joined = join_sequences(tokenizer, first, second.take(pairs))
    return ChoiceSequences(joined.sequences, pairs, counts)


def _places(place: dict[str, int], strings: Sequence[str]) -> Ints:
    return np.array([place[string] for string in strings], dtype=np.int64)


def _check_lengths(
    max_pieces: Ints, second: PieceRanges, flat: Sequence[str], *, windows: Windows, component: str
) -> None:
    too_long = np.flatnonzero(max_pieces < 1)
    if len(too_long):
        index = int(too_long[0])
        raise ValueError(
            Errors.E650.format(
                choice=flat[index],
                length=int(second.lengths[index]),
                max_length=windows.max_length,
                special=windows.special_tokens,
                component=component,
            )
        )
