"""Memory while a checkpoint loads: the model, and one of its files.

The figures are the peaks of child processes, against the sizes of files and parameters.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.checkpoints.folders import write_config, write_file, write_index

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's figures"),
]

SHARDS = 5
CONFIG = {
    "hidden_size": 768,
    "num_hidden_layers": SHARDS,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "vocab_size": 9_000,
}
# What loading takes beside tensors: code that is imported late, buffers of one tensor.
SLACK = 24 * 2**20

CHILD = """
import json, sys
import torch
from safetensors import safe_open
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.models.loading import building

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

torch.set_num_threads(1)
folder, options = sys.argv[1], json.loads(sys.argv[2])
DebertaV2Model.from_pretrained(sys.argv[3])  # what is imported late
before = peak()
model = DebertaV2Model.from_pretrained(folder, **options)
parameters = sum(parameter.nbytes for parameter in model.parameters())
print(json.dumps({"peak": peak() - before, "model": parameters}))
"""


@pytest.fixture(scope="module")
def large_weights(tiny_config):
    """The weights of each layer, and of the embeddings, in half precision."""
    from spacy_deberta.models import DebertaV2Model
    from spacy_deberta.nn import DebertaV2Config

    config = {**tiny_config, **CONFIG}
    with torch.device("meta"):
        shapes = DebertaV2Model(DebertaV2Config.from_dict(config)).state_dict()
    draw = torch.Generator().manual_seed(1)
    weights = {
        name: torch.empty(meta.shape).normal_(0, 0.02, generator=draw).half()
        for name, meta in shapes.items()
    }
    return config, weights


def write_shards(folder, config, weights, *, form):
    """One layer for each file, as the embeddings are about as large as one."""
    folder.mkdir()
    write_config(folder, config)
    suffix = "safetensors" if "safetensors" in form else "bin"
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    shards = [{} for _ in range(SHARDS + 1)]
    for name, tensor in weights.items():
        layer = name.split("layer.")[1].split(".")[0] if "layer." in name else SHARDS
        shards[int(layer)][name] = tensor
    weight_map, sizes = {}, []
    for index, shard in enumerate(shards):
        name = f"{stem}-{index + 1:05d}-of-{len(shards):05d}.{suffix}"
        sizes.append(write_file(folder / name, shard, legacy="legacy" in form).stat().st_size)
        weight_map.update(dict.fromkeys(shard, name))
    write_index(folder / f"{stem}.{suffix}.index.json", weight_map)
    return sizes


def measure(folder, tiny_checkpoint, **options):
    command = [sys.executable, "-c", CHILD, str(folder), json.dumps(options), str(tiny_checkpoint)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.parametrize(
    ("form", "stored", "load_precision"),
    [
        ("safetensors", "fp16", "fp32"),
        ("bin", "fp16", "fp32"),
        ("legacy bin", "fp16", "fp32"),
        ("safetensors", "fp32", "bf16"),
        ("bin", "fp32", "bf16"),
    ],
)
def test_no_more_than_one_file_beside_the_model(
    form, stored, load_precision, large_weights, tiny_checkpoint, tmp_path
):
    config, weights = large_weights
    if stored == "fp32":
        weights = {name: tensor.float() for name, tensor in weights.items()}
    sizes = write_shards(tmp_path / "large", config, weights, form=form)
    found = measure(tmp_path / "large", tiny_checkpoint, load_precision=load_precision)
    width = {"fp32": 4, "bf16": 2}[load_precision]
    parameters = sum(tensor.numel() for tensor in weights.values())
    assert found["model"] == pytest.approx(width * parameters, rel=0.05)
    allowed = found["model"] + max(sizes)
    if form == "legacy bin":
        # Such files can't be mapped: what has not been converted yet is in memory.
        allowed = max(found["model"], sum(sizes)) + max(sizes)
    assert found["peak"] < allowed + SLACK
    # A second copy of all would not pass.
    assert max(sizes) + SLACK < 0.5 * sum(sizes)


def test_what_is_read_and_not_mapped(large_weights, tiny_checkpoint, tmp_path):
    config, weights = large_weights
    weights = {name: tensor.float() for name, tensor in weights.items()}
    sizes = write_shards(tmp_path / "large", config, weights, form="safetensors")
    found = measure(tmp_path / "large", tiny_checkpoint, map_weights=False)
    assert found["peak"] < found["model"] + max(sizes) + SLACK
