"""Weights are memory-mapped without a copy, and do not depend on later changes of the file."""

import sys
from pathlib import Path

import pytest
import torch

from spacy_deberta.models import DebertaV2Model

pytestmark = [
    pytest.mark.usefixtures("map_small_files"),
    pytest.mark.skipif(
        not Path("/proc/self/maps").exists(), reason="needs Linux, which lists what is mapped"
    ),
]


def mapped_ranges(*paths):
    """Address ranges of this process with mapped files."""
    names = {str(path.resolve()) for path in paths}
    ranges = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] in names:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            assert "s" not in fields[1], "a private mapping, not a shared one"
            ranges.append((start, end))
    return ranges


def is_mapped(tensor, *paths):
    return any(start <= tensor.data_ptr() < end for start, end in mapped_ranges(*paths))


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin", "bin shards"])
def test_parameters_lie_in_the_file(form, make_checkpoint):
    folder = make_checkpoint(form=form)
    model = DebertaV2Model.from_pretrained(folder)
    files = [path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]
    for key, parameter in model.named_parameters():
        assert is_mapped(parameter, *files), key


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_changing_a_parameter_does_not_change_the_file(form, make_checkpoint):
    folder = make_checkpoint(form=form)
    path = next(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    content = path.read_bytes()
    model = DebertaV2Model.from_pretrained(folder)
    other = DebertaV2Model.from_pretrained(folder)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.tensor([[5, 6, 7]])).last_hidden_state[0, 0, 0].backward()
    optimizer.step()
    with torch.no_grad():
        model.encoder.LayerNorm.weight.fill_(7)
    assert path.read_bytes() == content
    assert not other.encoder.LayerNorm.weight.eq(7).any()
    fresh = DebertaV2Model.from_pretrained(folder).state_dict()
    assert all(tensor.equal(fresh[key]) for key, tensor in other.state_dict().items())


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin"])
@pytest.mark.parametrize("limit", [20_000, 10**9])
def test_saving_over_the_mapped_file(form, limit, make_checkpoint, rows, expected_rows):
    folder = make_checkpoint(form=form)
    model = DebertaV2Model.from_pretrained(folder)
    other = DebertaV2Model.from_pretrained(folder)
    with torch.no_grad():
        model.embeddings.LayerNorm.weight.mul_(2)
    for _ in range(2):
        model.save_pretrained(folder, max_shard_bytes=limit)
        assert rows(other).equal(expected_rows), "the old file lives on for who has mapped it"
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(rows(model))
    assert not rows(model).equal(expected_rows)


def test_the_mapping_is_closed_with_the_model(make_checkpoint):
    folder = make_checkpoint()
    model = DebertaV2Model.from_pretrained(folder)
    assert mapped_ranges(folder / "model.safetensors")
    assert sys.getrefcount(model) == 2
    del model
    assert not mapped_ranges(folder / "model.safetensors")
