"""Tables of predictions that are not spans of the text, beside the gold annotations."""

import math
from collections.abc import Iterator, Sequence

from spacy.tokens import Token
from spacy.training import Example

from spacy_deberta.corpora import get_questions

from .shown_text import ShownText, View
from .verdicts import Verdict, count_errors, judge_labels

# Number of best categories that are shown, besides the gold categories.
MAX_CATEGORIES = 6
TOKEN_COLUMNS = {
    "token.tag": ("TAG", "Tag"),
    "token.pos": ("POS", "Part of speech"),
    "token.morph": ("MORPH", "Morphology"),
    "token.lemma": ("LEMMA", "Lemma"),
    "token.dep": ("DEP", "Dependency"),
    "token.head": ("HEAD", "Head"),
}


def show_categories(text: ShownText) -> Iterator[View]:
    """Show the predicted scores of the categories of a text, beside the gold values."""
    predicted, gold = text.example.predicted.cats, text.example.reference.cats
    if not predicted:
        return
    best_first = sorted(predicted, key=lambda label: -predicted[label])
    verdicts: dict[str, Verdict] = {}
    # Other values are those of a regression.
    known = bool(gold) and {*gold.values()} <= {0.0, 1.0}
    if known:
        # Scores that sum to 1 are of categories that exclude one another.
        exclusive = math.isclose(sum(predicted.values()), 1.0, abs_tol=1e-4)
        found = {label for label in predicted if predicted[label] >= text.threshold}
        right = {label for label in gold if gold[label] > 0}
        verdicts = judge_labels({best_first[0]} if exclusive else found, right)
    shown = [
        label
        for i, label in enumerate(best_first)
        if i < MAX_CATEGORIES or gold.get(label, 0.0) > 0.0
    ]
    rows = [(label, gold.get(label), predicted[label], verdicts.get(label)) for label in shown]
    content = {"rows": rows, "known": known, "left_out": len(predicted) - len(shown)}
    yield View("categories.html", content, count_errors(verdicts.values()) if known else None)


def show_choices(text: ShownText) -> Iterator[View]:
    """Show the choices of a text with their scores, and mark the right one."""
    doc, right = text.example.predicted, text.example.reference._.right_choice
    if doc._.chosen is None:
        return
    scores = doc._.chosen["scores"]
    rows = list(zip(doc._.choices, scores, strict=True))
    verdict: Verdict | None = None
    if right is not None:
        verdict = "right" if scores[right] == max(scores) else "wrong"
    content = {"rows": rows, "right": right, "verdict": verdict}
    yield View("choices.html", content, None if verdict is None else count_errors([verdict]))


def show_answers(text: ShownText) -> Iterator[View]:
    """Show the best predicted answer to each question about a text, beside the gold answers."""
    given = text.example.predicted._.answers
    if not given:
        return
    gold = {question["id"]: question for question in get_questions(text.example.reference)}
    rows, verdicts = [], []
    for question in get_questions(text.example.predicted):
        known = gold.get(question["id"], question)["answers"]
        right = list(dict.fromkeys(answer["text"] for answer in known))
        best = next(iter(given.get(question["id"], ())), None)
        verdicts.append(_judge_answer("" if best is None else best["text"], right))
        rows.append((question["question"], " / ".join(right), best, verdicts[-1]))
    yield View("answers.html", {"rows": rows}, count_errors(verdicts))


def _judge_answer(found: str, right: list[str]) -> Verdict:
    if not right:
        return "extra" if found else "right"
    if not found:
        return "missed"
    folded = {" ".join(answer.casefold().split()) for answer in right}
    return "right" if " ".join(found.casefold().split()) in folded else "wrong"


def show_tokens(text: ShownText) -> Iterator[View]:
    """Show the predicted attributes of the tokens of a text, and where the gold values differ."""
    example = text.example
    columns = [column for name, column in TOKEN_COLUMNS.items() if name in text.assigned]
    if not columns:
        return
    cells = [_token_cells(example, attribute) for attribute, _ in columns]
    wrong = sum(gold is not None for column in cells for _, gold in column)
    content = {
        "columns": [title for _, title in columns],
        "rows": [(token.text, row) for token, *row in zip(example.predicted, *cells, strict=True)],
        "wrong": wrong,
    }
    known = any(example.reference.has_annotation(attribute) for attribute, _ in columns)
    yield View("tokens.html", content, count_errors(["wrong"] * wrong) if known else None)


def _token_cells(example: Example, attribute: str) -> list[tuple[str, str | None]]:
    """The predicted values, each with the gold value if that is known and another one."""
    if attribute == "HEAD":
        return _head_cells(example)
    predicted = [_value(token, attribute) for token in example.predicted]
    if not example.reference.has_annotation(attribute):
        return [(value, None) for value in predicted]
    gold = example.get_aligned(attribute, as_string=True)
    return [
        (value, None if other == value else other)
        for value, other in zip(predicted, gold, strict=True)
    ]


def _head_cells(example: Example) -> list[tuple[str, str | None]]:
    doc = example.predicted
    heads: Sequence[int | None] = [None] * len(doc)
    if example.reference.has_annotation("DEP"):
        heads, _ = example.get_aligned_parse(projectivize=False)
    return [
        (token.head.text, None if head in (None, token.head.i) else doc[head].text)
        for token, head in zip(doc, heads, strict=True)
    ]


def _value(token: Token, attribute: str) -> str:
    return str(token.morph) if attribute == "MORPH" else getattr(token, f"{attribute.lower()}_")
