"""Runs a pipeline on batches of texts, and encodes its annotations as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from pydantic_core import to_json
from spacy.language import Language
from spacy.tokens import Doc

from spacy_deberta.errors import Errors
from spacy_deberta.text_alignment import PipelineTokenizer, find_tokenizer

from .doc_values import doc_values, scored_span
from .failures import ServiceError

GLINER = "deberta_gliner"
ZERO_SHOT = "deberta_zero_shot"
FREE_LABELS = (GLINER, ZERO_SHOT)
FILL_MASK = "deberta_fill_mask"


@dataclass(frozen=True)
class TextTask:
    """A text to annotate.

    text (str): The text.
    labels (tuple[str, ...] | None): Labels for components that take any; None for their own.
    pieces (bool): Whether the pieces of the text are wanted.
    """

    text: str
    labels: tuple[str, ...] | None = None
    pieces: bool = False


class TextAnnotator:
    """A pipeline, and its components that take labels with each request."""

    def __init__(self, nlp: Language) -> None:
        """Find the components of a pipeline.

        nlp (Language): The pipeline.
        """
        self.nlp = nlp
        factories = {name: nlp.get_pipe_meta(name).factory for name in nlp.pipe_names}
        self.factories = factories
        self._gliners = [name for name, factory in factories.items() if factory == GLINER]
        self._zero_shots = [name for name, factory in factories.items() if factory == ZERO_SHOT]

    @cached_property
    def tokenizer(self) -> PipelineTokenizer | None:
        """The DeBERTa tokenizer, if the pipeline has one."""
        return find_tokenizer(self.nlp)

    @property
    def takes_labels(self) -> bool:
        """Whether a component finds labels that come with a text."""
        return bool(self._gliners or self._zero_shots)

    @property
    def fills_masks(self) -> bool:
        """Whether a component fills masks."""
        return FILL_MASK in self.factories.values()

    def check(self, *, labels: bool, pieces: bool) -> None:
        """Check that the pipeline has what a request asks for.

        labels (bool): Whether it has labels.
        pieces (bool): Whether it wants pieces.

        Raises:
            ServiceError: The pipeline lacks it (E851, E852).
        """
        if labels and not self.takes_labels:
            raise ServiceError(422, Errors.E851)
        if pieces and self.tokenizer is None:
            raise ServiceError(422, Errors.E852)

    def annotate(self, tasks: Sequence[TextTask]) -> list[bytes]:
        """Annotate a batch of texts.

        tasks (Sequence[TextTask]): The texts.
        RETURNS (list[bytes]): For each its annotations, as a JSON object in UTF-8.
        """
        answers = [b""] * len(tasks)
        numbers = sorted(range(len(tasks)), key=lambda i: tasks[i].labels or ())
        # Words of the texts are forgotten, so that a service that runs for months does not grow.
        with self.nlp.memory_zone():
            for labels, group in groupby(numbers, key=lambda i: tasks[i].labels):
                own = list(group)
                found = self._annotate([tasks[i] for i in own], labels)
                for i, values in zip(own, found, strict=True):
                    answers[i] = to_json(values, inf_nan_mode="null")
        return answers

    def _annotate(
        self, tasks: Sequence[TextTask], labels: tuple[str, ...] | None
    ) -> list[dict[str, Any]]:
        """Annotate texts that share their labels."""
        replaced = [] if labels is None else [*self._gliners, *self._zero_shots]
        texts = [task.text for task in tasks]
        docs = list(self.nlp.pipe(texts, batch_size=len(texts), disable=replaced))
        answers = [
            doc_values(doc, tokenizer=self.tokenizer if task.pieces else None)
            for task, doc in zip(tasks, docs, strict=True)
        ]
        if labels is not None:
            self._find_labels(docs, answers, labels)
        return answers

    def _find_labels(
        self, docs: Sequence[Doc], answers: Sequence[dict[str, Any]], labels: tuple[str, ...]
    ) -> None:
        """Put entities and scores of the labels where the components would put those of theirs."""
        for name in self._gliners:
            gliner: Any = self.nlp.get_pipe(name)
            settings = gliner.settings
            for doc, answer in zip(docs, answers, strict=True):
                found = gliner.find_entities(doc, labels)
                spans = [scored_span(entity.span, entity.score) for entity in found]
                if settings.annotate == "spans":
                    answer["spans"][settings.spans_key] = spans
                else:
                    answer["ents"] = spans
        for name in self._zero_shots:
            zero_shot: Any = self.nlp.get_pipe(name)
            scores = zero_shot.classify(docs, labels=labels)
            for answer, of_labels in zip(answers, scores, strict=True):
                answer["cats"].update(of_labels)
