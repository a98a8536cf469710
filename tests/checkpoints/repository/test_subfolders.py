"""A checkpoint in a folder within the place that is named."""

import json

import pytest
import spacy
import torch

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.cli import info
from spacy_deberta.models import DebertaV2Model, convert_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer


@pytest.fixture
def place(make_checkpoint, tmp_path):
    """A folder with a checkpoint two levels down, and nothing beside it."""
    (tmp_path / "place").mkdir()
    make_checkpoint("place/models/small")
    return tmp_path / "place"


@pytest.mark.parametrize("subfolder", ["models/small", "models/small/"])
def test_everything_that_takes_a_name_takes_a_subfolder(
    subfolder, place, rows, expected_rows, tmp_path
):
    assert find_checkpoint(place, subfolder=subfolder).folder == place / "models" / "small"
    assert rows(DebertaV2Model.from_pretrained(place, subfolder=subfolder)).equal(expected_rows)
    assert len(DebertaV2Tokenizer.from_pretrained(place, subfolder=subfolder)) > 100
    assert info(place, subfolder=subfolder).config.hidden_size == 32
    convert_checkpoint(place, tmp_path / "to", to="huggingface", subfolder=subfolder)
    assert rows(DebertaV2Model.from_pretrained(tmp_path / "to")).equal(expected_rows)
    nlp = spacy.blank("en")
    model = {"name": str(place), "subfolder": subfolder}
    nlp.add_pipe("deberta", config={"model": model})
    nlp.initialize()
    data = nlp("Nobody expected this.")._.trf_data
    assert data.model_output.last_hidden_state.shape[-1] == 32


@pytest.mark.parametrize("subfolder", [None, ""])
def test_no_subfolder(subfolder, place):
    folder = place / "models" / "small"
    assert find_checkpoint(folder, subfolder=subfolder).folder == folder


def test_a_subfolder_that_is_not_there(place):
    with pytest.raises(FileNotFoundError, match="E301.*models/large"):
        find_checkpoint(place, subfolder="models/large")
    with pytest.raises(FileNotFoundError, match="E301.*mini-en/models"):
        find_checkpoint("deberta-v3-mini-en", subfolder="models")


@pytest.mark.parametrize(
    "subfolder",
    ["..", "../place", "models/../..", "/", "/etc", "a//b", ".", "./a", "a\\b", "C:", "a\0b", 5],
)
@pytest.mark.parametrize("name", ["", "owner/name"])
def test_a_subfolder_outside_of_the_repository(subfolder, name, place):
    with pytest.raises(ValueError, match="E336.*can't be a 'subfolder'"):
        find_checkpoint(name or place, subfolder=subfolder)


def test_an_adapter_in_a_subfolder(place, weights):
    """Its base is named from there."""
    folder = place / "adapters" / "lora"
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": "../../models/small", "bias": "all"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    from safetensors.torch import save_file

    bias = "encoder.layer.0.output.dense.bias"
    changed = weights[bias] + 1
    pair = {"A": torch.ones(8, 32), "B": torch.zeros(32, 8)}
    query = "base_model.model.encoder.layer.0.attention.self.query_proj.lora_"
    lora = {f"{query}{part}.weight": values for part, values in pair.items()}
    save_file({f"base_model.model.{bias}": changed, **lora}, folder / "adapter_model.safetensors")
    model = DebertaV2Model.from_pretrained(place, subfolder="adapters/lora")
    assert model.encoder.layer[0].output.dense.bias.equal(changed)
