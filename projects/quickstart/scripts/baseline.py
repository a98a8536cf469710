"""Score a baseline without a model: frequent categories, and a dictionary of entities and spans.

Every text gets the most frequent category. Entities and spans are all occurrences of the strings
that were one in the training data, with their most frequent labels.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import filter_spans
from wasabi import msg

SPANS_KEY = "sc"

Seen = dict[str, str]


def collect(spans: Iterable[Span]) -> Seen:
    """The most frequent label of the text of each span."""
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for span in spans:
        labels[span.text][span.label_] += 1
    return {text: counts.most_common(1)[0][0] for text, counts in labels.items()}


def find(doc: Doc, seen: Seen, longest: int) -> list[Span]:
    """All occurrences of known strings in a document."""
    candidates = (
        doc[start : start + length]
        for start in range(len(doc))
        for length in range(1, min(longest, len(doc) - start) + 1)
    )
    return [
        Span(doc, span.start, span.end, label=seen[span.text])
        for span in candidates
        if span.text in seen
    ]


def guess(doc: Doc, *, entities: Seen, spans: Seen, category: str, longest: int) -> Doc:
    """A document with the annotations of the baseline."""
    guessed = Doc(
        doc.vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
    )
    guessed.set_ents(filter_spans(find(guessed, entities, longest)))
    guessed.spans[SPANS_KEY] = find(guessed, spans, longest)
    guessed.cats = {label: float(label == category) for label in doc.cats}
    return guessed


def score(examples: list[Example]) -> dict[str, Any]:
    """The scores, as `spacy benchmark accuracy` names them."""
    categories = list(examples[0].reference.cats)
    return {
        **get_ner_prf(examples),
        **Scorer.score_cats(examples, "cats", labels=categories, multi_label=False, threshold=0.0),
        **Scorer.score_spans(
            examples,
            f"spans_{SPANS_KEY}",
            getter=lambda doc, _: doc.spans[SPANS_KEY],
            has_annotation=lambda doc: SPANS_KEY in doc.spans,
            allow_overlap=True,
        ),
    }


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores."""
    vocab = spacy.blank("en").vocab
    known, unknown = (list(DocBin().from_disk(path).get_docs(vocab)) for path in (train, test))
    groups = [list(doc.ents) + list(doc.spans[SPANS_KEY]) for doc in known]
    categories = Counter(max(doc.cats, key=doc.cats.__getitem__) for doc in known)
    category = categories.most_common(1)[0][0]
    guesses = {
        "entities": collect(ent for doc in known for ent in doc.ents),
        "spans": collect(span for doc in known for span in doc.spans[SPANS_KEY]),
        "longest": max(len(span) for group in groups for span in group),
    }
    scores = score([Example(guess(doc, category=category, **guesses), doc) for doc in unknown])
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, {"category": category, **scores})
    msg.good(
        f"Names seen in training: F {scores['ents_f']:.1%}; spans: F "
        f"{scores[f'spans_{SPANS_KEY}_f']:.1%}; always {category}: accuracy "
        f"{scores['cats_micro_f']:.1%}, macro F {scores['cats_macro_f']:.1%}"
    )


if __name__ == "__main__":
    typer.run(main)
