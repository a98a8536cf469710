"""Mapped weights are not kept in memory once their int8 copies are made.

Outputs are compared with those of a model whose weights are not mapped.
"""

from pathlib import Path

import pytest
import torch

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, Precision
from tests.checkpoints.folders import write_checkpoint
from tests.residency import flush, resident_bytes

pytestmark = [
    pytest.mark.usefixtures("map_small_files"),
    pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="reads Linux's figures"),
]

IDS = torch.arange(5, 45).reshape(2, 20)
# What one text reads: a few rows of the word embeddings, and all that is not a matrix. The system
# reads 16 pages at a time.
FEW = 3 * 2**20


@pytest.fixture(scope="module")
def config(tiny_config):
    sizes = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4}
    return {**tiny_config, **sizes, "vocab_size": 9000}


@pytest.fixture(params=["safetensors", "bin", "safetensors shards"])
def checkpoint(request, config, tmp_path):
    model = DebertaV2Model(DebertaV2Config.from_dict(config))
    model.init_weights(torch.Generator().manual_seed(3))
    weights = model.state_dict()
    folder = tmp_path / "checkpoint"
    write_checkpoint(folder, config=config, weights=weights, form=request.param)
    flush(*files_of(folder))
    return folder


def files_of(folder):
    return [path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]


def rows(model, precision="int8"):
    with torch.no_grad(), Precision.named(precision, model.device).active(model.device):
        return model(IDS).last_hidden_state


def bytes_of_layers(model):
    return sum(parameter.nbytes for parameter in model.encoder.layer.parameters())


def test_what_stays_in_memory(checkpoint):
    model = DebertaV2Model.from_pretrained(checkpoint)
    rows(model, "fp32")
    assert resident_bytes(*files_of(checkpoint)) > bytes_of_layers(model) > 3 * FEW
    rows(model)
    assert resident_bytes(*files_of(checkpoint)) < FEW


def test_rows_are_those_of_weights_in_memory(checkpoint):
    mapped = DebertaV2Model.from_pretrained(checkpoint)
    copied = DebertaV2Model.from_pretrained(checkpoint, map_weights=False)
    for precision in ("int8", "int8", "fp32", "bf16", "int8"):
        assert rows(mapped, precision).equal(rows(copied, precision))
    for name, parameter in mapped.named_parameters():
        assert parameter.equal(copied.get_parameter(name)), name


def test_weights_that_change_afterwards(checkpoint):
    mapped = DebertaV2Model.from_pretrained(checkpoint)
    copied = DebertaV2Model.from_pretrained(checkpoint, map_weights=False)
    before = rows(mapped)
    for model in (mapped, copied):
        for parameter in model.encoder.layer[1].parameters():
            parameter.data.mul_(1.5)
    mapped.encoder.prepared.forget()
    copied.encoder.prepared.forget()
    for _ in range(2):
        assert rows(mapped).equal(rows(copied))
    assert not rows(mapped).equal(before)


def test_loading_in_int8_reads_layer_by_layer(checkpoint, monkeypatch):
    """Before the next layer is quantized, the ones before it are given back."""
    from spacy_deberta.nn import quantization

    seen = []
    replace = quantization._replace

    def measure(layer, quantized):
        replace(layer, quantized)
        seen.append(resident_bytes(*files_of(checkpoint)))

    monkeypatch.setattr(quantization, "_replace", measure)
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="int8")
    assert len(seen) == len(model.encoder.layer)
    # With the first layer also the rows of the word embeddings that the examples have.
    layer = 4 * (4 * 256 * 256 + 2 * 256 * 1024)
    assert max(seen[1:]) < 1.5 * layer
    assert resident_bytes(*files_of(checkpoint)) < FEW


def test_a_file_in_int8_is_not_kept_beside_what_is_computed_with(checkpoint, tmp_path):
    saved = tmp_path / "int8"
    DebertaV2Model.from_pretrained(checkpoint, load_precision="int8").save_pretrained(saved)
    model = DebertaV2Model.from_pretrained(saved, load_precision="int8")
    first = rows(model)
    assert resident_bytes(*files_of(saved)) < FEW
    assert rows(model).equal(first)
