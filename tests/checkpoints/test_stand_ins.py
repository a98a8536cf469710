"""Placeholders instead of files, and symbolic links."""

import os

import pytest

from spacy_deberta.models import DebertaV2Model, describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import write_index

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 371146213\n"
PAGES = [b"<!DOCTYPE html><html><body>Not found</body></html>", b"\n<HTML lang='en'>"]
NAMES = [
    "config.json",
    "spm.model",
    "tokenizer_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "tf_model.h5",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [POINTER, *PAGES])
def test_a_file_that_is_not_itself(name, content, make_checkpoint):
    folder = make_checkpoint(weights=None)
    (folder / name).write_bytes(content)
    remedy = "git lfs pull" if content == POINTER else "web page.*download it again"
    with pytest.raises(OSError, match=f"E326.*{name}.*{remedy}"):
        describe_checkpoint(folder)


def test_a_shard_that_is_not_itself(make_checkpoint):
    folder = make_checkpoint(form="safetensors shards")
    (folder / "model-00002-of-00003.safetensors").write_bytes(POINTER)
    with pytest.raises(OSError, match="E326.*00002-of-00003.*git lfs pull"):
        DebertaV2Model.from_pretrained(folder)


def test_a_vocabulary_that_is_not_itself(make_checkpoint):
    folder = make_checkpoint()
    (folder / "spm.model").write_bytes(POINTER)
    with pytest.raises(OSError, match=r"E326.*spm\.model.*git lfs pull"):
        DebertaV2Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin"])
def test_links_out_of_the_folder_are_followed(form, make_checkpoint, tmp_path, rows, expected_rows):
    """The hub's cache is made of links into `../../blobs`."""
    folder = make_checkpoint(form=form)
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, path in enumerate(list(folder.iterdir())):
        path.rename(blobs / str(number))
        path.symlink_to(f"../blobs/{number}")
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)


@pytest.mark.parametrize("target", ["/dev/zero", "/", "pipe", "nothing"])
def test_links_to_missing_and_special_files(target, make_checkpoint, weights):
    folder = make_checkpoint(weights=None)
    if target == "pipe":
        os.mkfifo(folder / "pipe")
    (folder / "shard.safetensors").symlink_to(target)
    write_index(
        folder / "model.safetensors.index.json", dict.fromkeys(weights, "shard.safetensors")
    )
    with pytest.raises(FileNotFoundError, match=r"E304.*shard\.safetensors"):
        DebertaV2Model.from_pretrained(folder)
