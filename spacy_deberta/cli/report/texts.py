"""The sections of the report with texts and their predictions."""

from collections.abc import Callable, Sequence

from spacy.language import Language
from spacy.training import Example

from .displacy_views import draw_parses, show_entities, show_spans
from .markup import escape_text
from .prediction_tables import show_answers, show_categories, show_choices, show_tokens
from .shown_text import ShownText

# Views of a text, in this order. A view returns HTML, or "" if it has nothing to show. A component
# with a new kind of prediction needs a view here.
DocView = Callable[[ShownText], str]
# Views that show the text itself. If all are empty, the plain text is shown above the other views.
TEXT_VIEWS: tuple[DocView, ...] = (show_entities, show_spans)
DOC_VIEWS: tuple[DocView, ...] = (
    *TEXT_VIEWS,
    show_categories,
    show_choices,
    show_answers,
    show_tokens,
)

# Golden-angle steps around the hue circle, which keep any number of labels distinct.
HUE_STEP, FIRST_HUE = 137.5, 210.0


def render_texts(nlp: Language, examples: Sequence[Example]) -> str:
    """Render texts with predictions and gold annotations.

    nlp (Language): The pipeline.
    examples (Sequence[Example]): Documents with predictions, and gold documents.
    RETURNS (str): HTML.
    """
    assigned = frozenset(
        attribute for name in nlp.pipe_names for attribute in nlp.get_pipe_meta(name).assigns
    )
    colors = _choose_colors(examples)
    texts = [ShownText(example, assigned, colors) for example in examples]
    return "\n".join(_render_text(number, text) for number, text in enumerate(texts, start=1))


def render_parses(examples: Sequence[Example]) -> str:
    """Render the parse trees of some short sentences.

    examples (Sequence[Example]): Documents with predictions.
    RETURNS (str): HTML; "" if there is no parser.
    """
    drawn = draw_parses(example.predicted for example in examples)
    return "\n".join(f'<figure class="card parse">{html}</figure>' for html in drawn)


def _render_text(number: int, text: ShownText) -> str:
    shown = {view: html for view in DOC_VIEWS if (html := view(text))}
    views = "\n".join(shown.values())
    direction = text.example.predicted.vocab.writing_system.get("direction")
    attributes = ' dir="rtl"' if direction == "rtl" else ""
    if not shown.keys() & set(TEXT_VIEWS):
        views = f'<p class="plain">{escape_text(text.example.predicted.text)}</p>\n{views}'
    return f'<article{attributes}>\n<h3 id="text-{number}">Text {number}</h3>\n{views}\n</article>'


def _choose_colors(examples: Sequence[Example]) -> dict[str, str]:
    docs = [doc for example in examples for doc in (example.predicted, example.reference)]
    labels = {ent.label_ for doc in docs for ent in doc.ents}
    labels |= {span.label_ for doc in docs for group in doc.spans.values() for span in group}
    return {
        label: f"hsl({(FIRST_HUE + HUE_STEP * i) % 360:.0f}, 70%, 82%)"
        for i, label in enumerate(sorted(labels))
    }
