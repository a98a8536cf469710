"""Small pipelines on the small checkpoint, built from configs."""

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config

from spacy_deberta.layers import get_encoder

TRAIN_DATA: tuple[tuple[str, list[tuple[int, int, str]]], ...] = (
    ("Mira Okafor left Halden Freight on Friday.", [(0, 11, "PERSON"), (17, 31, "ORG")]),
    (
        "Sanjay met the team from Porto in Lyon.",
        [(0, 6, "PERSON"), (25, 30, "GPE"), (34, 38, "GPE")],
    ),
    ("The bank in Frankfurt raised prices.", [(12, 21, "GPE")]),
    ("In 1869 Dmitri Mendeleev published a table.", [(8, 24, "PERSON")]),
    ("Nobody expected it!", []),
    ("She studied   medicine in Montréal\n", [(26, 34, "GPE")]),
)
FACTORIES = (pytest.param("transformer", marks=pytest.mark.stock), "deberta")

_ENCODER = """
[model]
@architectures = "spacy-deberta.DebertaV2Model.v1"

[model.get_spans]
@span_getters = "spacy-deberta.piece_windows.v1"
window = 510
overlap = 64
"""
_LISTENER = """
[model.tok2vec]
@architectures = "spacy-deberta.TransformerListener.v1"
grad_factor = 1.0

[model.tok2vec.pooling]
@layers = "reduce_mean.v1"
"""
_NER = (
    """
[model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
extra_state_tokens = false
hidden_width = 32
maxout_pieces = 2
use_upper = false
"""
    + _LISTENER
)
_TAGGER = (
    """
[model]
@architectures = "spacy.Tagger.v2"
"""
    + _LISTENER
)


def encoder_config(checkpoint, **settings):
    """The config of a transformer component on a checkpoint folder."""
    config = Config().from_str(_ENCODER)
    config["model"].update({"name": str(checkpoint), **settings})
    return config


def make_pipeline(checkpoint, *, factory="deberta", heads=("ner",), **settings) -> Language:
    """A pipeline with a shared encoder, not yet initialized."""
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, name="transformer", config=encoder_config(checkpoint, **settings))
    for head in heads:
        nlp.add_pipe(head, config=Config().from_str({"ner": _NER, "tagger": _TAGGER}[head]))
    return nlp


def make_examples(nlp) -> list[Example]:
    """The training data, with entities and with the shape of each word as its tag."""
    examples = []
    for text, entities in TRAIN_DATA:
        doc = nlp.make_doc(text)
        tags = ["CAP" if token.shape_.startswith("X") else "LOW" for token in doc]
        examples.append(Example.from_dict(doc, {"entities": entities, "tags": tags}))
    return examples


def make_trained(checkpoint, *, steps=3, **settings) -> Language:
    """A pipeline after a few updates."""
    spacy.util.fix_random_seed(0)
    nlp = make_pipeline(checkpoint, **settings)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.002
    for _ in range(steps):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    return nlp


def encoder_of(nlp):
    """The PyTorch module of the transformer component."""
    return get_encoder(nlp.get_pipe("transformer").model)


def rows(nlp, texts):
    """The rows of the encoder for every text."""
    transformer = nlp.get_pipe("transformer")
    docs = [nlp.make_doc(text) for text in texts]
    transformer.set_annotations(docs, transformer.predict(docs))
    return [doc._.trf_data.model_output.last_hidden_state for doc in docs]
