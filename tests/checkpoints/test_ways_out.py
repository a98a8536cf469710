"""Errors that name what a user gave in place of a checkpoint, and what to give instead."""

import pytest
import spacy
import torch

from spacy_deberta import DebertaV2Model, DebertaV2Tokenizer
from spacy_deberta.checkpoints import find_checkpoint

NAME = "microsoft/deberta-v3-base"


@pytest.mark.parametrize(
    "address",
    [
        f"https://huggingface.co/{NAME}",
        f"http://www.huggingface.co/{NAME}/",
        f"huggingface.co/{NAME}",
        f"https://hf.co/{NAME}/tree/main",
        f"https://huggingface.co/{NAME}?library=transformers",
    ],
)
def test_the_address_of_a_page_on_the_hub(address):
    with pytest.raises(FileNotFoundError, match=f"E301.*named '{NAME}'"):
        find_checkpoint(address)


def test_other_paths_are_no_addresses():
    for path in ("https://huggingface.co/", "https://example.com/a/b", "./huggingface.co/a/b"):
        with pytest.raises(FileNotFoundError, match="E301") as error:
            find_checkpoint(path)
        assert "On the hub, it is named" not in str(error.value)


@pytest.mark.parametrize("component", ["transformer", "my {encoder}"])
def test_the_folder_of_a_pipeline(component, tiny_checkpoint, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", name=component, config={"model": {"name": str(tiny_checkpoint)}})
    nlp.initialize()
    nlp.to_disk(tmp_path / "model-best")
    for load in (DebertaV2Model.from_pretrained, DebertaV2Tokenizer.from_pretrained):
        with pytest.raises(FileNotFoundError, match="E304.*spaCy pipeline") as error:
            load(tmp_path / "model-best")
        named = str(error.value).split("give '")[1].split("'")[0]
        load(named)
    blank = tmp_path / "blank"
    spacy.blank("en").to_disk(blank)
    with pytest.raises(FileNotFoundError, match="E304.*blank/transformer/model"):
        find_checkpoint(blank)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_a_wrapped_state_dict(key, legacy, make_checkpoint, weights, rows, expected_rows):
    folder = make_checkpoint(weights=None)
    path = folder / "pytorch_model.bin"
    torch.save(
        {key: weights, "epoch": 3, "optimizer": {}},
        path,
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(OSError, match=f"E305.*dictionary with one as '{key}'"):
        DebertaV2Model.from_pretrained(folder)
    torch.save(torch.load(path)[key], path)  # what the message says
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)


def test_two_wrapped_state_dicts_are_both_named(make_checkpoint, weights):
    folder = make_checkpoint(weights=None)
    torch.save({"model": weights, "ema": weights, "args": None}, folder / "pytorch_model.bin")
    with pytest.raises(OSError, match="E305.*'model' and 'ema'"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "no tensor"),
        (3, "type int"),
        ("x", "type str"),
        ({}, "type dict"),
        ([1], "type list"),
    ],
)
def test_a_value_beside_tensors(value, found, make_checkpoint, weights):
    folder = make_checkpoint(weights=None)
    torch.save({**weights, "epoch": value}, folder / "pytorch_model.bin")
    with pytest.raises(OSError, match=f"E327.*{found} under the name 'epoch'"):
        DebertaV2Model.from_pretrained(folder)


def test_an_empty_added_token(make_checkpoint):
    folder = make_checkpoint()
    (folder / "added_tokens.json").write_text('{"": 10003}', encoding="utf-8")
    with pytest.raises(ValueError, match="E230.*'a key'.*is '', but.*a token of at least one"):
        DebertaV2Tokenizer.from_pretrained(folder)


def test_a_checkpoint_of_the_package_has_no_revisions():
    named = find_checkpoint("deberta-v3-mini-en", revision="no-such")
    assert named == find_checkpoint("deberta-v3-mini-en")
