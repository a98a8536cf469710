"""The factory `deberta_multiple_choice`: a text and choices → the best choice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array
from spacy_deberta.corpora import (
    Chosen,
    check_choices,
    copy_choices,
    get_choices,
    get_right_choice,
)
from spacy_deberta.layers import Sequences
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.head_pipe import HeadPipe, TrainingBatch
from spacy_deberta.pipeline.settings import default_config

from .choice_sequences import ChoiceSequences, join_choices
from .settings import MultipleChoiceSettings


@Language.factory(
    "deberta_multiple_choice",
    assigns=["doc._.chosen"],
    default_config=default_config(
        MultipleChoiceSettings(),
        head="multiple_choice",
        scorer="spacy-deberta.multiple_choice_scorer.v1",
    ),
    default_score_weights={"choice_acc": 1.0},
)
def make_multiple_choice(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    max_length: int,
    overlap: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "MultipleChoice":
    """Construct a component that chooses among answers with a fine-tuned checkpoint.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head
        "multiple_choice".
    max_length (int): Maximum number of pieces of a sequence, which is a text with one of its
        choices, special tokens included. Longer texts (but not choices) are split into windows, and
        the mean of the logits of a choice is taken.
    overlap (int): Minimum number of pieces that neighbouring windows of a text share.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (MultipleChoice): The component.
    """
    return MultipleChoice(
        nlp.vocab, model, name, max_length=max_length, overlap=overlap, scorer=scorer
    )


@dataclass(frozen=True)
class Choice:
    """One of the choices of a text.

    Attributes:
        index: Its index in the list of choices.
        text: The choice.
        score: From 0 to 1; those of all choices of a text sum to 1.
    """

    index: int
    text: str
    score: float


class MultipleChoice(HeadPipe[MultipleChoiceSettings]):
    """Choose among continuations of a text, or answers to a question, with a DeBERTa-v2.

    DOCS: docs/api/multiple_choice.md
    """

    factory = "deberta_multiple_choice"
    head = "multiple_choice"
    settings_class = MultipleChoiceSettings
    doc_method = "choose"
    wanted = (
        "a checkpoint with a `DebertaV2ForMultipleChoice`, of which few are public; training "
        "starts from one without, such as 'microsoft/deberta-v3-base'"
    )

    def choose(self, doc: Doc, choices: Sequence[str]) -> list[Choice]:
        """Score choices for a text; `doc._.choose(choices)` calls it.

        doc (Doc): The text: a question, or the start of a text that the choices continue.
        choices (Sequence[str]): The choices.
        RETURNS (list[Choice]): All choices, best first.
        """
        docs, choices = check_docs([doc], component=self.name), check_choices(choices)
        (scores,) = self._scores(docs, [choices])
        scored = [Choice(i, *pair) for i, pair in enumerate(zip(choices, scores, strict=True))]
        return sorted(scored, key=lambda choice: -choice.score)

    def predict(self, docs: Iterable[Doc]) -> list[list[float] | None]:
        """Score the choices in `doc._.choices` of documents.

        docs (Iterable[Doc]): The documents.
        RETURNS (list[list[float] | None]): A score for each choice; None for a document without
            choices.
        """
        docs = check_docs(docs, component=self.name)
        choices = {index: get_choices(doc) for index, doc in enumerate(docs)}
        asked = {index: found for index, found in choices.items() if found is not None}
        scores = self._scores([docs[index] for index in asked], list(asked.values()))
        scores_of = dict(zip(asked, scores, strict=True))
        return [scores_of.get(index) for index in range(len(docs))]

    def set_annotations(
        self, docs: Iterable[Doc], scores: Sequence[Sequence[float] | None]
    ) -> None:
        """Set `doc._.chosen` of the documents that have choices.

        docs (Iterable[Doc]): The documents.
        scores (Sequence[Sequence[float] | None]): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        for doc, of_doc in zip(docs, scores, strict=True):
            if of_doc is not None:
                best = max(range(len(of_doc)), key=of_doc.__getitem__)
                doc._.chosen = Chosen(index=best, scores=list(of_doc))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score a batch of examples.

        If the predicted document has no choices, as after reading a .spacy file, the choices of the
        gold document are scored.

        examples (Iterable[Example]): The examples.
        kwargs (Any): Settings of the scorer.
        RETURNS (dict[str, Any]): The scores.
        """
        scored = []
        borrowed = []
        for example in examples:
            if example.predicted._.choices is None and example.reference._.choices is not None:
                example = _with_gold_choices(example)
                borrowed.append(example.predicted)
            scored.append(example)
        self.set_annotations(borrowed, self.predict(borrowed))
        return super().score(scored, **kwargs)

    def has_gold(self, examples: Iterable[Example]) -> bool:
        """Whether there is a document with a right choice."""
        return any(example.reference._.right_choice is not None for example in examples)

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make the sequences and the loss of the documents with a right choice."""
        examples = [eg for eg in examples if eg.reference._.right_choice is not None]
        if not examples:
            return None
        # The index of the right choice refers to the choices of the same document.
        choices = [
            check_choices(eg.reference._.choices or eg.predicted._.choices) for eg in examples
        ]
        right = torch.tensor(
            [
                get_right_choice(eg.reference, of_doc)
                for eg, of_doc in zip(examples, choices, strict=True)
            ]
        )
        joined = self._join([eg.predicted for eg in examples], choices)

        def loss(logits: torch.Tensor) -> torch.Tensor:
            table = joined.choice_logits(logits)
            return torch.nn.functional.cross_entropy(table, right.to(logits.device))

        return TrainingBatch(joined.sequences, loss)

    def _scores(self, docs: Sequence[Doc], choices: Sequence[list[str]]) -> list[list[float]]:
        if not docs:
            return []
        joined = self._join(docs, choices)
        logits = torch.from_numpy(to_numpy(self.model.predict(joined.sequences)))
        rows = joined.choice_logits(logits).softmax(-1).tolist()
        return [row[: len(of_doc)] for row, of_doc in zip(rows, choices, strict=True)]

    def _join(self, docs: Sequence[Doc], choices: Sequence[list[str]]) -> ChoiceSequences:
        return join_choices(
            self.model,
            [doc.text for doc in docs],
            choices,
            windows=self.settings.windows,
            component=self.name,
        )


def _with_gold_choices(example: Example) -> Example:
    predicted = example.predicted.copy()
    copy_choices(predicted, example.reference)
    return Example(predicted, example.reference)
