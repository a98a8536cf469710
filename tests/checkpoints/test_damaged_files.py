"""Missing, truncated, wrong and malicious files."""

import json
import pickle
import shutil
import subprocess

import pytest
import torch

from spacy_deberta.checkpoints import (
    check_vocabulary_fits,
    find_checkpoint,
    read_config,
    read_tokenizer,
    read_weights,
)
from spacy_deberta.models import DebertaV2Model, describe_checkpoint
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import write_attack, write_index

LOADERS = [
    DebertaV2Model.from_pretrained,
    DebertaV2Tokenizer.from_pretrained,
    describe_checkpoint,
]


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    "name", ["/no/such/folder", "./missing", "../missing", "~/missing-folder", "a/b/c", "C:\\x", ""]
)
def test_no_such_folder(name, load):
    with pytest.raises(FileNotFoundError, match="E301"):
        load(name)


@pytest.mark.parametrize("load", LOADERS)
def test_a_file_is_no_folder(load, make_checkpoint, monkeypatch):
    folder = make_checkpoint()
    with pytest.raises(FileNotFoundError, match="E301"):
        load(folder / "model.safetensors")
    monkeypatch.chdir(folder)
    with pytest.raises(FileNotFoundError, match="E301"):
        load("model.safetensors")


@pytest.mark.parametrize("load", LOADERS)
def test_an_empty_folder(load, tmp_path):
    with pytest.raises(FileNotFoundError, match="E304"):
        load(tmp_path)


def test_missing_files(make_checkpoint, weights):
    with pytest.raises(FileNotFoundError, match=r"E304.*config\.json"):
        DebertaV2Model.from_pretrained(make_checkpoint("no config", config=None))
    folder = make_checkpoint("no weights", weights=None)
    with pytest.raises(FileNotFoundError, match=r"E304.*model\.safetensors or .*pytorch_model"):
        DebertaV2Model.from_pretrained(folder)
    assert len(DebertaV2Tokenizer.from_pretrained(folder)) > 100, "weights are not needed for this"
    folder = make_checkpoint("no vocabulary", vocabulary=None)
    DebertaV2Model.from_pretrained(folder)
    with pytest.raises(FileNotFoundError, match=r"E309.*spm\.model"):
        DebertaV2Tokenizer.from_pretrained(folder)
    files = find_checkpoint(folder)
    assert not files.has_vocabulary
    with pytest.raises(FileNotFoundError, match="E309"):
        read_tokenizer(files, read_config(files))


def test_more_pieces_than_embeddings(make_checkpoint, tiny_config, tiny_tokenizer, weights):
    """The id of `[MASK]` is above the vocabulary, and occurs in no text."""
    pieces = tiny_tokenizer.vocab_size
    assert tiny_tokenizer.mask_token_id == pieces
    check_vocabulary_fits(tiny_tokenizer, DebertaV2Config.from_dict(tiny_config))
    exact = DebertaV2Config.from_dict({**tiny_config, "vocab_size": pieces})
    check_vocabulary_fits(tiny_tokenizer, exact)
    name = "embeddings.word_embeddings.weight"
    folder = make_checkpoint(
        config={**tiny_config, "vocab_size": pieces - 1},
        weights={**weights, name: weights[name][: pieces - 1]},
    )
    DebertaV2Model.from_pretrained(folder)
    files = find_checkpoint(folder)
    with pytest.raises(ValueError, match=f"E310.*{pieces} pieces.*{pieces - 1} embeddings"):
        read_tokenizer(files, read_config(files))


@pytest.mark.parametrize("form", ["safetensors", "bin", "legacy bin"])
@pytest.mark.parametrize("kept", [0, 1, 7, 8, 40, 0.1, 0.5, 0.9, -1])
def test_truncated_weights(form, kept, make_checkpoint):
    folder = make_checkpoint(form=form)
    (path,) = find_checkpoint(folder).weights
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    for load in (DebertaV2Model.from_pretrained, describe_checkpoint):
        with pytest.raises(OSError, match=f"E305.*{path.name}"):
            load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    "content",
    [
        b"\x00" * 100,
        b"PK\x03\x04" + b"\x00" * 100,
        b"\x80\x02" + b"\xff" * 50,
    ],
)
def test_weights_files_with_other_content(name, content, make_checkpoint):
    folder = make_checkpoint(weights=None)
    (folder / name).write_bytes(content)
    with pytest.raises(OSError, match="E305") as error:
        DebertaV2Model.from_pretrained(folder)
    assert not str(error.value).endswith(": . It is damaged"), "there is always a reason"


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_in_a_file_is_not_run(form, make_checkpoint, tmp_path):
    folder = make_checkpoint(weights=None)
    proof = tmp_path / "attacked"
    write_attack(folder / "pytorch_model.bin", proof, form=form)
    for load in (DebertaV2Model.from_pretrained, describe_checkpoint):
        with pytest.raises(OSError, match="E305") as error:
            load(folder)
        assert not proof.exists()
        # PyTorch's message says how to run it anyway.
        assert "weights_only" not in str(error.value)
    if form == "pickle":
        # The file is dangerous: an unrestricted loader runs it.
        pickle.loads((folder / "pytorch_model.bin").read_bytes())
        assert proof.exists()


@pytest.mark.parametrize(
    "content",
    [
        [torch.ones(2)],
        torch.ones(2),
        "text",
        None,
        {"model": {"embeddings.word_embeddings.weight": torch.ones(2)}},
        {"embeddings.word_embeddings.weight": 1},
        {0: torch.ones(2)},
    ],
)
def test_a_bin_file_without_a_state_dict(content, make_checkpoint):
    folder = make_checkpoint(weights=None)
    torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(OSError, match="E305.*state dict"):
        DebertaV2Model.from_pretrained(folder)


def test_a_bin_file_of_parameters(make_checkpoint, weights, rows, expected_rows):
    """As `torch.save(dict(model.named_parameters()))` writes it."""
    parameters = {key: torch.nn.Parameter(tensor) for key, tensor in weights.items()}
    folder = make_checkpoint(weights=parameters, form="bin")
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)


@pytest.mark.parametrize("form", ["safetensors shards", "bin shards"])
def test_a_missing_shard(form, make_checkpoint):
    folder = make_checkpoint(form=form)
    lost = find_checkpoint(folder).weights[1]
    lost.unlink()
    with pytest.raises(FileNotFoundError, match=f"E304.*{lost.name}"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("form", ["safetensors shards", "bin shards"])
def test_a_damaged_shard(form, make_checkpoint):
    folder = make_checkpoint(form=form)
    damaged = find_checkpoint(folder).weights[2]
    damaged.write_bytes(damaged.read_bytes()[:-50])
    with pytest.raises(OSError, match=f"E305.*{damaged.name}"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    "index",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"weight_map": {}}',
        '{"weight_map": ["model.safetensors"]}',
        '{"weight_map": {"embeddings.LayerNorm.bias": 1}}',
        '{"weight_map": {"embeddings.LayerNorm.bias": ""}}',
        '{"weight_map": {"embeddings.LayerNorm.bias": ".."}}',
    ],
)
def test_an_index_that_is_none(name, index, make_checkpoint):
    folder = make_checkpoint(weights=None)
    (folder / f"{name}.index.json").write_text(index)
    with pytest.raises(OSError, match=r"E305.*index\.json"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("outside", ["../other/{}", "{folder}/other/{}", "..\\other\\{}", "./{}"])
def test_an_index_can_only_name_files_beside_it(outside, make_checkpoint, weights, tmp_path):
    other = make_checkpoint("other")
    folder = make_checkpoint("checkpoint", weights=None)
    shard = outside.format("model.safetensors", folder=tmp_path)
    shutil.copy(other / "model.safetensors", folder / "other.safetensors")
    write_index(folder / "model.safetensors.index.json", dict.fromkeys(weights, shard))
    with pytest.raises(OSError, match="E305"):
        DebertaV2Model.from_pretrained(folder)
    write_index(
        folder / "model.safetensors.index.json", dict.fromkeys(weights, "other.safetensors")
    )
    DebertaV2Model.from_pretrained(folder)


def test_a_safetensors_file_that_lies(make_checkpoint):
    """Lengths beyond the end of the file are rejected."""
    folder = make_checkpoint(weights=None)
    header = json.dumps(
        {"embeddings.LayerNorm.bias": {"dtype": "F32", "shape": [32], "data_offsets": [0, 10**12]}}
    ).encode()
    path = folder / "model.safetensors"
    for size in (len(header), 2**62):
        path.write_bytes(size.to_bytes(8, "little") + header)
        with pytest.raises(OSError, match="E305"):
            read_weights([path])


def test_a_vocabulary_that_is_none(make_checkpoint):
    folder = make_checkpoint()
    (folder / "spm.model").write_bytes(b"no vocabulary")
    with pytest.raises(ValueError, match="E2"):
        DebertaV2Tokenizer.from_pretrained(folder)


def test_a_file_that_may_not_be_read(make_checkpoint):
    folder = make_checkpoint()
    (folder / "model.safetensors").chmod(0)
    if subprocess.run(["cat", folder / "model.safetensors"], capture_output=True).returncode == 0:
        pytest.skip("this user may read everything")
    with pytest.raises(OSError, match="ermission"):
        DebertaV2Model.from_pretrained(folder)
