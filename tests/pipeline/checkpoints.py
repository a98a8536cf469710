"""Small checkpoints with heads, and components that use them."""

import pytest
import spacy
import torch

import spacy_deberta
from spacy_deberta.nn import DebertaV2Config


def save_checkpoint(folder, class_name, values, tokenizer, *, labels=None, seed=0):
    """Save a model of a class with random weights; `labels` are the names of its outputs."""
    config = DebertaV2Config.from_dict(values)
    model = getattr(spacy_deberta, class_name)(config.with_labels(labels) if labels else config)
    model.init_weights(torch.Generator().manual_seed(seed))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_pipeline(factory, *, examples=None, name="classifier", initialize=None, **config):
    """A pipeline of one component, initialized; `model` in `config` is merged with the default."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory, name=name, config=config)
    if initialize is not None:
        nlp.config["initialize"]["components"][name] = initialize
    nlp.initialize(None if examples is None else lambda: examples)
    return nlp, pipe


def huggingface_pipeline(task, class_name, folder, **settings):
    """A pipeline of Hugging Face on a folder, with the slow tokenizer, which is SentencePiece's."""
    transformers = pytest.importorskip("transformers")
    model = getattr(transformers, class_name).from_pretrained(folder).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    return transformers.pipeline(task, model=model, tokenizer=tokenizer, device="cpu", **settings)
