"""A vocabulary and models that are small enough for training in tests."""

import numpy as np
import pytest

from spacy_deberta.models import ModelSource
from spacy_deberta.pretraining.counter_random import hash_keys
from spacy_deberta.pretraining.masking.piece_table import PieceTable
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.pretraining.runs import make_config

TEXT = (
    "the cat sat on a mat while another dog, quite unimpressed, walked along the riverside "
    "towards unbelievable mountains; nobody remembered where yesterday's newspaper had gone"
)


def make_texts(count, *, seed=0, words=40):
    """Texts of random words, from which a model can only learn frequencies."""
    draw = np.random.default_rng(seed)
    return [
        " ".join(draw.choice(TEXT.split(), size=int(n)))
        for n in draw.integers(3, words, size=count)
    ]


def write_texts(path):
    path.write_text("\n\n".join(make_texts(120, seed=5)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    """Path of a small vocabulary."""
    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    return train_vocabulary(make_texts(300), path, vocab_size=310)


@pytest.fixture(scope="session")
def tokenizer(vocabulary):
    return DebertaV2Tokenizer(vocabulary)


@pytest.fixture(scope="session")
def table(tokenizer):
    return PieceTable.from_tokenizer(tokenizer, rows=len(tokenizer) + 5)


@pytest.fixture
def source(vocabulary):
    """A model of two layers, without dropout."""
    return ModelSource(
        vocabulary=str(vocabulary),
        config={
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
    )


@pytest.fixture(scope="session")
def sequences(tokenizer):
    """Packed pieces of texts with [CLS] and [SEP], their lengths and keys."""
    texts = make_texts(64, seed=1)
    pieces = tokenizer.encode_batch(texts)
    ids, lengths = [], []
    for text in texts:
        own = tokenizer.encode_batch([text]).ids
        ids += [tokenizer.cls_token_id, *own.tolist(), tokenizer.sep_token_id]
        lengths.append(len(own) + 2)
    assert sum(lengths) == len(pieces.ids) + 2 * len(texts)
    keys = hash_keys(0, np.arange(len(texts)))
    return np.array(ids), np.array(lengths), keys


@pytest.fixture(scope="session")
def shared_texts(tmp_path_factory):
    """A shared file of texts, which tests must not modify."""
    return write_texts(tmp_path_factory.mktemp("texts") / "texts.txt")


@pytest.fixture
def texts(tmp_path):
    """A new file of texts for each test."""
    return write_texts(tmp_path / "texts.txt")


@pytest.fixture
def config(texts, vocabulary):
    """configs/pretrain.cfg for a tiny model."""
    return make_config(texts, vocabulary)
