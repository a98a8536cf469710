"""Modules on the meta device: no weights, no initialization, and no import for it."""

import subprocess
import sys

import pytest
import torch
from torch import nn as torch_nn

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, meta_device

CONFIG = DebertaV2Config(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24
)
LOADING = """
import sys
from spacy_deberta import DebertaV2Model
DebertaV2Model.from_pretrained("deberta-v3-mini-en")
slow = sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules))
assert not slow, slow
"""


@pytest.mark.slow
def test_loading_imports_no_compiler_of_torch():
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_weights_are_on_the_meta_device():
    with meta_device():
        model = DebertaV2Model(CONFIG)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}


def test_the_context_leaves_random_numbers_and_later_modules_as_they_are():
    torch.manual_seed(3)
    expected = torch_nn.Linear(4, 4).weight
    torch.manual_seed(3)
    with meta_device():
        torch_nn.Linear(8, 8)
        torch_nn.Embedding(8, 8, padding_idx=0)
    assert torch.equal(torch_nn.Linear(4, 4).weight, expected)
