"""The factory `deberta_token_classifier`: texts → `doc.ents`, `doc.spans` or tags."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, Ints
from spacy_deberta.errors import Warnings, warn
from spacy_deberta.layers import (
    DocWindows,
    PieceWindows,
    Sequences,
    cut_windows,
    encode_docs,
    get_tokenizer,
)
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.head_pipe import HeadPipe, TrainingBatch
from spacy_deberta.pipeline.settings import default_config

from .gold_units import (
    IGNORED,
    GoldSpans,
    gold_entities,
    gold_spans,
    gold_tags,
    label_spans,
    label_tags,
    span_types,
)
from .label_schemes import LabelScheme, bio_labels, find_scheme
from .scored_char_spans import find_char_spans
from .settings import TokenClassifierSettings
from .token_spans import ScoredSpan, align_char_spans, without_overlap
from .unit_tags import set_tags
from .units import (
    Units,
    UnitScores,
    count_lost,
    find_units,
    source_pieces,
    unit_probabilities,
)


@Language.factory(
    "deberta_token_classifier",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans", "token.tag"],
    default_config=default_config(
        TokenClassifierSettings(),
        head="token_classification",
        scorer="spacy-deberta.token_classifier_scorer.v1",
    ),
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_per_type": None,
        "spans_sc_f": None,
        "spans_sc_p": None,
        "spans_sc_r": None,
        "tag_acc": None,
    },
)
def make_token_classifier(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    annotate: str,
    spans_key: str,
    aggregation_strategy: str,
    alignment_mode: str,
    max_length: int,
    overlap: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "TokenClassifier":
    """Construct a component that finds entities, spans or tags with a fine-tuned checkpoint.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head
        "token_classification".
    annotate (str): "ents" sets `doc.ents`; "spans" sets `doc.spans[spans_key]`; "tag" sets
        `token.tag_` to the unchanged labels.
    spans_key (str): Name of the span group in `doc.spans`.
    aggregation_strategy (str): The units that get one label each. With "simple" pieces; otherwise
        tokens, with the label of their first piece ("first"), of the mean of their pieces
        ("average"), or of the piece with the highest probability ("max"). Only "simple" finds
        entities within a token; with the others they are reported.
    alignment_mode (str): Alignment of spans that begin or end within a token, which only "simple"
        finds: "expand" includes the token, "contract" excludes it, "strict" drops the span.
    max_length (int): Maximum number of pieces of a sequence, special tokens included. Longer texts
        are split into windows, and each piece is read from the window with the most context.
    overlap (int): Minimum number of pieces that neighbouring windows share.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (TokenClassifier): The component.
    """
    return TokenClassifier(
        nlp.vocab,
        model,
        name,
        annotate=annotate,
        spans_key=spans_key,
        aggregation_strategy=aggregation_strategy,
        alignment_mode=alignment_mode,
        max_length=max_length,
        overlap=overlap,
        scorer=scorer,
    )


class TokenClassifier(HeadPipe[TokenClassifierSettings]):
    """Find entities, spans or tags with a fine-tuned DeBERTa-v2.

    DOCS: docs/api/token_classifier.md
    """

    factory = "deberta_token_classifier"
    head = "token_classification"
    settings_class = TokenClassifierSettings
    wanted = (
        "a checkpoint that was fine-tuned to label tokens, such as 'tner/deberta-v3-large-wnut2017'"
    )

    @property
    def scheme(self) -> LabelScheme:
        """The label scheme of the head.

        Raises:
            ValueError: The labels are in no known scheme (E630).
        """
        return find_scheme(self.labels, component=self.name)

    @property
    def span_types(self) -> tuple[str, ...]:
        """The labels of entities and spans, without prefixes; none before initialization."""
        return self.scheme.types if self.labels else ()

    def predict(self, docs: Sequence[Doc]) -> UnitScores:
        """Compute the probabilities of all labels for all tokens, or pieces, of documents.

        docs (Sequence[Doc]): The documents.
        RETURNS (UnitScores): The units, and `(units, labels)`, float32.
        """
        units, windows = self._prepare(check_docs(docs, component=self.name))
        logits = np.zeros((0, len(self.labels)), dtype="f")
        if len(windows.lengths):
            logits = to_numpy(self.model.predict(windows.sequences))
        probabilities = torch.from_numpy(logits[windows.piece_rows]).softmax(-1).numpy()
        of_units = unit_probabilities(probabilities, units, self.settings.aggregation_strategy)
        lost = 0
        if self.settings.annotate != "tag" and not self.settings.only_first_pieces_trained:
            lost = count_lost(probabilities, of_units, units, outside=self.scheme.outside)
        return UnitScores(units, of_units, lost)

    def set_annotations(self, docs: Sequence[Doc], scores: UnitScores) -> None:
        """Set `doc.ents`, `doc.spans[spans_key]` or tags, replacing existing ones.

        docs (Sequence[Doc]): The documents.
        scores (UnitScores): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        if self.cfg["annotate"] == "tag":
            set_tags(docs, scores, self.labels)
            return
        unplaced, overlapping, mode = 0, 0, self.settings.alignment_mode
        for doc, char_spans in zip(docs, find_char_spans(scores, self.scheme), strict=True):
            spans, dropped = align_char_spans(doc, char_spans, mode)
            unplaced += dropped
            if self.cfg["annotate"] == "spans":
                self._set_spans(doc, spans)
                continue
            kept = without_overlap(spans)
            overlapping += len(spans) - len(kept)
            doc.set_ents([scored.span for scored in kept])
        if scores.lost:
            strategy = self.settings.aggregation_strategy
            warn(Warnings.W603.format(count=scores.lost, component=self.name, strategy=strategy))
        if unplaced:
            warn(Warnings.W601.format(count=unplaced, component=self.name, mode=mode))
        if overlapping:
            warn(Warnings.W602.format(count=overlapping, component=self.name))

    def gold_labels(self, examples: Iterable[Example]) -> list[str]:
        """The tags in order of occurrence; for entities and spans "O" and B and I of each type."""
        if self.cfg["annotate"] == "tag":
            tags = (tag for example in examples for tag in gold_tags(example) or ())
            return list(dict.fromkeys(tag for tag in tags if tag is not None))
        return bio_labels(span_types(map(self._gold_spans, examples)))

    def unknown_labels(self, labels: Sequence[str], known: Sequence[str]) -> list[str]:
        """Tags or types of spans that the head lacks, in any label scheme."""
        if self.cfg["annotate"] == "tag":
            return super().unknown_labels(labels, known)
        types, known_types = (
            find_scheme(tuple(names), component=self.name).types for names in (labels, known)
        )
        return super().unknown_labels(types, known_types)

    def check_head(self) -> None:
        """Raise an error for a head whose labels can't be decoded to spans (E630)."""
        if self.settings.annotate != "tag":
            find_scheme(self.labels, component=self.name)

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make the windows and the loss of the documents with gold annotation.

        The settings record whether only first pieces are trained.
        """
        units, windows = self._prepare([example.x for example in examples])
        targets = [self._targets(units, doc, example) for doc, example in enumerate(examples)]
        pieces, unit_of_piece = source_pieces(units, self.settings.aggregation_strategy)
        gold = np.concatenate([np.zeros(0, dtype=np.int64), *targets])[unit_of_piece]
        known = gold != IGNORED
        if not known.any():
            return None
        self.cfg["only_first_pieces_trained"] = self.cfg["aggregation_strategy"] == "first"
        rows = torch.from_numpy(windows.piece_rows[pieces[known]])
        classes = torch.from_numpy(gold[known])

        def loss(logits: torch.Tensor) -> torch.Tensor:
            device = logits.device
            return torch.nn.functional.cross_entropy(logits[rows.to(device)], classes.to(device))

        return TrainingBatch(windows.sequences, loss)

    def _prepare(self, docs: list[Doc]) -> tuple[Units, DocWindows]:
        tokenizer = get_tokenizer(self.model)
        doc_pieces = encode_docs(self.model, docs)
        limits = self.settings.windows
        windows = cut_windows(
            doc_pieces,
            PieceWindows(window=limits.max_pieces, overlap=limits.overlap),
            cls_id=tokenizer.cls_token_id,
            sep_id=tokenizer.sep_token_id,
            max_pieces=limits.max_pieces,
        )
        return find_units(doc_pieces, self.settings.aggregation_strategy), windows

    def _set_spans(self, doc: Doc, spans: list[ScoredSpan]) -> None:
        key = self.settings.spans_key
        doc.spans[key] = SpanGroup(
            doc,
            name=key,
            spans=[scored.span for scored in spans],
            attrs={"scores": np.array([scored.score for scored in spans], dtype="f")},
        )

    def _gold_spans(self, example: Example) -> GoldSpans | None:
        if self.cfg["annotate"] == "ents":
            return gold_entities(example)
        return gold_spans(example, self.settings.spans_key)

    def _targets(self, units: Units, doc: int, example: Example) -> Ints:
        if self.cfg["annotate"] == "tag":
            return label_tags(units, doc, gold_tags(example), self.labels, component=self.name)
        return label_spans(units, doc, self._gold_spans(example), self.scheme)
