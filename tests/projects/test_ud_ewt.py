"""The baseline of parsing_ud_ewt."""

import pytest
import spacy
from spacy.tokens import Doc

from benchmarks.downstream.data import load_script

pytestmark = pytest.mark.slow

baseline = load_script("parsing_ud_ewt/scripts/baseline.py")


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


@pytest.fixture(scope="module")
def docs(nlp):
    """`saw` is twice a verb and once a noun; most heads are behind their words."""
    return [
        Doc(
            nlp.vocab,
            words=["We", "saw", "the", "saw", "."],
            tags=["PRP", "VBD", "DT", "NN", "."],
            pos=["PRON", "VERB", "DET", "NOUN", "PUNCT"],
            heads=[1, 1, 3, 1, 1],
            deps=["nsubj", "ROOT", "det", "obj", "punct"],
        ),
        Doc(
            nlp.vocab,
            words=["They", "saw", "us", "."],
            tags=["PRP", "VBD", "PRP", "."],
            pos=["PRON", "VERB", "PRON", "PUNCT"],
            heads=[1, 1, 1, 1],
            deps=["nsubj", "ROOT", "obj", "punct"],
        ),
    ]


def test_a_word_is_what_it_mostly_is(docs):
    guess = baseline.learn(docs)
    assert guess.words["saw"] == ("VBD", "VERB", "", "obj")
    assert guess.words["the"] == ("DT", "DET", "", "det")
    assert guess.unknown == ("PRP", "PRON", "", "nsubj")
    assert guess.side == "behind"


@pytest.mark.parametrize(
    ("side", "heads"), [("behind", [1, 1, 3, 4, 4]), ("before", [0, 0, 2, 2, 3])]
)
def test_words_are_attached_to_the_word_beside_them(nlp, docs, side, heads):
    words, unknown = baseline.learn(docs).words, ("X", "X", "", "dep")
    guess = baseline.Guess(words=words, unknown=unknown, side=side)
    doc = baseline.apply(guess, nlp("Run! We saw us"))
    assert [token.head.i for token in doc] == heads
    roots = [i for i, head in enumerate(heads) if i == head]
    assert [token.i for token in doc if token.dep_ == "ROOT"] == roots
    assert [token.tag_ for token in doc] == ["X", "X", "PRP", "VBD", "PRP"]
    assert len(list(doc.sents)) == 2


def test_the_scores_are_those_of_the_components(nlp, docs):
    scores = baseline.score(nlp, baseline.learn(docs), docs)
    assert scores["tag_acc"] == pytest.approx(8 / 9)
    assert scores["sents_f"] == 1
    # We, the and They have the word behind them as their head, and their relations are guessed
    # right. The scores are F: the annotation has 7 words that are not punctuation, and the guess 9,
    # as it takes the full stops for roots.
    assert scores["dep_uas"] == scores["dep_las"] == pytest.approx(2 * 3 / (7 + 9))
