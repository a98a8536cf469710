"""The factory `deberta_gliner`: texts and labels of any kind → `doc.ents` or `doc.spans`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_get_examples
from thinc.api import Model

from spacy_deberta.arrays import Array
from spacy_deberta.errors import Errors, Warnings, check_flag, warn
from spacy_deberta.layers import (
    GLINER_HEAD,
    Sequences,
    get_gliner_config,
    initialize_gliner,
    load_gliner,
    save_gliner_model,
    set_head_rate,
)
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.free_labels import FreeLabelsPipe
from spacy_deberta.pipeline.head_pipe import TrainingBatch
from spacy_deberta.pipeline.labels import check_labels
from spacy_deberta.pipeline.settings import default_config
from spacy_deberta.pipeline.token_classifier.scored_char_spans import ScoredCharSpan
from spacy_deberta.pipeline.token_classifier.token_spans import (
    ScoredSpan,
    align_char_spans,
    without_overlap,
)

from .finding import find_entities
from .gold import gold_spans, has_gold, read_gold
from .held_out import HELD_OUT_SCORES, held_out_scores, warn_about_held_out
from .settings import GlinerSettings
from .training import make_batch

SCORE = "score"
if not Span.has_extension(SCORE):
    Span.set_extension(SCORE, default=None)


@Language.factory(
    "deberta_gliner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans", "span._.score"],
    default_config=default_config(
        GlinerSettings(), head=GLINER_HEAD, scorer="spacy-deberta.token_classifier_scorer.v1"
    ),
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_per_type": None,
        "spans_sc_f": None,
        "spans_sc_p": None,
        "spans_sc_r": None,
        **dict.fromkeys(HELD_OUT_SCORES.values()),
    },
)
def make_gliner(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    labels: list[str],
    descriptions: dict[str, str],
    threshold: float,
    thresholds: dict[str, float],
    annotate: str,
    spans_key: str,
    nested: bool,
    multi_label: bool,
    alignment_mode: str,
    max_words: int | None,
    overlap: int,
    labels_per_prompt: int | None,
    training: dict[str, Any],
    scorer: Callable[..., dict[str, Any]] | None,
) -> "Gliner":
    """Construct a component that finds entities of labels that it was not trained on.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head "gliner".
    labels (list[str]): The labels, such as "person" or "means of transport"; if empty, those of
        the data that the component is initialized with.
    descriptions (dict[str, str]): Text that the model reads instead of a label, by label.
    threshold (float): A span is an entity if its score is above the threshold.
    thresholds (dict[str, float]): Thresholds of single labels.
    annotate (str): "ents" sets `doc.ents`; "spans" sets `doc.spans[spans_key]`.
    spans_key (str): Name of the span group in `doc.spans`.
    nested (bool): Whether an entity may contain other ones, with "spans".
    multi_label (bool): Whether the same words may have several labels, with "spans".
    alignment_mode (str): Alignment of entities that begin or end within a token: "expand" includes
        the token, "contract" excludes it, "strict" drops the entity.
    max_words (int | None): Maximum number of words that are read together; null for the number
        that the checkpoint was trained with. Longer texts are split into windows.
    overlap (int): Minimum number of words that neighbouring windows share, at most half of a
        window.
    labels_per_prompt (int | None): Maximum number of labels that are read together with a text;
        null for all.
    training (dict[str, Any]): How the component is trained, see `TrainingSettings`.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (Gliner): The component.
    """
    return Gliner(
        nlp.vocab,
        model,
        name,
        labels=labels,
        descriptions=descriptions,
        threshold=threshold,
        thresholds=thresholds,
        annotate=annotate,
        spans_key=spans_key,
        nested=nested,
        multi_label=multi_label,
        alignment_mode=alignment_mode,
        max_words=max_words,
        overlap=overlap,
        labels_per_prompt=labels_per_prompt,
        training=training,
        scorer=scorer,
    )


class Gliner(FreeLabelsPipe[GlinerSettings]):
    """Find entities of any kind with a GLiNER on a DeBERTa-v2.

    DOCS: docs/api/gliner.md
    """

    factory = "deberta_gliner"
    head = GLINER_HEAD
    settings_class = GlinerSettings
    doc_method = "find_entities"
    # The labels of the data that the component was initialized with.
    _trained: tuple[str, ...] = ()

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
        new_head: bool = False,
        sizes: dict[str, Any] | None = None,
    ) -> None:
        """Load weights and vocabulary from the source in the config.

        If the source is no GLiNER but an encoder, and there is training data, a new GLiNER is made.

        get_examples (Callable[[], Iterable[Example]]): Returns the training data, if there is any.
        nlp (Language | None): The pipeline.
        labels (list[str] | None): The labels. Null for those of the settings, or if these are
            empty, of the data.
        new_head (bool): Whether to make a new GLiNER of the encoder of an existing one.
        sizes (dict[str, Any] | None): Sizes of a new one, such as `span_mode` or `max_width`.
        """
        check_flag("new_head", new_head)
        validate_get_examples(get_examples, "Gliner.initialize")
        self._take_labels(labels, get_examples)
        learning, key = self.settings.learning, self.settings.gold_key
        found = read_gold((example.y for example in get_examples()), key=key)
        self._trained = tuple(x for x in found.labels if x not in learning.held_out)
        trainable = bool(self._trained)
        initialize_gliner(self.model, new_head=new_head, trainable=trainable, sizes=sizes)
        warn_about_held_out(learning.held_out, found.labels, self.labels, component=self.name)
        width = get_gliner_config(self.model).longest_span
        if width is not None and (long := sum(length > width for length in found.lengths)):
            total = len(found.lengths)
            warn(Warnings.W362.format(count=long, total=total, component=self.name, width=width))

    def _labels_of(self, example: Example) -> Iterable[str]:
        """The labels of the gold entities or spans of an example."""
        return (span.label_ for span in gold_spans(example.y, key=self.settings.gold_key))

    def predict(self, docs: Sequence[Doc]) -> list[list[ScoredCharSpan]]:
        """Find the entities of documents.

        docs (Sequence[Doc]): The documents.
        RETURNS (list[list[ScoredCharSpan]]): For each document its entities, as character spans.
        """
        texts = [doc.text for doc in check_docs(docs, component=self.name)]
        return find_entities(self.model, texts, self.settings, component=self.name)

    def find_entities(
        self,
        doc: Doc,
        labels: Iterable[str] | Mapping[str, str] | None = None,
        *,
        threshold: float | None = None,
        nested: bool = False,
        multi_label: bool = False,
    ) -> list[ScoredSpan]:
        """Find entities without annotating them. Also `doc._.find_entities(labels)`.

        doc (Doc): The document.
        labels (Iterable[str] | Mapping[str, str] | None): Other labels than those of the settings,
            or labels with their descriptions.
        threshold (float | None): Another threshold than those of the settings.
        nested (bool): Whether an entity may contain other ones.
        multi_label (bool): Whether the same words may have several labels.
        RETURNS (list[ScoredSpan]): The entities, with `span` and `score`, in the order of the text.
        """
        docs = check_docs([doc], component=self.name)
        settings = replace(self.settings, annotate="spans", nested=nested, multi_label=multi_label)
        if labels is not None:
            chosen = check_labels(labels)
            described = labels if isinstance(labels, Mapping) else settings.descriptions
            settings = replace(
                settings,
                labels=tuple(chosen),
                descriptions={k: v for k, v in described.items() if k in chosen},
                thresholds={k: v for k, v in settings.thresholds.items() if k in chosen},
            )
        if threshold is not None:
            settings = replace(settings, threshold=threshold, thresholds={})
        (found,) = find_entities(self.model, [doc.text], settings, component=self.name)
        return self._align(docs, [found])[0]

    def set_annotations(self, docs: Sequence[Doc], scores: list[list[ScoredCharSpan]]) -> None:
        """Set `doc.ents` or `doc.spans[spans_key]`, replacing existing ones, and `span._.score`.

        docs (Sequence[Doc]): The documents.
        scores (list[list[ScoredCharSpan]]): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        overlapping = 0
        for doc, spans in zip(docs, self._align(docs, scores), strict=True):
            if self.settings.annotate == "spans":
                _set_group(doc, self.settings.spans_key, spans)
                continue
            kept = without_overlap(spans)
            overlapping += len(spans) - len(kept)
            doc.set_ents([scored.span for scored in kept])
            _set_scores(kept)
        if overlapping:
            warn(Warnings.W361.format(count=overlapping, component=self.name))

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make the batch of an update, or None if no example is annotated."""
        settings = self.settings
        if self.model.layers[1].shims[0].options.precision == "fp16":
            raise ValueError(Errors.E375.format(component=self.name))
        docs = [example.y for example in examples if has_gold(example.y, key=settings.gold_key)]
        set_head_rate(self.model, settings.learning.head_rate)
        return make_batch(self.model, docs, settings, known=self._trained, component=self.name)

    def rehearse(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, float]:
        """Raise an error: there is nothing to rehearse (E371)."""
        raise NotImplementedError(Errors.E371.format(component=self.name))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score entities as spaCy does, and those of labels that are not trained by themselves.

        examples (Iterable[Example]): Predicted and gold documents.
        RETURNS (dict[str, Any]): The scores.
        """
        examples, settings = list(examples), self.settings
        score = partial(super().score, **kwargs)
        scores: dict[str, Any] = score(examples)
        held_out = settings.learning.held_out
        if held_out and scores:
            scores |= held_out_scores(examples, score, held_out, key=settings.gold_key)
        return scores

    def _align(
        self, docs: Sequence[Doc], found: Sequence[Iterable[ScoredCharSpan]]
    ) -> list[list[ScoredSpan]]:
        mode = self.settings.alignment_mode
        aligned = [
            align_char_spans(doc, spans, mode) for doc, spans in zip(docs, found, strict=True)
        ]
        unplaced = sum(dropped for _, dropped in aligned)
        if unplaced:
            warn(Warnings.W360.format(count=unplaced, component=self.name, mode=mode))
        return [spans for spans, _ in aligned]

    def _save_checkpoint(self, folder: Path) -> None:
        save_gliner_model(self.model, folder)

    def _load_checkpoint(self, folder: Path) -> None:
        load_gliner(self.model, folder)


def _set_scores(spans: Iterable[ScoredSpan]) -> None:
    for scored in spans:
        scored.span._.set(SCORE, scored.score)


def _set_group(doc: Doc, key: str, spans: list[ScoredSpan]) -> None:
    scores = np.array([scored.score for scored in spans], dtype="f")
    found = [scored.span for scored in spans]
    doc.spans[key] = SpanGroup(doc, name=key, spans=found, attrs={"scores": scores})
    _set_scores(spans)
