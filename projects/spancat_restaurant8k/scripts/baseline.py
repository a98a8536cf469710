"""Score a dictionary of the slots in the training data.

A string is in the dictionary if at least half of its occurrences in the training data are the same
slot. Of overlapping strings, the longest is used. Case is ignored.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.matcher import PhraseMatcher
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example
from spacy.util import filter_spans
from spacy.vocab import Vocab
from wasabi import msg

SPANS_KEY = "sc"


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read a `.spacy` file."""
    return list(DocBin().from_disk(path).get_docs(vocab))


def find(matcher: PhraseMatcher, doc: Doc) -> list[Span]:
    """Occurrences of the strings of the dictionary."""
    return filter_spans(matcher(doc, as_spans=True))


def count_slots(docs: Iterable[Doc]) -> dict[str, Counter[str]]:
    """Counts of the slots of each string."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for doc in docs:
        for span in doc.spans[SPANS_KEY]:
            counts[span.text.lower()][span.label_] += 1
    return counts


def make_matcher(vocab: Vocab, slots: dict[str, str]) -> PhraseMatcher:
    """Find strings, each with its slot."""
    nlp = spacy.blank("en", vocab=vocab)
    matcher = PhraseMatcher(vocab, attr="LOWER")
    by_label: defaultdict[str, list[Doc]] = defaultdict(list)
    for text, label in slots.items():
        by_label[label].append(nlp.make_doc(text))
    for label, patterns in by_label.items():
        matcher.add(label, patterns)
    return matcher


def make_dictionary(docs: list[Doc], vocab: Vocab) -> dict[str, str]:
    """The strings that are a slot in at least half of their occurrences."""
    counts = count_slots(docs)
    frequent = {text: slots.most_common(1)[0] for text, slots in counts.items()}
    matcher = make_matcher(vocab, {text: label for text, (label, _) in frequent.items()})
    seen = Counter(span.text.lower() for doc in docs for span in matcher(doc, as_spans=True))
    return {text: label for text, (label, n) in frequent.items() if 2 * n >= seen[text]}


def score(docs: list[Doc], matcher: PhraseMatcher) -> dict[str, Any]:
    """The scores of `spancat` for the occurrences."""
    examples = []
    for doc in docs:
        guess = Doc(
            doc.vocab,
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
        )
        guess.spans[SPANS_KEY] = SpanGroup(guess, name=SPANS_KEY, spans=find(matcher, guess))
        examples.append(Example(guess, doc))
    attribute = f"spans_{SPANS_KEY}"
    return Scorer.score_spans(
        examples,
        attribute,
        getter=lambda doc, _: doc.spans[SPANS_KEY],
        has_annotation=lambda doc: SPANS_KEY in doc.spans,
        allow_overlap=True,
        labeled=True,
    )


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores for both parts."""
    vocab = spacy.blank("en").vocab
    dictionary = make_dictionary(read_docs(train, vocab), vocab)
    matcher = make_matcher(vocab, dictionary)
    scores: dict[str, Any] = {"guess": f"a dictionary of {len(dictionary)} strings"}
    for name, path in (("dev", dev), ("test", test)):
        scores[name] = score(read_docs(path, vocab), matcher)
        msg.good(f"{name}, {scores['guess']}: F {scores[name][f'spans_{SPANS_KEY}_f']:.1%}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)
