"""The factory `deberta_zero_shot`: texts and candidate labels → `doc.cats`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, Ints
from spacy_deberta.layers import Sequences, check_whole_texts, get_labels, get_tokenizer
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.free_labels import FreeLabelsPipe
from spacy_deberta.pipeline.head_pipe import TrainingBatch
from spacy_deberta.pipeline.sequence_classifier.scorer import SCORE_WEIGHTS
from spacy_deberta.pipeline.settings import default_config
from spacy_deberta.pipeline.windows import mean_of_windows

from .hypothesis_pairs import Hypotheses, encode_hypotheses, make_pairs
from .nli_labels import NLI_LABELS, find_contradiction, find_entailment, scores_of_candidates
from .settings import ZeroShotSettings


@Language.factory(
    "deberta_zero_shot",
    assigns=["doc.cats"],
    default_config=default_config(
        ZeroShotSettings(),
        head="sequence_classification",
        scorer="spacy-deberta.sequence_classifier_scorer.v1",
    ),
    default_score_weights=SCORE_WEIGHTS,
)
def make_zero_shot(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    labels: list[str],
    hypothesis_template: str,
    multi_label: bool,
    entailment_label: str | None,
    contradiction_label: str | None,
    threshold: float,
    max_length: int,
    overlap: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "ZeroShot":
    """Construct a component that classifies texts by labels that it was not trained on.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head
        "sequence_classification", of a checkpoint that was trained on natural language inference.
    labels (list[str]): The candidate labels; if empty, those of the training data.
    hypothesis_template (str): Template of the hypotheses, with `{}` in the place of the label.
    multi_label (bool): Whether each label has an independent score. If not, the scores of a text
        sum to 1.
    entailment_label (str | None): The checkpoint's label for entailment; null for the label that
        starts with "entail".
    contradiction_label (str | None): The checkpoint's label for contradiction. Needed if
        `multi_label` is true, with only one candidate label, and in training.
    threshold (float): Minimum score of a positive label in multi-label scoring.
    max_length (int): Maximum number of pieces of a text with a hypothesis, special tokens included.
        Longer texts are split into windows, and the mean of their logits is taken.
    overlap (int): Minimum number of pieces that neighbouring windows share.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (ZeroShot): The component.
    """
    return ZeroShot(
        nlp.vocab,
        model,
        name,
        labels=labels,
        hypothesis_template=hypothesis_template,
        multi_label=multi_label,
        entailment_label=entailment_label,
        contradiction_label=contradiction_label,
        threshold=threshold,
        max_length=max_length,
        overlap=overlap,
        scorer=scorer,
    )


class ZeroShot(FreeLabelsPipe[ZeroShotSettings]):
    """Classify texts by candidate labels with a DeBERTa-v2 that was trained on NLI.

    DOCS: docs/api/zero_shot.md
    """

    factory = "deberta_zero_shot"
    head = "sequence_classification"
    settings_class = ZeroShotSettings
    _hypotheses: Hypotheses | None = None
    wanted = (
        "a checkpoint for natural language inference (NLI), such as "
        "'MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli'"
    )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
        new_head: bool = False,
    ) -> None:
        """Load weights and vocabulary from the source in the config.

        get_examples (Callable[[], Iterable[Example]]): Returns the training data, if there is any.
        nlp (Language | None): The pipeline.
        labels (list[str] | None): The candidate labels. Null for those of the settings, or if these
            are empty, of the data.
        new_head (bool): Whether to replace the head of the checkpoint by a new one.
        """
        validate_get_examples(get_examples, "ZeroShot.initialize")
        self._take_labels(labels, get_examples)
        super().initialize(get_examples, nlp=nlp, new_head=new_head)

    def _labels_of(self, example: Example) -> Iterable[str]:
        """The labels in the gold annotation of an example."""
        return example.y.cats

    def gold_labels(self, examples: Iterable[Example]) -> list[str]:
        """The labels of NLI, for a new head, if there is training data."""
        return list(NLI_LABELS) if any(example.y.cats for example in examples) else []

    def unknown_labels(self, labels: Sequence[str], known: Sequence[str]) -> list[str]:
        """Return none: checkpoints have various names for the labels of NLI."""
        return []

    def check_head(self) -> None:
        """Raise an error for a checkpoint that was not trained on NLI (E620)."""
        self._entailment()
        if self.settings.multi_label:
            self._contradiction()

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score a batch of examples, single-label or multi-label.

        examples (Iterable[Example]): The examples.
        kwargs (Any): Settings of the scorer.
        RETURNS (dict[str, Any]): The scores.
        """
        kind = "multi" if self.settings.multi_label else "single"
        return super().score(examples, **{"problem_type": f"{kind}_label_classification", **kwargs})

    def predict(self, docs: Sequence[Doc]) -> Array:
        """Compute the scores of the candidate labels for documents.

        docs (Sequence[Doc]): The documents.
        RETURNS (Array): `(docs, labels)`, float32.
        """
        return self._scores(check_docs(docs, component=self.name), self.settings)

    def classify(
        self,
        docs: Sequence[Doc],
        *,
        labels: Iterable[str] | None = None,
        hypothesis_template: str | None = None,
        multi_label: bool | None = None,
    ) -> list[dict[str, float]]:
        """Compute the scores of other labels than those of the settings, without annotating.

        docs (Sequence[Doc]): The documents.
        labels (Iterable[str] | None): The candidate labels.
        hypothesis_template (str | None): Template of the hypotheses, with `{}` in the place of the
            label.
        multi_label (bool | None): Whether each label has an independent score.
        RETURNS (list[dict[str, float]]): For each document the score of each label.
        """
        docs = check_docs(docs, component=self.name)
        given: dict[str, Any] = {
            "labels": labels,
            "hypothesis_template": hypothesis_template,
            "multi_label": multi_label,
        }
        settings = replace(self.settings, **{k: v for k, v in given.items() if v is not None})
        scores = self._scores(docs, settings)
        return [dict(zip(settings.labels, row, strict=True)) for row in scores.tolist()]

    def set_annotations(self, docs: Sequence[Doc], scores: Array) -> None:
        """Set `doc.cats`; labels of other components are kept.

        docs (Sequence[Doc]): The documents.
        scores (Array): `(docs, labels)`, from `predict`.
        """
        docs, labels = check_docs(docs, component=self.name), self.labels
        for doc, row in zip(docs, scores.tolist(), strict=True):
            doc.cats.update(zip(labels, row, strict=True))

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make pairs with the gold labels entailment or, for other labels, contradiction."""
        labels = self.labels
        examples = [example for example in examples if not example.y.cats.keys().isdisjoint(labels)]
        if not examples:
            return None
        true, false = self._entailment(), self._contradiction()
        cats = [example.y.cats for example in examples]
        positive = torch.tensor([c.get(label, 0.0) > 0.5 for c in cats for label in labels])
        gold = torch.where(positive, true, false)
        hypotheses = self._hypotheses_of(self.settings.hypothesis_template, labels)
        sequences, pair_of_window = self._pairs(hypotheses, [example.x for example in examples])

        def loss(logits: torch.Tensor) -> torch.Tensor:
            scores = mean_of_windows(logits, pair_of_window, len(gold))
            return torch.nn.functional.cross_entropy(scores, gold.to(logits.device))

        return TrainingBatch(sequences, loss)

    def _scores(self, docs: Sequence[Doc], settings: ZeroShotSettings) -> Array:
        hypotheses = self._hypotheses_of(settings.hypothesis_template, settings.labels)
        labels = len(hypotheses.labels)
        if not docs:
            return np.zeros((0, labels), dtype="f")
        sequences, pair_of_window = self._pairs(hypotheses, docs)
        logits = torch.from_numpy(to_numpy(self.model.predict(sequences)))
        means = mean_of_windows(logits, pair_of_window, len(docs) * labels)
        entailment = means[:, self._entailment()].reshape(len(docs), labels)
        if not settings.multi_label and labels > 1:  # the softmax of one label is always 1
            return scores_of_candidates(entailment)
        contradiction = means[:, self._contradiction()].reshape(len(docs), labels)
        return scores_of_candidates(entailment, contradiction)

    def _pairs(self, hypotheses: Hypotheses, docs: Sequence[Doc]) -> tuple[Sequences, Ints]:
        texts = [doc.text for doc in docs]
        return make_pairs(hypotheses, texts, windows=self.settings.windows)

    def _hypotheses_of(self, template: str, labels: tuple[str, ...]) -> Hypotheses:
        check_whole_texts(self.model, self.name)
        tokenizer = get_tokenizer(self.model)
        self._hypotheses = encode_hypotheses(self._hypotheses, tokenizer, template, labels)
        return self._hypotheses

    def _entailment(self) -> int:
        chosen = self.settings.entailment_label
        return find_entailment(get_labels(self.model), chosen, component=self.name)

    def _contradiction(self) -> int:
        chosen = self.settings.contradiction_label
        return find_contradiction(get_labels(self.model), chosen, component=self.name)
