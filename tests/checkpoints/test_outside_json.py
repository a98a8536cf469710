"""JSON files with any content either load or raise an error with a code."""

import json
import shutil
import time

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from spacy_deberta.models import (
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    describe_checkpoint,
)
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer
from spacy_deberta.tokenization.files import read_options
from tests.checkpoints.folders import write_checkpoint, write_config

# As transformers 4 writes it, with fields that publishers have added.
TOKENIZER_CONFIG = {
    "add_prefix_space": True,
    "added_tokens_decoder": {"400": {"content": "[MASK]", "special": True, "lstrip": False}},
    "additional_special_tokens": [],
    "bos_token": "[CLS]",
    "clean_up_tokenization_spaces": False,
    "cls_token": "[CLS]",
    "do_lower_case": False,
    "eos_token": "[SEP]",
    "extra_special_tokens": {},
    "mask_token": "[MASK]",
    "max_length": 512,
    "model_max_length": 10**30,
    "pad_token": "[PAD]",
    "sep_token": "[SEP]",
    "sp_model_kwargs": {},
    "split_by_punct": False,
    "stride": 0,
    "tokenizer_class": "DebertaV2Tokenizer",
    "truncation_side": "right",
    "unk_token": {"content": "[UNK]", "normalized": True, "__type": "AddedToken"},
    "vocab_type": "spm",
}
SPECIAL_TOKENS_MAP = {"mask_token": "[MASK]", "unk_token": {"content": "[UNK]", "lstrip": False}}
LABELS = {"id2label": {"0": "NO", "1": "YES"}, "label2id": {"NO": 0, "YES": 1}}
CONFIG_EXTRAS = {
    **LABELS,
    "architectures": ["DebertaV2Model"],
    "attention_head_size": 16,
    "bos_token_id": None,
    "cls_dropout": 0.1,
    "conv_act": "gelu",
    "conv_groups": 1,
    "conv_kernel_size": 0,
    "dtype": "float32",
    "legacy": True,
    "pooler_dropout": 0,
    "pooler_hidden_act": "gelu",
    "pooler_hidden_size": 32,
    "pooling": {"dropout": 0, "hidden_act": "gelu"},
    "problem_type": None,
}


def load_all(folder):
    """Read all files of a folder with all loaders."""
    DebertaV2Model.from_pretrained(folder)
    DebertaV2ForTokenClassification.from_pretrained(folder)
    DebertaV2Tokenizer.from_pretrained(folder)(["Mira Okafor left Halden."])
    describe_checkpoint(folder)


@pytest.fixture(scope="module")
def documents(tiny_config):
    """A valid content for each JSON file."""
    return {
        "config.json": {**tiny_config, **CONFIG_EXTRAS},
        "tokenizer_config.json": TOKENIZER_CONFIG,
        "special_tokens_map.json": SPECIAL_TOKENS_MAP,
        "added_tokens.json": {"[MASK]": 400},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, documents, weights, tiny_vocabulary):
    """A checkpoint in shards, which has all JSON files that there are."""
    folder = write_checkpoint(
        tmp_path_factory.mktemp("outside") / "checkpoint",
        config=documents["config.json"],
        weights=weights,
        vocabulary=tiny_vocabulary,
        form="safetensors shards",
    )
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    documents["model.safetensors.index.json"] = index
    for name, values in documents.items():
        (folder / name).write_text(json.dumps(values))
    return folder


def assert_loads_or_is_coded(folder):
    start, said = time.monotonic(), ""
    try:
        load_all(folder)
    except (ValueError, OSError) as error:
        said = str(error) or repr(error)
    assert not said or said.startswith("[spacy-deberta E")
    assert len(said) < 2000
    assert time.monotonic() - start < 10


NUMBERS = st.sampled_from(
    [0, -1, 1, 2, 3, 2**31, 2**40, 2**63, -(2**63), 10**9, 10**30, 1e-300, 1e308, 0.5, -0.0]
)
UNUSUAL_NUMBERS = st.sampled_from([float("nan"), float("inf"), -float("inf")])
STRINGS = st.sampled_from(
    ["", "12", "true", "null", "[MASK]", "[CLS]", "p2c|c2p", "../x", "\0", "x" * 5000, "\ud800"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | UNUSUAL_NUMBERS | st.integers() | STRINGS
VALUES = SCALARS | st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "1", "content", "x", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.filterwarnings("ignore:.*W301")
@seed(15)
@settings(max_examples=30, database=None)
@given(data=st.data())
def test_a_changed_field_loads_or_is_named(data, folder, documents):
    name = data.draw(st.sampled_from(sorted(documents)))
    field = data.draw(st.sampled_from([*sorted(documents[name]), "something_else"]))
    changed = {key: value for key, value in documents[name].items() if key != field}
    if data.draw(st.integers(0, 9)):
        changed[field] = data.draw(VALUES)
    path = folder / name
    try:
        path.write_text(json.dumps(changed))
        assert_loads_or_is_coded(folder)
    finally:
        path.write_text(json.dumps(documents[name]))


@seed(15)
@settings(max_examples=20, database=None)
@given(data=st.data())
def test_a_changed_file_loads_or_is_named(data, folder, documents):
    path = folder / data.draw(st.sampled_from(sorted(documents)))
    content = path.read_bytes()
    at, length = data.draw(st.tuples(st.integers(0, len(content)), st.integers(0, 40)))
    inserted = data.draw(
        st.binary(max_size=4) | st.sampled_from([b"[" * 10**5, b'{"a":' * 99, b"9" * 5000, b"\xef"])
    )
    try:
        path.write_bytes(content[:at] + inserted + content[at + length :])
        assert_loads_or_is_coded(folder)
    finally:
        path.write_bytes(content)


# Found with a mutator: exceptions without a code, hangs, and garbage.
FOUND = {
    "config.json": [
        ({"num_hidden_layers": 2**31}, "E102.*num_hidden_layers.*1024"),
        ({"num_hidden_layers": 1000}, "E306"),
        ({"vocab_size": 2**40}, "E102.*vocab_size"),
        ({"hidden_size": 2**40}, "E102.*hidden_size"),
        ({"intermediate_size": 2**40}, "E102.*intermediate_size"),
        ({"intermediate_size": 2**20}, "E307"),
        ({"max_relative_positions": 2**40}, "E102.*max_relative_positions"),
        ({"position_buckets": 2**40}, "E102.*position_buckets"),
        ({"type_vocab_size": 2**40}, "E102.*type_vocab_size"),
        ({"pooler_hidden_size": 2**40}, "E102.*pooler_hidden_size"),
        ({"label2id": 2}, "E102.*label2id.* 2,.*names to numbers"),
        ({"id2label": ["A", "B"]}, "E102.*id2label.*numbers to names"),
        ({"id2label": {"A": 0}}, "E102.*id2label.*numbers to names"),
        ({"id2label": {"0": None}}, "E102.*id2label"),
        ({"pos_att_type": 7}, "E102.*pos_att_type.*list of strings"),
        ({"pos_att_type": [["c2p"]]}, "E102.*pos_att_type"),
        ({"conv_act": {}}, "E102.*conv_act.*string"),
        ({"layer_norm_eps": ""}, "E102.*layer_norm_eps.*number"),
        ({"layer_norm_eps": float("nan")}, "E102.*layer_norm_eps.*nan"),
        ({"layer_norm_eps": -1e-7}, "E102.*layer_norm_eps"),
        ({"initializer_range": -1}, "E102.*initializer_range"),
        ({"norm_rel_ebd": 0}, "E102.*norm_rel_ebd"),
        ({"architectures": [1]}, "E102.*architectures.*classes"),
        ({"problem_type": "multi_label"}, "E104.*problem_type.*regression"),
        ({"hidden_dropout_prob": float("inf")}, "E102.*hidden_dropout_prob"),
        ({"id2label": None, "num_labels": 10**9}, "E102.*num_labels"),
        ({"model_type": ["deberta-v2"]}, "E101"),
    ],
    "tokenizer_config.json": [
        ({"do_lower_case": "12"}, "E230.*do_lower_case.*'12'.*true, false"),
        ({"do_lower_case": 1}, "E230.*do_lower_case"),
        ({"split_by_punct": []}, "E230.*split_by_punct"),
        ({"sep_token": 5}, "E230.*sep_token.* 5,.*string"),
        ({"cls_token": "[MASK]"}, "E230.*cls_token.*another token.*mask_token"),
        ({"mask_token": "[UNK]"}, "E230.*unk_token.*mask_token"),
        ({"sep_token": {"content": "[UNK]"}}, "E230.*sep_token.*unk_token"),
        ({"unk_token": {"lstrip": True}}, "E230.*unk_token.*content"),
        ({"additional_special_tokens": 1}, "E230.*additional_special_tokens.*list"),
        ({"additional_special_tokens": "[E1]"}, "E230.*additional_special_tokens.*list"),
        ({"additional_special_tokens": [""]}, "E230.*additional_special_tokens"),
        ({"model_max_length": "x"}, "E230.*model_max_length.*'x'"),
        ({"model_max_length": -1}, "E230.*model_max_length"),
        ({"model_max_length": 0.5}, "E230.*model_max_length"),
        ({"added_tokens_decoder": {"x": {"content": "a"}}}, "E230.*added_tokens_decoder"),
        ({"added_tokens_decoder": {"1": "a"}}, "E230.*added_tokens_decoder"),
        ({"added_tokens_decoder": {str(10**12): {"content": "a"}}}, "E230"),
    ],
    "special_tokens_map.json": [
        ({"sep_token": 5}, "E230.*special_tokens_map"),
        ({"additional_special_tokens": {"a": 1}}, "E230.*special_tokens_map"),
    ],
    "model.safetensors.index.json": [
        ({"weight_map": {}}, "E305.*weight_map"),
        ({"weight_map": []}, "E305.*weight_map"),
        ({"weight_map": {"a": 5}}, "E305.*weight_map.a"),
        ({"weight_map": {"a": "x" * 5000 + ".bin"}}, "E305.*weights file beside it"),
        ({"weight_map": {"a": "x\0.bin"}}, "E305.*weights file beside it"),
    ],
}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [(name, values, message) for name, cases in FOUND.items() for values, message in cases],
)
def test_the_field_and_what_is_expected_are_named(name, values, message, folder, documents):
    path = folder / name
    try:
        path.write_text(json.dumps({**documents[name], **values}))
        with pytest.raises((ValueError, OSError), match=message) as caught:
            load_all(folder)
        # What names a field says whose: shapes and names of parameters are of the weights' file.
        assert str(path) in str(caught.value) or caught.match("E30[67]")
    finally:
        path.write_text(json.dumps(documents[name]))


@pytest.mark.parametrize("ids", [{"[MASK]": "400"}, {"[MASK]": -1}, {"": 400}, {"a": 1.5}])
def test_added_tokens_of_old_folders_have_whole_numbers(ids, folder, tmp_path):
    old = shutil.copytree(folder, tmp_path / "old")
    (old / "tokenizer_config.json").unlink()
    (old / "added_tokens.json").write_text(json.dumps(ids))
    with pytest.raises(ValueError, match=r"E230.*added_tokens\.json"):
        DebertaV2Tokenizer.from_pretrained(old)


REAL_CONFIGS = {
    "of the hub": {"pos_att_type": "p2c|c2p", "pooling": {"dropout": 0, "hidden_act": "gelu"}},
    "nulls": dict.fromkeys(("bos_token_id", "problem_type", "label2id", "cls_dropout", "id2label")),
    "labels with gaps": {"id2label": {"0": "A", "2": "C"}, "label2id": {"A": 0, "C": 2}},
    "names that are numbers": {"id2label": {"0": 0, "1": 1}, "label2id": {"0": 0, "1": 1}},
    "numbers that are strings": {"label2id": {"NO": "0", "YES": "1"}},
    "labels at odds": {"id2label": {"0": "NO", "1": "YES"}, "label2id": {"LABEL_0": 0}},
    "tasksource": {"classifiers_size": [3], "tasks": [""]},
    "infinity of a stranger": {"limit": float("inf")},
    "whole numbers for shares": {"hidden_dropout_prob": 0, "pooler_dropout": 0},
    "transformers 5": {"dtype": "float16", "transformers_version": "5.24.0"},
    "no limit": {"model_max_length": 10**30},
    "no classes": {"architectures": None},
}


@pytest.mark.parametrize("case", REAL_CONFIGS)
def test_configs_as_they_are_published(case, make_checkpoint, tiny_config):
    DebertaV2Model.from_pretrained(make_checkpoint(config={**tiny_config, **REAL_CONFIGS[case]}))


REAL_TOKENIZERS = {
    "of the hub": {"do_lower_case": False, "vocab_type": "spm"},
    "no limit": {"model_max_length": 10**30},
    "no limit as a float": {"model_max_length": 1e30},
    "nulls": dict.fromkeys(("do_lower_case", "model_max_length", "bos_token", "sep_token")),
    "an object": {"unk_token": {"content": "[UNK]", "normalized": True, "__type": "AddedToken"}},
    "one token at both ends": {"cls_token": "[SEP]", "pad_token": "[SEP]"},
    "transformers 5": {"extra_special_tokens": ["[E1]"], "backend": "tokenizers", "unk_id": 3},
    "extra roles": {"extra_special_tokens": {"image_token": "<image>"}},
    "with truncation": {"max_length": 512, "stride": 0, "truncation_strategy": "longest_first"},
}


@pytest.mark.parametrize("case", REAL_TOKENIZERS)
def test_tokenizers_as_they_are_published(case, make_checkpoint):
    folder = make_checkpoint(weights=None)
    (folder / "tokenizer_config.json").write_text(json.dumps(REAL_TOKENIZERS[case]))
    assert DebertaV2Tokenizer.from_pretrained(folder)(["Halden"])["input_ids"]


@pytest.mark.parametrize("name", ["added_tokens", "sequence_classifier", "wordpiece"])
def test_folders_of_transformers_5(name, shared_data):
    folder = shared_data / "transformers5" / name
    values = json.loads((folder / "config.json").read_text())
    config = DebertaV2Config.from_dict(values)
    written = config.to_dict()
    assert {key: written[key] for key in values} == values
    assert read_options(folder)["do_lower_case"] is (name == "wordpiece")


def test_the_defaults_of_transformers(make_checkpoint, tiny_config):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.DebertaV2Config(**tiny_config).to_dict()
    DebertaV2Model.from_pretrained(make_checkpoint(config=theirs))
    untouched = json.loads(transformers.DebertaV2Config().to_json_string(use_diff=False))
    assert DebertaV2Config.from_dict(untouched).hidden_size == 1536


def test_a_byte_order_mark_is_no_damage(make_checkpoint, tiny_config):
    folder = make_checkpoint(config=None)
    (folder / "config.json").write_text(json.dumps(tiny_config), encoding="utf-8-sig")
    DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("name", ["config.json", "model_config.json"])
def test_microsofts_config_is_read_by_the_same_rules(name, make_checkpoint, tiny_config):
    values = {key: value for key, value in tiny_config.items() if key != "model_type"}
    folder = make_checkpoint(config=None)
    write_config(folder, {**values, "layer_norm_eps": "1e-7"})
    (folder / "config.json").rename(folder / name)
    with pytest.raises(ValueError, match=f"E102.*layer_norm_eps.*'1e-7'.*{name}"):
        DebertaV2Model.from_pretrained(folder)
