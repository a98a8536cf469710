"""Score baselines without a model.

- `first_words`: the first n words of the text; n is the best number on the training data.
- `random_words`: n consecutive random words; n is the mean length of answers in the training data.
  The score is the mean over all positions, which is the expected score.
- `similar_sentence`: the sentence that shares the most words with the question.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_deberta.corpora import Question, get_questions
from spacy_deberta.pipeline.question_answering.scorer import (
    exact_match,
    normalize_answer,
    word_f1,
)

MOST_WORDS = 20
# From a text and a question to all answers, which are equally probable.
Guess = Callable[[Doc, Question], list[str]]


def read_docs(path: Path) -> list[Doc]:
    """Read a `.spacy` file, in sentences."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return list(nlp.pipe(DocBin().from_disk(path).get_docs(nlp.vocab)))


def first_words(count: int) -> Guess:
    """Answer with the first words of the text."""
    return lambda doc, question: [doc[:count].text]


def random_words(count: int) -> Guess:
    """Answer with consecutive random words."""
    return lambda doc, question: [
        doc[start : start + count].text for start in range(max(len(doc) - count + 1, 1))
    ]


def similar_sentence(doc: Doc, question: Question) -> list[str]:
    """Answer with the first of the sentences that are most similar to the question."""
    asked = set(normalize_answer(question["question"]).split())
    shared = [len(asked & set(normalize_answer(sent.text).split())) for sent in doc.sents]
    return [list(doc.sents)[shared.index(max(shared))].text]


def score(docs: Iterable[Doc], guess: Guess) -> dict[str, float]:
    """The mean scores of a baseline over all questions."""
    exact, overlap = [], []
    for doc in docs:
        for question in get_questions(doc):
            guesses = guess(doc, question)
            gold = [answer["text"] for answer in question["answers"]]
            for scores, measure in ((exact, exact_match), (overlap, word_f1)):
                best = [max(measure(text, answer) for answer in gold) for text in guesses]
                scores.append(sum(best) / len(best))
    return {"qa_exact": sum(exact) / len(exact), "qa_f1": sum(overlap) / len(overlap)}


def mean_length(docs: Iterable[Doc]) -> int:
    """The mean number of tokens of an answer, rounded."""
    spans = [
        doc.char_span(a["start"], a["start"] + len(a["text"]), alignment_mode="expand")
        for doc in docs
        for question in get_questions(doc)
        for a in question["answers"]
    ]
    return round(sum(len(span) for span in spans) / len(spans))


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores for both parts."""
    training = read_docs(train)
    lengths = range(1, MOST_WORDS + 1)
    first = max(lengths, key=lambda count: score(training, first_words(count))["qa_f1"])
    length = mean_length(training)
    guesses: dict[str, Guess] = {
        "first_words": first_words(first),
        "random_words": random_words(length),
        "similar_sentence": similar_sentence,
    }
    scores: dict[str, Any] = {"words": {"first_words": first, "random_words": length}}
    for part, path in (("dev", dev), ("test", test)):
        docs = read_docs(path)
        scores[part] = {name: score(docs, guess) for name, guess in guesses.items()}
        for name, values in scores[part].items():
            msg.good(f"{part}, {name}: F1 {values['qa_f1']:.1%}, exact {values['qa_exact']:.1%}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)
