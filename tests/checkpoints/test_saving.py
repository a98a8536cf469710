import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from spacy_deberta.checkpoints import STORAGE_DTYPES, save_checkpoint
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast
from tests.checkpoints.folders import contents, names, write_weights


@pytest.mark.parametrize("precision", STORAGE_DTYPES)
def test_precision(precision, model, weights, tmp_path):
    model.save_pretrained(tmp_path, precision=precision)
    dtype = STORAGE_DTYPES[precision]
    saved = load_file(tmp_path / "model.safetensors")
    assert saved.keys() == weights.keys()
    for key, tensor in saved.items():
        assert tensor.dtype == dtype
        assert tensor.equal(weights[key].to(dtype)), key
    name = str(dtype).removeprefix("torch.")
    assert json.loads((tmp_path / "config.json").read_text())["torch_dtype"] == name
    # What is saved in half precision is loaded in float32, and saved again as asked.
    DebertaV2Model.from_pretrained(tmp_path).save_pretrained(tmp_path)
    again = load_file(tmp_path / "model.safetensors")
    assert all(tensor.equal(saved[key].float()) for key, tensor in again.items())


@pytest.mark.parametrize("precision", ["float16", "FP16", "int8", ""])
def test_unknown_precision(precision, model, tmp_path):
    with pytest.raises(ValueError, match="E311.*fp32, fp16, bf16"):
        model.save_pretrained(tmp_path / "folder", precision=precision)
    assert not (tmp_path / "folder").exists()


def test_whole_numbers_stay_whole_numbers(tmp_path, tiny_config):
    weights = {"counts": torch.tensor([1, 2**40]), "values": torch.tensor([1.5])}
    save_checkpoint(tmp_path, config=tiny_config, weights=weights, precision="fp16")
    saved = load_file(tmp_path / "model.safetensors")
    assert saved["counts"].equal(weights["counts"])
    assert saved["values"].dtype == torch.float16


def test_the_format_is_named_for_hugging_face(model, tmp_path):
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize("precision", STORAGE_DTYPES)
def test_unusual_tensors(precision, tmp_path, tiny_config):
    """Tied, parts of one another, transposed, with a gradient, empty, without a dimension."""
    table = torch.arange(24.0).reshape(4, 6)
    weights = {
        "table": table,
        "tied": table,
        "tied again": table.view(6, 4),
        "top": table[:2],
        "bottom": table[2:],
        "row": table[1],
        "column": table[:, 2],
        "transposed": table.T,
        "expanded": torch.ones(1).expand(3, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "computed": torch.ones(2, requires_grad=True) * 2,
        "empty": torch.empty(0, 3),
        "number": torch.tensor(2.0),
    }
    expected = {key: tensor.detach().clone() for key, tensor in weights.items()}
    for limit in (10**9, 1):
        folder = tmp_path / str(limit)
        save_checkpoint(
            folder,
            config=tiny_config,
            weights=weights,
            precision=precision,
            max_shard_bytes=limit,
        )
        saved = {}
        for path in folder.glob("*.safetensors"):
            saved.update(load_file(path))
        assert saved.keys() == expected.keys()
        for key, tensor in saved.items():
            assert tensor.equal(expected[key].to(STORAGE_DTYPES[precision])), key
    assert weights["tied"] is table, "nothing is changed for the caller"


@pytest.mark.parametrize("precision", STORAGE_DTYPES)
@pytest.mark.parametrize("limit", [5_000, 20_000, 60_000])
def test_shards(limit, precision, model, weights, tmp_path, rows):
    model.save_pretrained(tmp_path, max_shard_bytes=limit, precision=precision)
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert len(shards) > 1
    assert [path.name for path in shards] == [
        f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)
    ]
    assert list(index["weight_map"]) == list(model.state_dict())
    itemsize = STORAGE_DTYPES[precision].itemsize
    total = sum(tensor.numel() for tensor in weights.values()) * itemsize
    assert index["metadata"]["total_size"] == total
    for path in shards:
        held = load_file(path)
        assert set(held) == {key for key, name in index["weight_map"].items() if name == path.name}
        size = sum(tensor.nbytes for tensor in held.values())
        assert size <= limit or len(held) == 1
    saved = DebertaV2Model.from_pretrained(tmp_path)
    assert rows(saved).allclose(rows(model), atol={"fp32": 0, "fp16": 0.05, "bf16": 0.3}[precision])


def test_what_fits_exactly_is_one_file(model, weights, tmp_path):
    total = sum(tensor.nbytes for tensor in weights.values())
    model.save_pretrained(tmp_path, max_shard_bytes=total)
    assert names(tmp_path) == ["config.json", "model.safetensors"]
    model.save_pretrained(tmp_path, max_shard_bytes=total - 1)
    assert len(list(tmp_path.glob("model-*.safetensors"))) == 2


@pytest.mark.parametrize("before", [2_000, 20_000, 10**9, "bin", "legacy bin", "bin shards"])
@pytest.mark.parametrize("now", [2_000, 20_000, 10**9])
def test_old_weights_are_removed(before, now, model, weights, tmp_path):
    fresh, used = tmp_path / "fresh", tmp_path / "used"
    if isinstance(before, int):
        model.save_pretrained(used, max_shard_bytes=before, precision="fp16")
    else:
        used.mkdir()
        write_weights(used, weights, form=before)
    model.save_pretrained(used, max_shard_bytes=now)
    model.save_pretrained(fresh, max_shard_bytes=now)
    assert contents(used) == contents(fresh)
    assert names(used) == names(fresh), "no folders either"


def test_other_files_stay(model, tmp_path):
    others = {
        "README.md": b"about",
        "tf_model.h5": b"another framework",
        "training_args.bin": b"another library",
        "model.safetensors.backup": b"mine",
        "tokenizer.json": b"no new vocabulary, no conflict",
        "spm.model": b"the same",
    }
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "log").write_text("text")
    model.save_pretrained(tmp_path)
    after = contents(tmp_path)
    assert {name: after[name] for name in others} == others
    assert (tmp_path / "runs" / "log").read_text() == "text"


def test_a_new_vocabulary_replaces_conversions_of_the_old(model, tiny_tokenizer, tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    save_checkpoint(
        tmp_path,
        config=model.config.to_dict(),
        weights=model.state_dict(),
        tokenizer=tiny_tokenizer,
    )
    text = "Nobody expected the small team from Porto."
    for cls in (DebertaV2Tokenizer, DebertaV2TokenizerFast):
        assert cls.from_pretrained(tmp_path)(text) == tiny_tokenizer(text)


def test_a_path_that_is_a_file(model, tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    for target in (path, path / "folder"):
        with pytest.raises(OSError, match=f"E312.*{path}"):
            model.save_pretrained(target)
    assert path.read_text() == "mine"


def test_paths(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for target in ("text", "./with/several/folders", tmp_path / "Größe und Länge"):
        model.save_pretrained(target)
        assert names(Path(target)) == ["config.json", "model.safetensors"]
    (tmp_path / "link").symlink_to(tmp_path / "text")
    model.save_pretrained(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
