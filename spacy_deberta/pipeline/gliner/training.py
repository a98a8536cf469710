"""Annotated documents → the batch of an update: prompts with random labels, and gold spans."""

from collections.abc import Sequence

import numpy as np
import torch
from spacy.tokens import Doc
from thinc.api import Model

from spacy_deberta.errors import check_strings
from spacy_deberta.layers import (
    GoldWords,
    get_gliner_config,
    get_marker_ids,
    get_tokenizer,
    gliner_loss,
)
from spacy_deberta.pipeline.head_pipe import TrainingBatch

from .finding import window_size
from .gold import (
    as_array,
    entities_of_window,
    gold_spans,
    spans_of_words,
    unknown_of_window,
    unknown_spans,
)
from .prompts import encode_labels, join_prompts
from .settings import GlinerSettings
from .training_settings import TrainingSettings
from .windows import cut_word_windows
from .words import split_words

# The labels that are negatives for a document, where not all of the data are.
LACKING_LABELS = "lacking_labels"
if not Doc.has_extension(LACKING_LABELS):
    Doc.set_extension(LACKING_LABELS, default=None)


def make_batch(
    model: Model,
    docs: Sequence[Doc],
    settings: GlinerSettings,
    *,
    known: Sequence[str],
    component: str,
) -> TrainingBatch | None:
    """Make the batch of an update.

    Args:
        model: Made by `deberta_with_head` with the head "gliner".
        docs: Annotated documents.
        settings: The settings of the component.
        known: The labels of the training data, from which those that a text lacks are drawn.
        component: Name of the component, for messages.

    Returns:
        The batch; None if there is no label at all, or no word.
    """
    tokenizer, config = get_tokenizer(model), get_gliner_config(model)
    markers, learning = get_marker_ids(model), settings.learning
    window, overlap = window_size(settings, config, component=component)
    words = split_words([doc.text for doc in docs], tokenizer, empty=markers.empty)
    windows = cut_word_windows(words.cu_words, window=window, overlap=overlap)
    key = settings.gold_key
    spans = [
        [
            span
            for span in spans_of_words(index, gold_spans(doc, key=key), words)
            if span[2] not in learning.held_out
        ]
        for index, doc in enumerate(docs)
    ]
    unknown = [
        spans_of_words(index, unknown_spans(doc, key=key), words) for index, doc in enumerate(docs)
    ]
    given = [lacking_labels(doc, learning) for doc in docs]
    found = [label for entities in spans for *_, label in entities]
    common = list(dict.fromkeys([*known, *found]))
    pool = list(dict.fromkeys([*common, *(label for labels in given for label in labels or ())]))
    if not pool or not len(windows.texts):
        return None
    encoded = encode_labels(
        [settings.descriptions.get(label, label) for label in pool], tokenizer, markers, config
    )
    pairs, gold = [], []
    for index, text in enumerate(windows.texts.tolist()):
        entities = entities_of_window(spans[text], windows, index, max_width=config.longest_span)
        present = [label for *_, label in entities]
        labels = sample_labels(present, common if given[text] is None else given[text], learning)
        if not labels:
            continue
        indices = np.array([pool.index(label) for label in labels], dtype=np.int64)
        pairs.append((index, encoded.prompt(indices)))
        missing = unknown_of_window(unknown[text], entities, windows, index)
        gold.append(GoldWords(as_array(entities, labels), missing))
    if not pairs:
        return None
    texts = join_prompts(words, windows, pairs, tokenizer, pooling=config.subtoken_pooling)
    return TrainingBatch(texts.sequences, gliner_loss(model, texts, gold, learning.loss))


def lacking_labels(doc: Doc, settings: TrainingSettings) -> list[str] | None:
    """The labels that a document is known to lack; None if it lacks all others of the data."""
    labels = doc._.get(LACKING_LABELS)
    if labels is None:
        return None
    checked = check_strings(f"doc._.{LACKING_LABELS}", labels)
    return [label for label in checked if label not in settings.held_out]


def sample_labels(
    present: Sequence[str], pool: Sequence[str], settings: TrainingSettings
) -> list[str]:
    """The labels that are read with a text: its own and random others, in random order.

    The choice uses torch's CPU generator, which spaCy seeds.

    Args:
        present: The label of each entity.
        pool: All labels.
        settings: How many there are.

    Returns:
        The labels, at least one if there are any.

    Source: The sampling of gliner 0.2.29, in which a text without entities gets one empty label.
    """
    own = list(dict.fromkeys(present))
    others = [label for label in pool if label not in own]
    ratio = int(torch.randint(settings.negatives + 1, ()))
    count = max(ratio * max(len(present), 1), 0 if own else 1)
    chosen = own + [others[i] for i in torch.randperm(len(others))[:count].tolist()]
    shuffled = [chosen[i] for i in torch.randperm(len(chosen)).tolist()]
    return shuffled[: settings.max_labels]
