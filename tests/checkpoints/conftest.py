import socket

import pytest
import torch
from huggingface_hub import constants, file_download

from spacy_deberta.checkpoints import read_weights
from spacy_deberta.models import DebertaV2Model
from tests.checkpoints.folders import write_checkpoint
from tests.hub import Hub


@pytest.fixture(scope="session")
def weights(tiny_checkpoint):
    """The tensors of the tiny checkpoint, with the names of a model without head."""
    return read_weights([tiny_checkpoint / "model.safetensors"])


@pytest.fixture
def make_checkpoint(tmp_path, tiny_config, tiny_vocabulary, weights):
    """A function that writes a folder like the tiny checkpoint, with changes."""

    def make(name="checkpoint", **changes):
        values = {
            "config": tiny_config,
            "weights": weights,
            "vocabulary": tiny_vocabulary,
            **changes,
        }
        return write_checkpoint(tmp_path / name, **values)

    return make


@pytest.fixture
def model(tiny_checkpoint):
    return DebertaV2Model.from_pretrained(tiny_checkpoint)


@pytest.fixture(scope="session")
def rows(tiny_checkpoint):
    """A function from a model to its last hidden states for some pieces."""
    ids = torch.arange(5, 45).reshape(2, 20)

    def run(model):
        with torch.no_grad():
            return model(ids).last_hidden_state

    return run


@pytest.fixture(scope="session")
def expected_rows(tiny_checkpoint, rows):
    return rows(DebertaV2Model.from_pretrained(tiny_checkpoint))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    hub = Hub()
    hub.start()
    template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    for module in (constants, file_download):
        # Newer releases of huggingface-hub have it in one module only.
        monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "default-cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    look_up = socket.getaddrinfo

    def look_up_here(host, *args, **kwargs):
        assert host == "127.0.0.1", "no request may leave this machine"
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    yield hub
    hub.stop()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def down(hub, monkeypatch):
    """A function that makes the hub unreachable."""

    def stop():
        hub.stop()
        monkeypatch.setattr(hub, "stop", lambda: None)
        hub.requests.clear()

    return stop
