"""Folders of PEFT: an adapter, to be put on a checkpoint that lies elsewhere."""

import json

import pytest
from safetensors.torch import save_file

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.models import DebertaV2Model, describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import write_config

ADAPTER = {
    "base_model_name_or_path": "microsoft/deberta-v3-base",
    "peft_type": "LORA",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["query_proj", "value_proj"],
    "modules_to_save": ["classifier"],
}


@pytest.fixture
def adapter(tmp_path, weights):
    (tmp_path / "adapter_config.json").write_text(json.dumps(ADAPTER))
    name = "base_model.model.deberta.encoder.layer.0.attention.self.query_proj.lora_A.weight"
    save_file({name: next(iter(weights.values()))[:8]}, tmp_path / "adapter_model.safetensors")
    return tmp_path


@pytest.mark.parametrize("has_config", [False, True])
@pytest.mark.parametrize("load", [DebertaV2Model.from_pretrained, describe_checkpoint])
def test_an_adapter_is_called_one(load, has_config, adapter, tiny_config):
    if has_config:
        write_config(adapter, tiny_config)
    with pytest.raises(OSError, match="E320.*adapter.*'microsoft/deberta-v3-base'.*merge"):
        load(adapter)


def test_a_vocabulary_beside_an_adapter_is_read(adapter, tiny_vocabulary):
    with pytest.raises(OSError, match="E320"):
        DebertaV2Tokenizer.from_pretrained(adapter)
    (adapter / "spm.model").write_bytes(tiny_vocabulary.read_bytes())
    assert len(DebertaV2Tokenizer.from_pretrained(adapter)) > 100


@pytest.mark.parametrize("content", ["", "[]", '{"base_model_name_or_path": 5}', "{}"])
def test_an_adapter_with_a_damaged_config_is_one_all_the_same(content, adapter):
    (adapter / "adapter_config.json").write_text(content)
    with pytest.raises(OSError, match="E320.*that it was made for"):
        find_checkpoint(adapter)


def test_a_whole_checkpoint_with_an_adapter_beside_it_is_one(make_checkpoint):
    folder = make_checkpoint()
    (folder / "adapter_config.json").write_text(json.dumps(ADAPTER))
    DebertaV2Model.from_pretrained(folder)
