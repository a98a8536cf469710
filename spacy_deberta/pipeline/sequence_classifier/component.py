"""The factory `deberta_sequence_classifier`: texts → `doc.cats`."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, Ints
from spacy_deberta.errors import Errors
from spacy_deberta.layers import (
    PieceRanges,
    Sequences,
    encode_docs,
    get_config,
    get_tokenizer,
    join_sequences,
)
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.head_pipe import HeadPipe, TrainingBatch
from spacy_deberta.pipeline.settings import default_config
from spacy_deberta.pipeline.windows import mean_of_windows

from .problem_types import gold_scores, problem_type_of, scores_loss, scores_of
from .scorer import SCORE_WEIGHTS
from .settings import SequenceClassifierSettings


@Language.factory(
    "deberta_sequence_classifier",
    assigns=["doc.cats"],
    default_config=default_config(
        SequenceClassifierSettings(),
        head="sequence_classification",
        scorer="spacy-deberta.sequence_classifier_scorer.v1",
    ),
    default_score_weights=SCORE_WEIGHTS,
)
def make_sequence_classifier(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    problem_type: str | None,
    threshold: float,
    max_length: int,
    overlap: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "SequenceClassifier":
    """Construct a component that classifies texts with a fine-tuned checkpoint.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head
        "sequence_classification".
    problem_type (str | None): "single_label_classification", with scores that sum to 1;
        "multi_label_classification", with an independent score from 0 to 1 for each label; or
        "regression", with the outputs as scores. Null for the checkpoint's problem type; if it has
        none, regression for one label and a single label for more.
    threshold (float): Minimum score of a positive label in multi-label scoring.
    max_length (int): Maximum number of pieces of a sequence, special tokens included. Longer texts
        are split into windows, and the mean of their logits is taken.
    overlap (int): Minimum number of pieces that neighbouring windows share.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (SequenceClassifier): The component.
    """
    return SequenceClassifier(
        nlp.vocab,
        model,
        name,
        problem_type=problem_type,
        threshold=threshold,
        max_length=max_length,
        overlap=overlap,
        scorer=scorer,
    )


class SequenceClassifier(HeadPipe[SequenceClassifierSettings]):
    """Classify texts with a fine-tuned DeBERTa-v2.

    DOCS: docs/api/sequence_classifier.md
    """

    factory = "deberta_sequence_classifier"
    head = "sequence_classification"
    settings_class = SequenceClassifierSettings
    wanted = (
        "a checkpoint that was fine-tuned to classify texts, such as "
        "'protectai/deberta-v3-base-prompt-injection-v2'"
    )

    @property
    def problem_type(self) -> str:
        """The problem type: the setting, or else the checkpoint's."""
        return self.settings.problem_type or problem_type_of(get_config(self.model))

    def config_values(self) -> dict[str, Any]:
        """The problem type of the settings, for the config of a saved checkpoint."""
        chosen = self.settings.problem_type
        return {} if chosen is None else {"problem_type": chosen}

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score a batch of examples by the problem type.

        examples (Iterable[Example]): The examples.
        kwargs (Any): Settings of the scorer.
        RETURNS (dict[str, Any]): The scores.
        """
        return super().score(examples, **{"problem_type": self.problem_type, **kwargs})

    def predict(self, docs: Sequence[Doc]) -> Array:
        """Compute the scores of documents.

        docs (Sequence[Doc]): The documents.
        RETURNS (Array): `(docs, labels)`, float32, normalized by the problem type.
        """
        docs = check_docs(docs, component=self.name)
        if not docs:
            return np.zeros((0, len(self.labels)), dtype="f")
        sequences, doc_of_window = self._sequences(docs)
        logits = torch.from_numpy(to_numpy(self.model.predict(sequences)))
        return scores_of(mean_of_windows(logits, doc_of_window, len(docs)), self.problem_type)

    def set_annotations(self, docs: Sequence[Doc], scores: Array) -> None:
        """Set `doc.cats`; labels of other components are kept.

        docs (Sequence[Doc]): The documents.
        scores (Array): `(docs, labels)`, from `predict`.
        """
        docs, labels = check_docs(docs, component=self.name), self.labels
        for doc, row in zip(docs, scores.tolist(), strict=True):
            doc.cats.update(zip(labels, row, strict=True))

    def gold_labels(self, examples: Iterable[Example]) -> list[str]:
        """All keys of `doc.cats`, in order of occurrence."""
        return list(dict.fromkeys(label for example in examples for label in example.y.cats))

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make the sequences and the loss of the documents whose `cats` have labels of the head."""
        labels = self.labels
        examples = [example for example in examples if not example.y.cats.keys().isdisjoint(labels)]
        if not examples:
            return None
        gold = gold_scores([example.y.cats for example in examples], labels, self.problem_type)
        if self.problem_type == "single_label_classification":
            for example, positive in zip(examples, (gold > 0.5).sum(1).tolist(), strict=True):
                self._check_single_label(example.y, positive)
        sequences, doc_of_window = self._sequences([example.x for example in examples])

        def loss(logits: torch.Tensor) -> torch.Tensor:
            scores = mean_of_windows(logits, doc_of_window, len(gold))
            return scores_loss(scores, gold.to(logits.device), self.problem_type)

        return TrainingBatch(sequences, loss)

    def _check_single_label(self, doc: Doc, positive: int) -> None:
        if positive != 1:
            cats = dict(doc.cats)
            raise ValueError(Errors.E610.format(component=self.name, count=positive, cats=cats))

    def _sequences(self, docs: Sequence[Doc]) -> tuple[Sequences, Ints]:
        """Windows of the documents with special tokens, and the document of each window."""
        tokenizer, windows = get_tokenizer(self.model), self.settings.windows
        pieces = encode_docs(self.model, docs).pieces
        ranges, doc_of_window = PieceRanges.whole(pieces).split(
            window=windows.max_pieces, overlap=windows.overlap
        )
        return join_sequences(tokenizer, ranges).sequences, doc_of_window
