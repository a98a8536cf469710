"""`--gpu-id` on machines that have no such GPU."""

import pytest
import spacy
import torch
from spacy.tokens import DocBin

from spacy_deberta.distributed import Processes, shared_pipeline, train_in_parallel
from spacy_deberta.layers import select_gpu
from tests.docs.pages import ROOT

# No machine has as many.
NUMBER = 99


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline and texts for it, for commands that read both."""
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "pipeline")
    DocBin(docs=[nlp("Mira left.")]).to_disk(tmp_path / "data.spacy")
    return tmp_path


def _commands(folder):
    data = folder / "data.spacy"
    texts = ("--paths.texts", data, "--paths.vocabulary", folder / "spm.model")
    return {
        "train": (ROOT / "configs" / "ner.cfg", "--paths.train", data, "--paths.dev", data),
        "pretrain": (ROOT / "configs" / "pretrain.cfg", folder / "out", *texts),
        "visualize": (folder / "pipeline", data, folder / "page.html"),
    }


@pytest.mark.parametrize("command", ["train", "pretrain", "visualize"])
def test_a_gpu_that_is_not_there_is_a_coded_error(command, pipeline, fails):
    message = fails("deberta", command, *_commands(pipeline)[command], "--gpu-id", NUMBER)
    assert "[spacy-deberta E513]" in message
    assert f"GPU {NUMBER}" in message
    assert "-1 for the CPU" in message


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_every_process_of_torchrun_takes_a_gpu_of_its_own(command, pipeline, fails, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for name, value in {"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "2"}.items():
        monkeypatch.setenv(name, value)
    message = fails("deberta", command, *_commands(pipeline)[command], "--gpu-id", 0)
    assert "[spacy-deberta E513] The GPU 2 can't be used: there are 2" in message
    assert not taken


def test_what_pytorch_says_of_a_gpu_is_passed_on(monkeypatch):
    def busy(device):
        raise RuntimeError("CUDA error: all devices are busy or unavailable")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", busy)
    with pytest.raises(ValueError, match="E513.*GPU 0.*all devices are busy"):
        Processes.join(gpu=0)


@pytest.mark.parametrize("error", [ValueError("CuPy is not installed"), RuntimeError("no driver")])
def test_what_thinc_says_of_a_gpu_is_passed_on(error, monkeypatch):
    def fail(number):
        raise error

    monkeypatch.setattr("spacy_deberta.layers.gpu.require_gpu", fail)
    with pytest.raises(ValueError, match=f"E513.*GPU 1.*{error}"):
        select_gpu(1)


def test_pipelines_are_made_on_the_gpu_that_they_are_trained_on(monkeypatch):
    class MadeError(Exception):
        pass

    selected = []

    def init_nlp(config, *, use_gpu):
        assert selected == [use_gpu] == [1]
        raise MadeError

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr("spacy_deberta.layers.gpu.require_gpu", selected.append)
    monkeypatch.setattr(shared_pipeline, "init_nlp", init_nlp)
    with pytest.raises(MadeError):
        train_in_parallel({}, None, gpu=1)
