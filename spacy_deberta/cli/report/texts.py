"""The texts of the report and their views, those with errors first."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from spacy.language import Language
from spacy.training import Example

from .prediction_views import show_answers, show_categories, show_choices, show_tokens
from .shown_text import ShownText, View
from .span_views import show_entities, show_spans
from .verdicts import Verdict

# Views of a text, in this order. A component with a new kind of prediction needs a
# view here.
DocView = Callable[[ShownText], Iterable[View]]
# Views that show the text itself. If none does, the plain text is shown above the other views.
TEXT_VIEWS: tuple[DocView, ...] = (show_entities, show_spans)
DOC_VIEWS: tuple[DocView, ...] = (
    *TEXT_VIEWS,
    show_categories,
    show_choices,
    show_answers,
    show_tokens,
)
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class ViewedText:
    """A text and its views.

    number (int): Its place in the data, counted from 1.
    text (str | None): The text, if no view shows it.
    direction (str): "ltr" or "rtl".
    views (Sequence[View]): Its views.
    """

    number: int
    text: str | None
    direction: str
    views: Sequence[View]

    @cached_property
    def errors(self) -> Counter[Verdict]:
        """The number of errors of each kind."""
        return sum((view.errors for view in self.views if view.errors), Counter())

    @property
    def kinds(self) -> set[str]:
        """The kinds of its errors and "wrong", or "right"; none without gold annotations."""
        if self.errors:
            return {*self.errors, "wrong"}
        return {"right"} if any(view.errors is not None for view in self.views) else set()


def read_texts(nlp: Language, examples: Sequence[Example]) -> list[ShownText]:
    """Read what the views need.

    nlp (Language): The pipeline.
    examples (Sequence[Example]): Documents with predictions, and gold documents.
    RETURNS (list[ShownText]): The texts.
    """
    assigned = frozenset(
        attribute for name in nlp.pipe_names for attribute in nlp.get_pipe_meta(name).assigns
    )
    threshold = _get_threshold(nlp)
    return [
        ShownText(number, example, assigned, threshold)
        for number, example in enumerate(examples, start=1)
    ]


def view_text(text: ShownText) -> ViewedText:
    """Make the views of a text.

    text (ShownText): The text.
    RETURNS (ViewedText): Its views.
    """
    views = {view: list(view(text)) for view in DOC_VIEWS}
    doc = text.example.predicted
    return ViewedText(
        number=text.number,
        text=None if any(views.get(view) for view in TEXT_VIEWS) else doc.text,
        direction=doc.vocab.writing_system.get("direction", "ltr"),
        views=[view for shown in views.values() for view in shown],
    )


def choose_texts(texts: Sequence[ShownText], limit: int) -> tuple[list[ViewedText], int]:
    """Choose the texts to show: those with errors first, otherwise in the order of the data.

    texts (Sequence[ShownText]): All texts.
    limit (int): Number of texts to show.
    RETURNS (tuple[list[ViewedText], int]): The chosen ones, and how many of all have errors.
    """
    wrong = [bool(view_text(text).errors) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: not wrong[i])
    return [view_text(texts[i]) for i in order[:limit]], sum(wrong)


def list_labels(examples: Iterable[Example]) -> set[str]:
    """List the labels of all entities and spans, predicted or gold.

    examples (Iterable[Example]): The documents.
    RETURNS (set[str]): The labels.
    """
    docs = [doc for example in examples for doc in (example.predicted, example.reference)]
    labels = {ent.label_ for doc in docs for ent in doc.ents}
    return labels | {span.label_ for doc in docs for group in doc.spans.values() for span in group}


def _get_threshold(nlp: Language) -> float:
    """The threshold of the component that sets categories."""
    for name, pipe in nlp.pipeline:
        if "doc.cats" in nlp.get_pipe_meta(name).assigns:
            own = getattr(pipe, "settings", None)
            threshold = getattr(pipe, "cfg", {}).get("threshold", getattr(own, "threshold", None))
            if threshold is not None:
                return threshold
    return DEFAULT_THRESHOLD
