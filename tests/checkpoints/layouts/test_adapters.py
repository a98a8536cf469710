"""Adapters of PEFT as it saves them: merged into their base, or refused by their kind."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import spacy_deberta
from spacy_deberta.checkpoints import find_checkpoint, read_config
from spacy_deberta.checkpoints.layouts.adapters import AdapterConfig, AdapterFiles
from spacy_deberta.checkpoints.layouts.lora import merge_lora
from spacy_deberta.models import (
    DebertaV2ForQuestionAnswering,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    convert_checkpoint,
    describe_checkpoint,
)
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import write_attack, write_config
from tests.checkpoints.layouts.peft_jobs import JOBS, V3
from tests.checkpoints.layouts.peft_side import IDS, MASK
from tests.checkpoints.test_stand_ins import POINTER

SAVED = Path(__file__).with_name("saved_by_peft")
SCRIPT = Path(__file__).with_name("peft_side.py")
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
QUERY = "base_model.model.deberta.encoder.layer.0.attention.self.query_proj"


@pytest.fixture(scope="session", params=["saved", "live"])
def made_by_peft(request, tmp_path_factory):
    """What PEFT saved, once and for all; and now, where there is one."""
    if request.param == "saved":
        return SAVED
    python = os.environ.get("SPACY_DEBERTA_PEFT_PYTHON")
    if python is None:
        pytest.skip("needs PEFT: `make test-peft`, or set SPACY_DEBERTA_PEFT_PYTHON")
    folder = tmp_path_factory.mktemp("peft")
    (folder / "jobs.json").write_text(json.dumps(JOBS))
    subprocess.run([python, str(SCRIPT), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def copy(tmp_path):
    """A function that copies one of the jobs, and returns the folder of the adapter."""

    def make(job="tokens", **changes):
        adapter = shutil.copytree(SAVED / job, tmp_path / job) / "adapter"
        config = json.loads((adapter / CONFIG).read_text())
        (adapter / CONFIG).write_text(json.dumps({**config, **changes}))
        return adapter

    return make


def outputs(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor(IDS), attention_mask=torch.tensor(MASK))


def compare(found, folder):
    """With 1e-5, where there are pieces."""
    expected, mask = np.load(folder / "outputs.npz"), np.array(MASK, bool)
    assert expected.files
    for name in expected.files:
        difference = np.abs(found[name].numpy() - expected[name])
        of_pieces = expected[name].shape[:2] == mask.shape
        assert difference[mask if of_pieces else ...].max() < 1e-5
        assert np.abs(expected[name]).max() > 0.1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("job", JOBS)
def test_outputs_are_those_of_peft(job, made_by_peft):
    model_class = getattr(spacy_deberta, JOBS[job]["cls"])
    model = model_class.from_pretrained(made_by_peft / job / "adapter")
    compare(outputs(model), made_by_peft / job)


@pytest.mark.parametrize("job", JOBS)
def test_hugging_face_opens_the_merged_model(job, tmp_path):
    name = JOBS[job]["cls"]
    ours = getattr(spacy_deberta, name).from_pretrained(SAVED / job / "adapter")
    ours.save_pretrained(tmp_path / "saved")
    converted = convert_checkpoint(SAVED / job / "adapter", tmp_path / "to", to="huggingface")
    if "task_type" in JOBS[job]["lora"]:
        assert converted.architecture == name
    for folder in (tmp_path / "saved", tmp_path / "to"):
        assert not (folder / CONFIG).exists()
        theirs, found = getattr(transformers, name).from_pretrained(
            folder, output_loading_info=True
        )
        assert not found["missing_keys"]
        compare(outputs(theirs.eval()), SAVED / job)


@given(
    rank=st.integers(1, 5),
    alpha=st.floats(0, 50),
    use_rslora=st.booleans(),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_a_merge_is_the_arithmetic_of_the_paper(rank, alpha, use_rslora, shape):
    generator = np.random.default_rng(rank)
    weight, a, b = (
        generator.normal(size=size).astype(np.float32)
        for size in (shape, (rank, shape[1]), (shape[0], rank))
    )
    config = AdapterConfig(peft_type="LORA", r=rank, lora_alpha=alpha, use_rslora=use_rslora)
    adapter = AdapterFiles(name="adapter", base="base", config=config, weights=Path("none"))
    merged = merge_lora(
        {"deberta.encoder.x.weight": torch.from_numpy(weight)},
        adapter,
        {
            "base_model.model.deberta.encoder.x.lora_A.weight": torch.from_numpy(a),
            "base_model.model.deberta.encoder.x.lora_B.weight": torch.from_numpy(b),
        },
    )
    expected = weight + b @ a * (alpha / np.sqrt(rank) if use_rslora else alpha / rank)
    assert np.allclose(merged["deberta.encoder.x.weight"].numpy(), expected, rtol=1e-4, atol=1e-4)


# Names and labels


@pytest.mark.parametrize(
    ("job", "labels"), [("sequence", 3), ("sequence_new_labels", 4), ("sequence_on_a_head", 2)]
)
def test_the_number_of_labels_is_that_of_the_classifier(job, labels):
    config = read_config(find_checkpoint(SAVED / job / "adapter"))
    assert list(config.id2label.values()) == [f"LABEL_{i}" for i in range(labels)]
    assert config.extra["architectures"] == ("DebertaV2ForSequenceClassification",)


def test_labels_of_a_config_beside_the_adapter(copy):
    adapter = copy("sequence")
    names = {"0": "NO", "1": "MAYBE", "2": "YES"}
    write_config(adapter, {**V3, "id2label": names, "problem_type": "single_label_classification"})
    config = DebertaV2ForSequenceClassification.from_pretrained(adapter).config
    assert list(config.id2label.values()) == ["NO", "MAYBE", "YES"]
    assert config.problem_type == "single_label_classification"
    write_config(adapter, {"id2label": {"0": "NO", "1": "YES"}})
    with pytest.raises(ValueError, match=r"E307.*classifier.weight is \(3, 8\), not \(2, 8\)"):
        DebertaV2ForSequenceClassification.from_pretrained(adapter)


def test_more_embeddings_than_the_base_has(copy):
    """PEFT saves the whole table where it was resized."""
    adapter = copy("tokens")
    weights = load_file(adapter / WEIGHTS)
    words = torch.randn(53, 8)
    key = "base_model.model.deberta.embeddings.word_embeddings.weight"
    save_file({**weights, key: words}, adapter / WEIGHTS)
    model = DebertaV2ForTokenClassification.from_pretrained(adapter)
    assert model.config.vocab_size == 53
    assert model.get_input_embeddings().weight.equal(words)


def test_info_names_base_and_files(copy):
    adapter = copy()
    found = describe_checkpoint(adapter)
    assert Path(found.base).samefile(adapter.parent / "base")
    assert set(found.files) == {"model.safetensors", WEIGHTS}
    assert found.heads == {"classifier": "classification head"}
    assert found.to_dict()["base"] == found.base


def test_names_of_early_releases(copy):
    """They have the adapter's name, and copies of what was not trained."""
    adapter = copy("sequence")
    expected = outputs(DebertaV2ForSequenceClassification.from_pretrained(adapter)).logits
    weights = load_file(adapter / WEIGHTS)
    old = {}
    for key, tensor in weights.items():
        module, _, part = key.rpartition(".")
        if "lora_" in key:
            old[f"{module}.default.{part}"] = tensor
        else:
            head, _, rest = key.removeprefix("base_model.model.").partition(".")
            old[f"base_model.model.{head}.modules_to_save.default.{rest}"] = tensor
            old[f"base_model.model.{head}.original_module.{rest}"] = torch.zeros_like(tensor)
    save_file(old, adapter / WEIGHTS)
    again = outputs(DebertaV2ForSequenceClassification.from_pretrained(adapter)).logits
    assert again.equal(expected)


# The base


def test_the_base_is_found_by_the_adapter_config(copy, monkeypatch, tmp_path):
    expected = outputs(DebertaV2Model.from_pretrained(copy())).last_hidden_state
    elsewhere = shutil.move(tmp_path / "tokens" / "base", tmp_path / "elsewhere")
    adapter = tmp_path / "tokens" / "adapter"
    config = json.loads((adapter / CONFIG).read_text())

    def load(name, **options):
        (adapter / CONFIG).write_text(json.dumps({**config, "base_model_name_or_path": name}))
        model = DebertaV2Model.from_pretrained(adapter, **options)
        assert outputs(model).last_hidden_state.equal(expected)

    load(str(elsewhere))
    load("../../elsewhere")
    monkeypatch.chdir(tmp_path)
    load("./elsewhere")
    load("elsewhere")
    load("gone/away/long ago", base=elsewhere)
    load(None, base="elsewhere")


@pytest.mark.parametrize(
    "name", ["/content/drive/My Drive/base", "C:\\models\\base", "../nothing", "", None, "\0"]
)
def test_a_base_that_is_not_found(name, copy):
    with pytest.raises(FileNotFoundError, match=r"E331.*\. Give its.*as 'base'"):
        find_checkpoint(copy(base_model_name_or_path=name))


def test_adapter_and_base_on_the_hub(copy, hub, cache):
    adapter = copy(base_model_name_or_path="owner/base", revision="refs/pr/2")
    hub.add("owner/adapter", adapter)
    hub.add("owner/base", adapter.parent / "base", revision="refs/pr/2")
    model = DebertaV2ForTokenClassification.from_pretrained("owner/adapter", cache_dir=cache)
    compare(outputs(model), SAVED / "tokens")
    hub.requests.clear()
    DebertaV2Model.from_pretrained("owner/adapter", cache_dir=cache, local_files_only=True)
    assert not hub.requests


def test_a_base_that_the_hub_has_not(copy, hub, cache):
    with pytest.raises(OSError, match=r"E331.*'owner/base'.*E302.*'base'"):
        find_checkpoint(copy(base_model_name_or_path="owner/base"), cache_dir=cache)


def test_a_base_that_is_an_adapter(copy):
    adapter = copy()
    with pytest.raises(ValueError, match=r"E334.*is an adapter too.*convert"):
        DebertaV2Model.from_pretrained(adapter, base=adapter)


def test_base_given_for_a_whole_checkpoint(copy):
    base = copy().parent / "base"
    with pytest.raises(ValueError, match=r"E335.*Leave out 'base'"):
        DebertaV2Model.from_pretrained(base, base=base)


def test_a_base_that_does_not_fit(copy, make_checkpoint):
    with pytest.raises(ValueError, match=r"E333.*query_proj has a LoRA of.*\(32, 32\) weights"):
        DebertaV2Model.from_pretrained(copy(), base=make_checkpoint())


def test_a_whole_checkpoint_with_an_adapter_beside_it(copy):
    adapter = copy()
    for file in (adapter.parent / "base").iterdir():
        shutil.copy(file, adapter)
    with pytest.warns(UserWarning, match=r"W302.*The checkpoint is used.*'base'"):
        bare = DebertaV2Model.from_pretrained(adapter)
    assert bare.state_dict().keys() == (
        DebertaV2Model.from_pretrained(adapter.parent / "base").state_dict().keys()
    )
    merged = DebertaV2Model.from_pretrained(adapter, base=adapter)
    assert not outputs(merged).last_hidden_state.equal(outputs(bare).last_hidden_state)


def test_a_pooler_that_was_not_saved(copy):
    adapter = copy("sequence", modules_to_save=["classifier", "score"])
    weights = {k: v for k, v in load_file(adapter / WEIGHTS).items() if "pooler" not in k}
    save_file(weights, adapter / WEIGHTS)
    with pytest.warns(UserWarning, match=r"W303.*modules_to_save=\['pooler', 'classifier'\]"):
        DebertaV2ForSequenceClassification.from_pretrained(adapter)


@pytest.mark.parametrize("labels", [1, 3])
def test_answers_over_a_base_with_other_labels(labels, copy):
    adapter = copy("answers")
    base = adapter.parent / "base" / "config.json"
    values = {k: v for k, v in json.loads(base.read_text()).items() if "label" not in k}
    names = {str(i): f"L{i}" for i in range(labels)}
    for folder in (base.parent, adapter):
        write_config(folder, {**values, "id2label": names})
        model = DebertaV2ForQuestionAnswering.from_pretrained(adapter)
        assert model.config.num_labels == 2
        compare(outputs(model), SAVED / "answers")


# What the file lacks


@pytest.mark.parametrize("found", ["nothing", "x", "classifier.weight"])
def test_files_without_a_lora(found, copy):
    adapter = copy()
    save_file({} if found == "nothing" else {found: torch.ones(3, 8)}, adapter / WEIGHTS)
    with pytest.raises(ValueError, match=f"E346.*adapter_model.*It has: {found}"):
        DebertaV2Model.from_pretrained(adapter)


LACKING = {
    r"value_proj\.weight\.": ("tokens", "value_proj", {}),
    r"layer\.0.*value_proj\.weight\.": ("sequence", "deberta", {}),
    r": classifier\.bias, classifier\.weight\.": ("tokens", "classifier", {}),
    r": pooler\.dense": ("sequence", "pooler", {}),
    r"word_embeddings\.weight\.": ("tokens_embeddings", "word_embeddings", {}),
    r"LayerNorm\.bias, ": ("tokens", "nothing", {"modules_to_save": ["LayerNorm"]}),
}


@pytest.mark.parametrize("keys", LACKING)
def test_files_that_lack_what_the_config_lists(keys, copy):
    job, dropped, changes = LACKING[keys]
    adapter = copy(job, **changes)
    weights = load_file(adapter / WEIGHTS)
    kept = {k: v for k, v in weights.items() if dropped not in k}
    if not any("lora_" in k for k in kept):  # what is left has to be a LoRA
        kept |= {k: v for k, v in weights.items() if "query_proj.lora" in k}
    save_file(kept, adapter / WEIGHTS)
    with pytest.warns(UserWarning, match=f"W310.*{keys}"):
        getattr(spacy_deberta, JOBS[job]["cls"]).from_pretrained(adapter)


@pytest.mark.parametrize(
    "changes",
    [
        {"layers_to_transform": 1},
        {"layers_to_transform": [1, 2]},
        {"exclude_modules": ["value_proj"]},
        {"exclude_modules": ".*value_proj"},
        {"target_modules": "all-linear"},
        {"target_modules": None},
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_the_config_does_not_list_may_be_absent(changes, copy):
    adapter = copy(**changes)
    weights = {k: v for k, v in load_file(adapter / WEIGHTS).items() if "value_proj" not in k}
    save_file(weights, adapter / WEIGHTS)
    DebertaV2ForTokenClassification.from_pretrained(adapter)


# Vocabularies


def test_the_vocabulary_is_that_of_the_adapter_or_of_its_base(copy, tiny_vocabulary):
    adapter = copy()
    with pytest.raises(OSError, match="E309"):
        DebertaV2Tokenizer.from_pretrained(adapter)
    shutil.copy(tiny_vocabulary, adapter.parent / "base" / "spm.model")
    of_base = DebertaV2Tokenizer.from_pretrained(adapter)
    assert find_checkpoint(adapter).vocabulary.samefile(adapter.parent / "base")
    shutil.copy(tiny_vocabulary, adapter / "spm.model")
    added = {"[MASK]": of_base.mask_token_id, "[E1]": len(of_base)}
    (adapter / "added_tokens.json").write_text(json.dumps(added))
    own = DebertaV2Tokenizer.from_pretrained(adapter)
    assert len(own) == len(of_base) + 1
    assert find_checkpoint(adapter).vocabulary.samefile(adapter)


# What is refused

KINDS = {
    "DoRA": {"use_dora": True},
    "IA3": {"peft_type": "IA3"},
    "ADALORA": {"peft_type": "ADALORA"},
    "PROMPT_TUNING": {"peft_type": "PROMPT_TUNING"},
    "init_lora_weights.*pissa": {"init_lora_weights": "pissa_niter_4"},
    "init_lora_weights.*olora": {"init_lora_weights": "olora"},
    "layer_replication": {"layer_replication": [[0, 1], [0, 1]]},
    "trainable_token_indices": {"trainable_token_indices": [1, 2]},
    "target_parameters": {"target_parameters": ["encoder.rel_embeddings.weight"]},
    "a_later_invention": {"a_later_invention": 3},
    r"is an adapter \(a DoRA\) for": {"use_dora": True},
    "intricate": {"alpha_pattern": {"(query|proj|_)+_x": 3}},
    "no kind that it names": {"peft_type": None},
    "library adapters": {"peft_type": None, "config": {"reduction_factor": 16}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_of_another_kind(kind, copy):
    with pytest.raises(ValueError, match=f"(?s)E320.*{kind}.*merge_and_unload"):
        describe_checkpoint(copy(**KINDS[kind]))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a?){40}", "a?" * 30 + "a" * 30, "(a|a)" * 20, ".*" * 9 + "x", "[", "(?P<", ")("],
)
def test_patterns_that_are_invalid_or_too_slow(pattern, copy):
    with pytest.raises(ValueError, match="E320.*invalid or too intricate"):
        DebertaV2Model.from_pretrained(copy(rank_pattern={pattern: 2}))


def test_a_magnitude_without_its_flag(copy):
    adapter = copy()
    key = f"{QUERY}.lora_magnitude_vector"
    save_file({**load_file(adapter / WEIGHTS), key: torch.ones(8)}, adapter / WEIGHTS)
    with pytest.raises(ValueError, match=r"E320.*lora_magnitude_vector"):
        DebertaV2Model.from_pretrained(adapter)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"peft_type": "LORA", "r": 0}',
        '{"peft_type": "LORA", "r": "8"}',
        '{"peft_type": "LORA", "lora_alpha": NaN}',
        '{"peft_type": "LORA", "use_rslora": "no"}',
        '{"peft_type": "LORA", "alpha_pattern": ["x"]}',
        '{"peft_type": "LORA", "auto_mapping": {"base_model_class": 5}}',
        '{"base_model_name_or_path": 5}',
        '{"peft_type": "LORA", "target_modules": {"query_proj": 1}}',
        '{"peft_type": "LORA", "modules_to_save": "classifier"}',
        '{"peft_type": "LORA", "layers_to_transform": ["0"]}',
    ],
)
def test_configs_that_are_damaged(content, copy):
    adapter = copy()
    (adapter / CONFIG).write_text(content)
    with pytest.raises(ValueError, match=r"E332.*adapter_config\.json"):
        find_checkpoint(adapter)


MISFITS = {
    "one of the two matrices": {f"{QUERY}.lora_A.weight": None},
    "but the rank 2": {f"{QUERY}.lora_A.weight": torch.ones(3, 8)},
    r"\(8, 2\), but \(8, 8\) weights": {f"{QUERY}.lora_A.weight": torch.ones(2, 9)},
    "but the rank": {f"{QUERY}.lora_A.weight": torch.ones(())},
    "the base has no deberta.encoder.layer.7": {
        f"{QUERY.replace('.0.', '.7.')}.lora_{part}.weight": torch.ones(shape)
        for part, shape in (("A", (2, 8)), ("B", (8, 2)))
    },
    "no deberta.encoder.layer.0.*bias as long": {f"{QUERY}.lora_B.bias": torch.ones(5)},
}


@pytest.mark.parametrize("reason", MISFITS)
def test_adapters_that_do_not_fit(reason, copy):
    adapter = copy()
    weights = {**load_file(adapter / WEIGHTS), **MISFITS[reason]}
    save_file({k: v for k, v in weights.items() if v is not None}, adapter / WEIGHTS)
    with pytest.raises(ValueError, match=f"E333.*{reason}"):
        DebertaV2Model.from_pretrained(adapter)


def test_weights_that_are_missing_or_not_themselves(copy, tmp_path):
    adapter = copy()
    (adapter / WEIGHTS).write_bytes(POINTER)
    with pytest.raises(OSError, match=r"E326.*adapter_model.*git lfs pull"):
        DebertaV2Model.from_pretrained(adapter)
    (adapter / WEIGHTS).write_bytes(b"damage")
    with pytest.raises(OSError, match=r"E305.*adapter_model"):
        DebertaV2Model.from_pretrained(adapter)
    (adapter / WEIGHTS).unlink()
    with pytest.raises(OSError, match=r"E304.*adapter_model\.safetensors or adapter_model\.bin"):
        DebertaV2Model.from_pretrained(adapter)
    write_attack(adapter / "adapter_model.bin", tmp_path / "proof", form="zip")
    with pytest.raises(OSError, match="E305"):
        DebertaV2Model.from_pretrained(adapter)
    assert not (tmp_path / "proof").exists()
    (adapter / "adapter_model.bin").unlink()
    shutil.copy(SAVED / "tokens" / "adapter" / WEIGHTS, adapter)
    (adapter / CONFIG).unlink()
    with pytest.raises(OSError, match=r"E304.*no adapter_config\.json"):
        DebertaV2Model.from_pretrained(adapter)


def test_weights_that_are_not_finite(copy):
    adapter = copy()
    weights = load_file(adapter / WEIGHTS)
    weights[f"{QUERY}.lora_A.weight"][0, 0] = float("nan")
    save_file(weights, adapter / WEIGHTS)
    with pytest.raises(ValueError, match=r"E328.*query_proj"):
        outputs(DebertaV2Model.from_pretrained(adapter))
