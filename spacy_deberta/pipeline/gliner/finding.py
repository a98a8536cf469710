"""Texts and labels → entities, in batches of bounded size."""

from collections.abc import Iterator, Sequence

import numpy as np
from thinc.api import Model

from spacy_deberta.checkpoints import GlinerConfig
from spacy_deberta.errors import Errors
from spacy_deberta.layers import (
    get_gliner_config,
    get_marker_ids,
    get_tokenizer,
    score_labelled_texts,
)
from spacy_deberta.pipeline.token_classifier.scored_char_spans import ScoredCharSpan

from .decoding import Candidate, choose, span_candidates, token_candidates
from .prompts import Prompt, divide_labels, encode_labels, join_prompts
from .settings import GlinerSettings
from .windows import WordWindows, cut_word_windows
from .words import split_words

# Number of words and labels whose vectors are in memory at once.
MAX_ROWS = 16384


def find_entities(
    model: Model,
    texts: Sequence[str],
    settings: GlinerSettings,
    *,
    component: str,
) -> list[list[ScoredCharSpan]]:
    """Find the entities of texts.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        texts: The texts.
        settings: Labels, thresholds, windows, and which spans exclude each other.
        component: Name of the component, for messages.

    Returns:
        The entities of each text, by start.

    Raises:
        ValueError: The model is not initialized (E403), or a window is too short for the longest
            span (E367).
    """
    tokenizer, config = get_tokenizer(model), get_gliner_config(model)
    window, overlap = window_size(settings, config, component=component)
    markers = get_marker_ids(model)
    words = split_words(texts, tokenizer, empty=markers.empty)
    windows = cut_word_windows(words.cu_words, window=window, overlap=overlap)
    labels = encode_labels(settings.prompts, tokenizer, markers, config)
    prompts = divide_labels(labels, labels_per_prompt=settings.labels_per_prompt)
    thresholds = np.array(settings.label_thresholds, dtype=np.float32)
    find = token_candidates if config.is_token_level else span_candidates
    found: list[list[Candidate]] = [[] for _ in texts]
    for pairs in _batches(windows, prompts):
        joined = join_prompts(words, windows, pairs, tokenizer, pooling=config.subtoken_pooling)
        scores = score_labelled_texts(model, joined)
        for (index, prompt), logits in zip(pairs, scores, strict=True):
            candidates = find(logits, thresholds[prompt.labels])
            found[windows.texts[index]] += _of_window(candidates, windows, index, prompt)
    entities = []
    for text, candidates in enumerate(found):
        # Windows and prompts make no difference to the choice between equal scores.
        candidates.sort(key=_by_label if config.is_token_level else _by_width)
        chosen = choose(candidates, nested=settings.nested, multi_label=settings.multi_label)
        first = words.cu_words[text]
        entities.append(
            [
                ScoredCharSpan(
                    int(words.starts[first + start]),
                    int(words.ends[first + end - 1]),
                    settings.labels[label],
                    score,
                )
                for start, end, label, score in chosen
            ]
        )
    return entities


def window_size(
    settings: GlinerSettings, config: GlinerConfig, *, component: str
) -> tuple[int, int]:
    """The number of words of windows, and of those that neighbouring windows share.

    Raises:
        ValueError: A window is too short for the longest span (E367).
    """
    window = settings.max_words or config.max_len
    overlap = settings.overlap
    if not config.is_token_level:
        overlap, least = max(overlap, config.max_width), 2 * config.max_width
        if window < least:
            error = Errors.E367.format(
                component=component, words=window, width=config.max_width, least=least
            )
            raise ValueError(error)
    return window, overlap


def _batches(windows: WordWindows, prompts: Sequence[Prompt]) -> Iterator[list[tuple[int, Prompt]]]:
    """Pairs of windows and prompts, a limited number of words and labels at a time."""
    batch: list[tuple[int, Prompt]] = []
    rows = 0
    for index, length in enumerate(windows.lengths.tolist()):
        for prompt in prompts:
            size = length + len(prompt.labels)
            if batch and rows + size > MAX_ROWS:
                yield batch
                batch, rows = [], 0
            batch.append((index, prompt))
            rows += size
    if batch:
        yield batch


def _of_window(
    candidates: Sequence[Candidate], windows: WordWindows, index: int, prompt: Prompt
) -> Iterator[Candidate]:
    """The candidates that belong to a window, counted from the start of the text."""
    shift, labels = int(windows.starts[index]), prompt.labels.tolist()
    low, high = int(windows.low[index]), int(windows.high[index])
    for start, end, label, score in candidates:
        if low < start + end + 2 * shift <= high:
            yield Candidate(start + shift, end + shift, labels[label], score)


def _by_width(candidate: Candidate) -> tuple[int, int, int]:
    return candidate.start, candidate.end, candidate.label


def _by_label(candidate: Candidate) -> tuple[int, int, int]:
    return candidate.start, candidate.label, candidate.end
