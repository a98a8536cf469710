"""All architectures, initialized and trained on samples of all kinds."""

import warnings
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example
from thinc.api import Config

from tests.pipeline.checkpoints import save_checkpoint
from tests.pipeline.pipelines import encoder_config

pytestmark = pytest.mark.slow

SAMPLES = {
    "empty": ["", ""],
    "whitespace": ["  ", "\n"],
    "one token": ["Mira"],
    "mixed": ["", "\n ", "Mira", "Nobody expected the team from Porto to win the cup!"],
}
ALL_TEXTS = [text for texts in SAMPLES.values() for text in texts]
CATEGORIES = ("ONE", "OTHER")
ENTITIES = ("PERSON", "GPE")
POOLING = ("cls", "mean", "attention")

OWN_TOK2VEC = """
[model.tok2vec]
@architectures = "spacy-deberta.DebertaV2Tok2Vec.v1"
pooling = {"@layers":"reduce_mean.v1"}
get_spans = {"@span_getters":"spacy-deberta.piece_windows.v1"}
"""
LISTENER = """
[model.tok2vec]
@architectures = "spacy-deberta.TransformerListener.v1"
pooling = {"@layers":"reduce_mean.v1"}
"""
OWN_DOCUMENTS = """
[model.tok2vec]
@architectures = "spacy-deberta.DocumentEncoder.v1"

[model.tok2vec.transformer]
@architectures = "spacy-deberta.DebertaV2Model.v1"
get_spans = {"@span_getters":"spacy-deberta.piece_windows.v1"}
"""
DOCUMENTS = """
[model.tok2vec]
@architectures = "spacy-deberta.DocumentListener.v1"
"""
NER = """
[model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 8
maxout_pieces = 2
use_upper = false
"""
SPANCAT = """
[model]
@architectures = "spacy-deberta.SpanCategorizer.v1"
reducer = {"@layers":"spacy.mean_max_reducer.v1","hidden_size":8}
scorer = {"@layers":"spacy.LinearLogistic.v1"}
"""
TEXTCAT = """
[model]
@architectures = "spacy-deberta.PooledTextClassifier.v1"
exclusive_classes = true
"""
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"output_hidden_states": True},
    {"max_batch_pieces": 4},
    {"gradient_checkpointing": True},
    {"freeze_embeddings": True, "freeze_layers": 2},
    {"layer_lr_decay": 0.5},
    {"get_spans": {"@span_getters": "spacy-deberta.doc_spans.v1"}},
    {
        "get_spans": {
            "@span_getters": "spacy-deberta.strided_spans.v1",
            "window": 2,
            "stride": 1,
        }
    },
)
HEADS = {
    "deberta_sequence_classifier": "DebertaV2ForSequenceClassification",
    "deberta_token_classifier": "DebertaV2ForTokenClassification",
    "deberta_question_answering": "DebertaV2ForQuestionAnswering",
    "deberta_multiple_choice": "DebertaV2ForMultipleChoice",
    "deberta_fill_mask": "DebertaV2ForMaskedLM",
}


def make_examples(nlp, texts):
    """Examples with gold for all of the components, as far as a text allows."""
    examples = []
    for text in texts:
        doc = nlp.make_doc(text)
        reference = nlp.make_doc(text)
        reference.cats = {"ONE": 1.0, "OTHER": 0.0}
        if text.strip():
            reference.ents = [reference.char_span(0, len(text.split()[0]), label="PERSON")]
        else:
            reference.ents = []
        reference.spans["sc"] = list(reference.ents)
        examples.append(Example(doc, reference))
    return examples


def check(nlp, texts):
    """Initialize on the texts, update with them, and predict all kinds of texts."""
    with warnings.catch_warnings():
        # spaCy warns that a sample has no entities.
        warnings.filterwarnings("ignore", message=r"\[W")
        optimizer = nlp.initialize(lambda: make_examples(nlp, texts))
        for batch in (texts, ALL_TEXTS, [""]):
            losses = nlp.update(make_examples(nlp, batch), sgd=optimizer)
            assert np.isfinite(list(losses.values())).all()
        for batch_size in (1, 3):
            docs = list(nlp.pipe(ALL_TEXTS, batch_size=batch_size))
            assert [doc.text for doc in docs] == ALL_TEXTS


def pipeline(checkpoint, factory, model, *, settings=None, options=None, labels=()):
    """A pipeline of a component, after a shared encoder if its model listens to one."""
    nlp = spacy.blank("en")
    config = Config().from_str(model)
    tok2vec = config["model"]["tok2vec"]
    encoder = tok2vec.get("transformer", tok2vec)
    if "Listener" in encoder["@architectures"]:
        nlp.add_pipe("deberta", name="transformer", config=encoder_config(checkpoint))
        encoder = nlp.config["components"]["transformer"]["model"]
    else:
        encoder.update({"name": str(checkpoint), **(options or {})})
    config["model"].update(settings or {})
    pipe = nlp.add_pipe(factory, config=config)
    for label in labels:
        pipe.add_label(label)
    return nlp


@pytest.fixture(params=SAMPLES)
def texts(request):
    return SAMPLES[request.param]


@pytest.mark.parametrize("documents", [OWN_DOCUMENTS, DOCUMENTS], ids=["own", "shared"])
@pytest.mark.parametrize("pooling", POOLING)
@pytest.mark.parametrize(("factory", "hidden_size"), [("textcat", None), ("textcat_multilabel", 8)])
def test_text_classifiers(factory, pooling, hidden_size, documents, texts, tiny_checkpoint):
    settings = {
        "pooling": pooling,
        "hidden_size": hidden_size,
        "exclusive_classes": factory == "textcat",
    }
    check(pipeline(tiny_checkpoint, factory, TEXTCAT + documents, settings=settings), texts)


@pytest.mark.parametrize("tok2vec", [OWN_TOK2VEC, LISTENER], ids=["own", "shared"])
@pytest.mark.parametrize("factory", ["spancat", "spancat_singlelabel"])
def test_span_categorizers(factory, tok2vec, texts, tiny_checkpoint):
    check(pipeline(tiny_checkpoint, factory, SPANCAT + tok2vec, labels=ENTITIES), texts)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_own_encoder_with_every_option(options, texts, tiny_checkpoint):
    check(pipeline(tiny_checkpoint, "ner", NER + OWN_TOK2VEC, options=options), texts)


@pytest.mark.parametrize("factory", HEADS)
def test_components_with_a_head(factory, texts, tiny_config, tiny_tokenizer, tmp_path):
    labels = {
        "deberta_sequence_classifier": CATEGORIES,
        "deberta_token_classifier": ("O", "PERSON"),
    }
    save_checkpoint(
        tmp_path, HEADS[factory], tiny_config, tiny_tokenizer, labels=labels.get(factory)
    )
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config={"model": {"name": str(tmp_path)}})
    check(nlp, texts)
