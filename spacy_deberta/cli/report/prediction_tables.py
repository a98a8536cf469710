"""Tables of predictions that are not spans of the text, beside the gold annotations."""

from spacy.tokens import Token
from spacy.training import Example

from spacy_deberta.corpora import get_questions

from .markup import escape_text, make_table
from .shown_text import ShownText

# Number of best categories that are shown, besides the gold categories.
MAX_CATEGORIES = 6
TOKEN_COLUMNS = {
    "token.tag": ("TAG", "Tag"),
    "token.pos": ("POS", "Part of speech"),
    "token.morph": ("MORPH", "Morphology"),
    "token.lemma": ("LEMMA", "Lemma"),
    "token.dep": ("DEP", "Dependency"),
}


def show_categories(text: ShownText) -> str:
    """Show the predicted scores of the categories of a text, beside the gold values."""
    predicted, gold = text.example.predicted.cats, text.example.reference.cats
    if not predicted:
        return ""
    best_first = sorted(predicted, key=lambda label: -predicted[label])
    shown = [
        label
        for i, label in enumerate(best_first)
        if i < MAX_CATEGORIES or gold.get(label, 0.0) > 0.0
    ]
    rows = [
        (escape_text(label), _number(gold.get(label)), _bar(predicted[label])) for label in shown
    ]
    left_out = len(predicted) - len(shown)
    note = f'<p class="note">Lower ones, left out: {left_out}.</p>' if left_out else ""
    table = make_table(("Category", "Gold", "Predicted"), rows)
    return f'<div class="view"><h4>Categories</h4>{table}{note}</div>'


def show_choices(text: ShownText) -> str:
    """Show the choices of a text with their scores, and mark the right one."""
    doc, right = text.example.predicted, text.example.reference._.right_choice
    if doc._.chosen is None:
        return ""
    scored = zip(doc._.choices, doc._.chosen["scores"], strict=True)
    rows = [
        (escape_text(choice), "" if right is None else "✓" * (index == right), _bar(score))
        for index, (choice, score) in enumerate(scored)
    ]
    table = make_table(("Choice", "Right", "Predicted"), rows)
    return f'<div class="view"><h4>Choices</h4>{table}</div>'


def show_answers(text: ShownText) -> str:
    """Show the best predicted answer to each question about a text, beside the gold answers."""
    given = text.example.predicted._.answers
    if not given:
        return ""
    gold = {question["id"]: question for question in get_questions(text.example.reference)}
    rows = []
    for question in get_questions(text.example.predicted):
        known = gold.get(question["id"], question)["answers"]
        right = " / ".join(dict.fromkeys(answer["text"] for answer in known))
        best = next(iter(given.get(question["id"], ())), None)
        cells = ("–", "–") if best is None else (best["text"] or "–", _bar(best["score"]))
        rows.append((*map(escape_text, (question["question"], right or "–", cells[0])), cells[1]))
    table = make_table(("Question", "Right", "Answer", "Score"), rows)
    return f'<div class="view"><h4>Answers</h4>{table}</div>'


def show_tokens(text: ShownText) -> str:
    """Show the predicted attributes of the tokens of a text, and where the gold values differ."""
    example = text.example
    columns = [column for name, column in TOKEN_COLUMNS.items() if name in text.assigned]
    if not columns:
        return ""
    cells = [_token_cells(example, attribute) for attribute, _ in columns]
    rows = zip((escape_text(token.text) for token in example.predicted), *cells, strict=True)
    table = make_table(("Token", *(title for _, title in columns)), rows)
    wrong = sum('class="wrong"' in cell for column in cells for cell in column)
    summary = f"Tokens, other than gold: {wrong}" if wrong else "Tokens"
    return f'<details class="view"><summary>{summary}</summary>{table}</details>'


def _token_cells(example: Example, attribute: str) -> list[str]:
    predicted = [_value(token, attribute) for token in example.predicted]
    if not example.reference.has_annotation(attribute):
        return [escape_text(value) for value in predicted]
    gold = example.get_aligned(attribute, as_string=True)
    return [
        escape_text(value)
        if other in (None, value)
        else f'<span class="wrong">{escape_text(value)}</span> {escape_text(other)}'
        for value, other in zip(predicted, gold, strict=True)
    ]


def _value(token: Token, attribute: str) -> str:
    return str(token.morph) if attribute == "MORPH" else getattr(token, f"{attribute.lower()}_")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _bar(value: float) -> str:
    width = 100 * min(max(value, 0.0), 1.0)
    bar = f'<span class="bar"><span style="width: {width:.1f}%"></span></span>'
    return f"{bar} {value:.3f}"
