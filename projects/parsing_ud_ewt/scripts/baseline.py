"""Score a baseline without a model: the most frequent tags, attached to the adjacent word.

Tag, part of speech, morphology and relation of a word are independently the most frequent ones
of that word in the training data. Unknown words have the most frequent ones of the words that occur
once in the training data. Sentences end at `.`, `!` and `?`. The words of a sentence are all
attached to the previous word, or all to the next word, depending on which is right more often in
the training data.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Token
from spacy.training import Example
from spacy.util import registry
from wasabi import msg

Side = Literal["before", "behind"]
Word = tuple[str, str, str, str]
SCORERS = ("spacy.tagger_scorer.v1", "spacy.morphologizer_scorer.v1", "spacy.parser_scorer.v1")
SCORES = ("tag_acc", "pos_acc", "morph_acc", "dep_uas", "dep_las", "sents_f")


@dataclass(frozen=True)
class Guess:
    """Statistics of the training data.

    Attributes:
        words: For each word its most frequent tag, part of speech, morphology and relation.
        unknown: The same for words that are not in `words`.
        side: The side of the head of a word.
    """

    words: dict[str, Word]
    unknown: Word
    side: Side


def describe(token: Token) -> Word:
    """The annotations of a word."""
    return token.tag_, token.pos_, str(token.morph), token.dep_


def best_side(docs: Iterable[Doc]) -> Side:
    """The side on which heads are more frequent, of the words next to their head."""
    distances = Counter(token.head.i - token.i for doc in docs for token in doc)
    return "before" if distances[-1] >= distances[1] else "behind"


def most_frequent(kinds: Iterable[Word]) -> Word:
    """The most frequent value of each of the four annotations, independently."""
    tags, pos, morphs, deps = map(Counter, zip(*kinds, strict=True))
    # Roots are determined by the position of a word, not by its annotations.
    del deps["ROOT"]
    tag, part, morph, dep = (
        max(counts, key=counts.__getitem__, default="dep") for counts in (tags, pos, morphs, deps)
    )
    return tag, part, morph, dep


def learn(docs: list[Doc]) -> Guess:
    """Count the annotations of the words in the training data."""
    kinds: defaultdict[str, list[Word]] = defaultdict(list)
    for doc in docs:
        for token in doc:
            kinds[token.text].append(describe(token))
    return Guess(
        words={text: most_frequent(seen) for text, seen in kinds.items()},
        unknown=most_frequent(seen[0] for seen in kinds.values() if len(seen) == 1),
        side=best_side(docs),
    )


def heads_of(doc: Doc, side: Side) -> Iterator[int]:
    """The index of the head of each word; a sentence's first or last word is its own."""
    for sentence in doc.sents:
        for token in sentence:
            beside = token.i - 1 if side == "before" else token.i + 1
            yield beside if sentence.start <= beside < sentence.end else token.i


def apply(guess: Guess, doc: Doc) -> Doc:
    """Annotate a document that has sentences."""
    tags, pos, morphs, deps = zip(
        *(guess.words.get(token.text, guess.unknown) for token in doc), strict=True
    )
    heads = list(heads_of(doc, guess.side))
    is_root = [head == i for i, head in enumerate(heads)]
    return Doc(
        doc.vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        tags=list(tags),
        pos=list(pos),
        morphs=list(morphs),
        heads=heads,
        deps=["ROOT" if root else dep for root, dep in zip(is_root, deps, strict=True)],
    )


def score(nlp: Language, guess: Guess, docs: Iterable[Doc]) -> dict[str, Any]:
    """The scores of tagger, morphologizer and parser for the baseline."""
    examples = [Example(apply(guess, nlp(doc.text)), doc) for doc in docs]
    scores: dict[str, Any] = {}
    for name in SCORERS:
        scorer: Callable[..., dict[str, Any]] = registry.scorers.get(name)()
        scores |= scorer(examples)
    return {name: scores[name] for name in SCORES}


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores for both parts."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    guess = learn(list(DocBin().from_disk(train).get_docs(nlp.vocab)))
    scores: dict[str, Any] = {
        "guess": f"what {len(guess.words)} words mostly are, attached to the word {guess.side}"
    }
    for name, path in (("dev", dev), ("test", test)):
        scores[name] = score(nlp, guess, DocBin().from_disk(path).get_docs(nlp.vocab))
        written = ", ".join(f"{key} {value:.1%}" for key, value in scores[name].items())
        msg.good(f"{name}: {written}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)
