"""Paths and names of a wrong type, wherever a folder is named: an error with a code."""

import pytest
import spacy

import spacy_deberta
from spacy_deberta.checkpoints import find_checkpoint, save_checkpoint
from spacy_deberta.models import DebertaV2Model, convert_checkpoint, describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import write_config

CALLS = {
    "from_pretrained": DebertaV2Model.from_pretrained,
    "tokenizer": DebertaV2Tokenizer.from_pretrained,
    "from_directory": DebertaV2Tokenizer.from_directory,
    "info": describe_checkpoint,
    "save_checkpoint": lambda path: save_checkpoint(path, config={}, weights={}),
    "save_pipeline": lambda path: spacy_deberta.save_pipeline(spacy.blank("en"), path),
    "load_pipeline": spacy_deberta.load_pipeline,
}


@pytest.mark.parametrize("value", [None, 5, b"folder", ["folder"], True])
@pytest.mark.parametrize("call", CALLS)
def test_values_that_are_not_paths(call, value):
    with pytest.raises(ValueError, match=r"E413.*must be a string or a pathlib\.Path"):
        CALLS[call](value)


@pytest.mark.parametrize("value", [None, 5, b"folder"])
def test_folders_to_write(value, tiny_checkpoint):
    model = DebertaV2Model.from_pretrained(tiny_checkpoint)
    tokenizer = DebertaV2Tokenizer.from_pretrained(tiny_checkpoint)
    for save in (model.save_pretrained, tokenizer.save_pretrained):
        with pytest.raises(ValueError, match="E413"):
            save(value)
    with pytest.raises(ValueError, match="E413"):
        convert_checkpoint(tiny_checkpoint, value, to="huggingface")


@pytest.mark.parametrize("argument", ["base", "cache_dir", "revision"])
@pytest.mark.parametrize("value", [5, b"x", 0, False])
def test_other_arguments(argument, value, tiny_checkpoint):
    with pytest.raises(ValueError, match=f"E413: '{argument}'|E413.*'{argument}'"):
        DebertaV2Model.from_pretrained(tiny_checkpoint, **{argument: value})


def test_names_to_exclude(tmp_path):
    with pytest.raises(ValueError, match="E624.*'exclude'.*'abc'"):
        spacy_deberta.save_pipeline(spacy.blank("en"), tmp_path / "saved", exclude="abc")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("subfolder", ["x/" * 3000, "x" * 1001])
def test_endless_subfolders(subfolder, tiny_checkpoint):
    with pytest.raises(ValueError, match="E336"):
        find_checkpoint(tiny_checkpoint, subfolder=subfolder)


def test_a_name_that_no_file_system_has(tiny_checkpoint):
    with pytest.raises(FileNotFoundError, match="E301"):
        find_checkpoint(tiny_checkpoint, subfolder="x" * 300)


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("model_int8.onnx", "ONNX Runtime"),
        ("onnx/model_q4.onnx", "ONNX Runtime"),
        ("deberta.Q8_0.gguf", "llama.cpp"),
    ],
)
def test_exports_with_other_names(file, library, tmp_path, tiny_config):
    write_config(tmp_path, tiny_config)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(FileNotFoundError, match=rf"E337.*{library} only \({file}\)"):
        find_checkpoint(tmp_path)


@pytest.mark.parametrize("content", ["{}", '{"metadata": {}}'])
def test_an_index_without_a_map(content, tmp_path, tiny_config):
    write_config(tmp_path, tiny_config)
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(OSError, match="E305.*'weight_map' is missing"):
        find_checkpoint(tmp_path)
