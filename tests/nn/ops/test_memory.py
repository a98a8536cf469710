"""Sizes that exceed the memory are rejected before allocation."""

import time

import pytest
import torch

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.nn.ops.memory import count_weights
from tests.huggingface import VARIANTS
from tests.nn import official


def weights_of(config, **options):
    """The parameters with a matrix, counted by building them."""
    with torch.device("meta"):
        model = DebertaV2Model(config, **options)
    return sum(p.numel() for p in model.parameters() if p.dim() > 1)


@pytest.mark.parametrize("name", official.CONFIGS)
def test_official_sizes(name):
    config = DebertaV2Config.from_dict(official.CONFIGS[name])
    assert count_weights(config) == weights_of(config)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("keep_positions", [False, True])
def test_all_kinds_of_encoders(name, keep_positions):
    config = DebertaV2Config(**VARIANTS[name])
    counted = count_weights(config, keep_positions=keep_positions)
    assert counted == weights_of(config, keep_positions=keep_positions)


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 2**17, "num_attention_heads": 2**10, "num_hidden_layers": 2**10},
        {"vocab_size": 2**24, "embedding_size": 2**17},
        {"intermediate_size": 2**20, "hidden_size": 2**17, "num_attention_heads": 2**10},
        {"max_position_embeddings": 2**24, "embedding_size": 2**17},
        {
            "relative_attention": True,
            "max_relative_positions": 2**24,
            "hidden_size": 2**16,
            "num_attention_heads": 2**10,
        },
    ],
)
def test_what_the_machine_has_no_memory_for(sizes, monkeypatch):
    monkeypatch.setattr("spacy_deberta.nn.ops.memory._physical_bytes", lambda: 2**40)
    config = DebertaV2Config(**sizes)
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"E126.*GiB.*1024 GiB"):
        DebertaV2Model(config)
    assert time.monotonic() - start < 1


def test_a_machine_that_does_not_say_what_it_has(monkeypatch):
    monkeypatch.setattr("spacy_deberta.nn.ops.memory._physical_bytes", lambda: None)
    DebertaV2Model(DebertaV2Config(**VARIANTS["v3"]))
