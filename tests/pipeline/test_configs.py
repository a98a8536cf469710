"""Training with each config of configs/ from random weights, on easy data.

The scores are those of the training data. They show that gradients reach all parameters.
"""

import io
from collections import Counter

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train

from spacy_deberta.tokenization import train_vocabulary
from tests.docs.pages import ROOT
from tests.pipeline.pipelines import encoder_of
from tests.pipeline.sentences import make_docs

pytestmark = pytest.mark.slow

SIZE = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 96,
}
# The minimum of every score.
GOAL = 0.9
SCORES = {
    "ner": ["ents_f"],
    "textcat": ["cats_micro_f", "cats_macro_f"],
    "textcat_multilabel": ["cats_micro_f", "cats_macro_f", "cats_macro_auc"],
    "sequence_classifier": ["cats_micro_f", "cats_macro_f"],
    "token_classifier": ["ents_f"],
    "spancat": ["spans_sc_f"],
    "spancat_singlelabel": ["spans_sc_f"],
    "multitask": ["tag_acc", "pos_acc", "morph_acc", "dep_uas", "dep_las", "sents_f", "ents_f"],
}
# Configs with other kinds of data, which have separate tests.
OTHERS = {"adapt", "gliner", "multiple_choice", "pretrain", "question_answering", "vectors"}
# The components that have an encoder of their own, if not `transformer`.
OWNERS = {"sequence_classifier": "classifier", "token_classifier": "token_classifier"}
HEADS = ("tagger", "morphologizer", "parser", "senter", "ner")


def make_corpus(folder, *, owner="transformer", several_topics=False):
    """Paths of a corpus and of a vocabulary that was trained on it, as overrides of a config."""
    docs = make_docs(spacy.blank("en").vocab, 60, several_topics=several_topics)
    DocBin(docs=docs).to_disk(folder / "train.spacy")
    train_vocabulary([doc.text for doc in docs], folder / "spm.model", vocab_size=310)
    return {
        "paths.train": str(folder / "train.spacy"),
        "paths.dev": str(folder / "train.spacy"),
        "paths.encoder": None,
        f"components.{owner}.model.from_scratch": {
            "vocabulary": str(folder / "spm.model"),
            **SIZE,
        },
    }


def load(name, folder, **overrides):
    """A shipped config, initialized on a small corpus."""
    owner = OWNERS.get(name, "transformer")
    corpus = make_corpus(folder, owner=owner, several_topics=name == "textcat_multilabel")
    path = ROOT / "configs" / f"{name}.cfg"
    return init_nlp(spacy.util.load_config(path, {**corpus, **overrides}, interpolate=False))


def train_quickly(name, folder, steps=60, **overrides):
    nlp = load(
        name,
        folder,
        **{
            "training.max_steps": steps,
            "training.eval_frequency": steps,
            "training.accumulate_gradient": 1,
            "training.batcher.size": 300,
            "training.optimizer.learn_rate.initial_rate": 0.005,
            "training.optimizer.learn_rate.warmup_steps": 5,
            "training.optimizer.learn_rate.total_steps": 2 * steps,
            **overrides,
        },
    )
    train(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
    return nlp


def read_examples(nlp, folder):
    docs = DocBin().from_disk(folder / "train.spacy").get_docs(nlp.vocab)
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


def too_low(nlp, folder, name):
    scores = nlp.evaluate(read_examples(nlp, folder))
    return {key: scores[key] for key in SCORES[name] if not scores[key] > GOAL}


@pytest.mark.parametrize("name", SCORES)
def test_a_config_learns(name, tmp_path):
    nlp = train_quickly(name, tmp_path)
    assert not too_low(nlp, tmp_path, name)
    if name == "multitask":  # without the parser, whose sentences come first
        with nlp.select_pipes(disable="parser"):
            assert nlp.evaluate(read_examples(nlp, tmp_path))["sents_f"] > GOAL
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    texts = [example.reference.text for example in read_examples(nlp, tmp_path)][:9]
    for doc, other in zip(nlp.pipe(texts, batch_size=4), map(again, texts), strict=True):
        assert doc.to_json() == other.to_json() or doc.cats == pytest.approx(other.cats, abs=1e-4)


def test_guessing_does_not_reach_the_goals():
    docs = make_docs(spacy.blank("en").vocab, 60)
    tokens = [token for doc in docs for token in doc]
    guesses = {
        "tag": Counter(token.tag_ for token in tokens),
        "pos": Counter(token.pos_ for token in tokens),
        "morph": Counter(str(token.morph) for token in tokens),
        "arc": Counter((token.dep_, token.head.i - token.i) for token in tokens),
        "head": Counter(token.head.i - token.i for token in tokens),
        "topic": Counter(max(doc.cats, key=doc.cats.get) for doc in docs),
    }
    for counts in guesses.values():
        assert counts.most_common(1)[0][1] < 0.5 * counts.total()
    # Any fixed set of labels for all documents, as micro F.
    docs = make_docs(spacy.blank("en").vocab, 60, several_topics=True)
    right = Counter(label for doc in docs for label, value in doc.cats.items() if value)
    for count in (1, 2, 3):
        true = sum(number for _, number in right.most_common(count))
        assert 2 * true / (right.total() + count * len(docs)) < 0.8


def test_gradients_of_five_components_add_up(tmp_path):
    nlp = train_quickly("multitask", tmp_path, steps=5)
    examples = read_examples(nlp, tmp_path)[:12]

    def gradients(heads):
        for parameter in encoder_of(nlp).parameters():
            parameter.grad = None
        exclude = [head for head in HEADS if head not in heads]
        nlp.update(examples, sgd=False, losses={}, drop=0.0, exclude=exclude)
        nlp.get_pipe("transformer")._backprop_pending()
        named = encoder_of(nlp).named_parameters()
        return {name: p.grad.to_dense().clone() for name, p in named if p.grad is not None}

    together = gradients(HEADS)
    alone = [gradients([head]) for head in HEADS]
    largest = max(float(gradient.abs().max()) for gradient in together.values())
    for name, gradient in together.items():
        expected = sum(single[name] for single in alone)
        assert float((gradient - expected).abs().max()) < 1e-3 * largest, name
    for single in alone:  # each of them has a loss
        assert max(float(gradient.abs().max()) for gradient in single.values()) > 0.0


def test_every_config_is_here():
    assert {*SCORES, *OTHERS} == {path.stem for path in (ROOT / "configs").glob("*.cfg")}
