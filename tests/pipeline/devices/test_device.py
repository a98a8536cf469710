"""The setting `device`: an encoder on another device than thinc's layers."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spacy_deberta.layers import get_encoder
from spacy_deberta.layers.encoder.device import resolve_device
from tests.pipeline.pipelines import make_examples, make_pipeline


@pytest.mark.slow
def test_on_another_device():
    """PyTorch takes a new device only before the first backward pass of a process."""
    cases = Path(__file__).with_name("on_another_device.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(cases)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_a_missing_device_is_the_cpu_with_a_warning(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, device="mps")
    with pytest.warns(UserWarning, match="W313"):
        nlp.initialize(lambda: make_examples(nlp))
    weights = get_encoder(nlp.get_pipe("transformer").model).parameters()
    assert {weight.device.type for weight in weights} == {"cpu"}
    with pytest.raises(ValueError, match="E413"):
        make_pipeline(tiny_checkpoint, device="tpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_gpu_that_is_there(cuda, mps, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto").type == expected
    assert resolve_device("auto").index == (None if expected == "cpu" else int(cuda))
    assert resolve_device(None).type == "cpu"
