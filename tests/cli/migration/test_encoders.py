"""Which encoders `spacy deberta migrate-config` keeps, replaces, and lists as not checked.

The kinds of the names are those that their publishers state in `config.json`.
"""

import json

import pytest
import transformers

from spacy_deberta.cli.migration import ENGLISH_ENCODER, migrate
from tests.cli.test_migrate_config import HAND_MADE, parse

DEBERTAS = [
    *("microsoft/deberta-v3-small", "microsoft/mdeberta-v3-base", "microsoft/deberta-v2-xlarge"),
    *("almanach/camembertav2-base", "almanach/camemberta-base", "deberta-v3-mini-en"),
    *("IDEA-CCNL/Erlangshen-DeBERTa-v2-97M-Chinese", "ku-nlp/deberta-v2-base-japanese"),
    *("MoritzLaurer/mDeBERTa-v3-base-mnli-xnli", "cross-encoder/nli-deberta-v3-base"),
    *("blaze999/somebert-DeBERTaV3", "../models/deberta_v3_large"),
]
OTHERS = [
    *("roberta-base", "distilbert-base-uncased", "google/electra-base-discriminator"),
    *("sentence-transformers/all-MiniLM-L6-v2", "google/canine-s", "allenai/specter"),
    *("facebook/opt-125m", "google/bigbird-base", "microsoft/layoutlm-base"),
    *("microsoft/infoxlm-base", "google/fnet-base", "nvidia/megatron", "cahya/luke"),
    *("almanach/camembert-base", "almanach/camembertv2-base", "xlm-mlm-en-2048", "google/mt5-base"),
    *("microsoft/deberta-base", "microsoft/deberta-xlarge-mnli", "distilgpt2", "t5-small"),
    *("intfloat/e5-base", "BAAI/bge-small-en", "xlnet-base-cased", "facebook/bart-base"),
]
UNKNOWN = [
    *("someone/my-encoder", "KoichiYasuoka/deberta-base-japanese-wikipedia", "./out/checkpoint5"),
    *("iiiorg/piiranha-v1-detect-personal-information", "my-transformer", "robert/encoder"),
    *("cross-encoder/nli-deberta-base", "bert-fans/model", "adopted/model-optimized", "~nobody/x"),
    *("luke-smith/tagger", "someone/led-by-example", "x" * 5000, "a\0b"),
]


def named(name, **variables):
    config = parse(HAND_MADE["no model"])
    config["vars"] = variables
    config["components"]["trf"]["model"] = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": name,
        "revision": "main",
    }
    migration = migrate(config)
    return migration, migration.config["components"]["trf"]["model"]


@pytest.mark.parametrize("name", DEBERTAS)
@pytest.mark.parametrize("is_variable", [False, True])
def test_debertas_are_kept(name, is_variable):
    given = "${vars.encoder}" if is_variable else name
    migration, model = named(given, encoder=name)
    assert (model["name"], model["revision"]) == (given, "main")
    assert migration.unchecked == {}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("is_variable", [False, True])
def test_other_families_are_replaced(name, is_variable):
    migration, model = named("${vars.a}" if is_variable else name, a="${vars.b}", b=name)
    assert model["name"] == ENGLISH_ENCODER
    assert "revision" not in model
    assert migration.unchecked == {}
    [change] = [change for change in migration.changes if change.place.endswith("model.name")]
    assert f'"{name}"' in change.what


@pytest.mark.parametrize("name", [*UNKNOWN, "${nowhere.x}"])
def test_others_are_kept_and_listed(name):
    migration, model = named(name)
    assert (model["name"], model["revision"]) == (name, "main")
    assert migration.unchecked == {"components.trf.model.name": name}


def test_variables_within_a_name():
    assert named('"microsoft/${vars.a}"', a="canine-s")[1]["name"] == ENGLISH_ENCODER
    kept = '"microsoft/${vars.a}"'
    migration, model = named(kept, a="deberta-v3-small")
    assert model["name"] == kept
    assert migration.unchecked == {}


def test_the_config_of_a_folder_decides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transformers.DebertaV2Config().save_pretrained("my-bert")
    transformers.RobertaConfig().save_pretrained("my-deberta-v3")
    transformers.DebertaConfig().save_pretrained("mine")
    (tmp_path / "empty-deberta-v3").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text(json.dumps({"model_type": 5}), encoding="utf-8")
    found = {path.name: named(path.name) for path in tmp_path.iterdir()}
    assert {name: model["name"] for name, (_, model) in found.items()} == {
        "my-bert": "my-bert",
        "my-deberta-v3": ENGLISH_ENCODER,
        "mine": ENGLISH_ENCODER,
        "empty-deberta-v3": "empty-deberta-v3",
        "odd": "odd",
    }
    unchecked = {name for name, (migration, _) in found.items() if migration.unchecked}
    assert unchecked == {"empty-deberta-v3", "odd"}


def test_the_language_may_be_a_variable():
    config = parse(HAND_MADE["no model"])
    config["vars"] = {"lang": "de"}
    config["nlp"]["lang"] = "${vars.lang}"
    model = migrate(config).config["components"]["trf"]["model"]
    assert model["name"] == "microsoft/mdeberta-v3-base"
    config["vars"]["lang"] = "en"
    assert migrate(config).config["components"]["trf"]["model"]["name"] == ENGLISH_ENCODER


def test_the_command_lists_what_it_did_not_check(spacy_cli, tmp_path):
    old, new = tmp_path / "old.cfg", tmp_path / "new.cfg"
    config = parse(HAND_MADE["sentences and mixed precision"])
    config["components"]["trf"]["model"]["name"] = "someone/my-encoder"
    config.to_disk(old)
    done = spacy_cli("deberta", "migrate-config", old, new)
    assert done.exit_code == 0
    assert 'not checked: components.trf.model.name, "someone/my-encoder"' in done.stdout
    done = spacy_cli("deberta", "migrate-config", old, new, "-e", "microsoft/deberta-v3-base")
    assert "not checked" not in done.stdout
