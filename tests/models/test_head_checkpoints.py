"""Loading and saving heads, in the official layout and in Hugging Face's."""

import json
import warnings

import pytest
import torch

import spacy_deberta
from spacy_deberta import models, nn
from tests import huggingface
from tests.nn.common import close, packed_batch, padded_batch

HEADS = [
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
]
# Heads of Hugging Face; its masked language model only in its own layout.
THEIR_HEADS = [name for name in HEADS if "Replaced" not in name]
POSITIONS = "deberta.embeddings.position_embeddings.weight"


@pytest.fixture(autouse=True)
def _no_warnings():
    """The warning of torch.jit is caused by Hugging Face."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def _config(variant="v3", **changes):
    """As the official config.json: terms as a string, nothing about a head."""
    values = {**huggingface.VARIANTS[variant], "model_type": "deberta-v2", **changes}
    return {**values, "pos_att_type": "p2c|c2p"}


def _official_weights(config):
    """Contents of a released file: encoder, both heads of the pretraining, and unused tensors."""
    config = nn.DebertaV2Config.from_dict(config)
    weights = {}
    for model in (
        models.DebertaV2ForReplacedTokenDetection(config),
        models.DebertaV2ForMaskedLM(config, layout="emd"),
    ):
        huggingface.randomize(model)
        weights.update(model.state_dict())
    weights["deberta.embeddings.word_embeddings._weight"] = torch.zeros(97, 32)
    return {key: tensor.half() for key, tensor in weights.items()}


def _write(folder, config, weights):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


@pytest.fixture(params=["v3", "v2"])
def official(request, tmp_path):
    config = _config(request.param)
    weights = _official_weights(config)
    return _write(tmp_path / "official", config, weights), weights


@pytest.mark.parametrize("name", HEADS)
def test_official_folder(name, official):
    folder, weights = official
    torch.manual_seed(5)
    model = getattr(spacy_deberta, name).from_pretrained(folder)
    assert not model.training
    state = model.state_dict()
    for key, tensor in state.items():
        assert tensor.dtype == torch.float32
        assert tensor.device.type == "cpu"
        if key in weights:
            assert torch.equal(tensor, weights[key].float()), key
    new = {key.partition(".")[0] for key in state.keys() - weights.keys()}
    expected = {
        "DebertaV2ForMultipleChoice": {"pooler", "classifier"},
        "DebertaV2ForQuestionAnswering": {"qa_outputs"},
        "DebertaV2ForSequenceClassification": {"pooler", "classifier"},
        "DebertaV2ForTokenClassification": {"classifier"},
    }
    assert new == expected.get(name, set())
    for key in state.keys() - weights.keys():
        assert bool(state[key].any()) == key.endswith("weight"), key
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_official_masked_lm_has_its_decoder(official):
    folder, weights = official
    model = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folder)
    assert model.layout == "emd"
    assert torch.equal(model.state_dict()[POSITIONS], weights[POSITIONS].float())
    expected = models.DebertaV2ForMaskedLM(model.config, layout="emd").eval()
    known = expected.state_dict().keys()
    expected.load_state_dict({key: t.float() for key, t in weights.items() if key in known})
    pieces = packed_batch([9, 5])
    assert torch.equal(model.forward_packed(pieces).logits, expected.forward_packed(pieces).logits)


@pytest.mark.parametrize("name", ["DebertaV2Model", *HEADS])
def test_round_trip(name, official, tmp_path):
    folder, _ = official
    cls = getattr(spacy_deberta, name)
    model = cls.from_pretrained(folder)
    model.save_pretrained(tmp_path / "saved")
    again = cls.from_pretrained(tmp_path / "saved")
    first, second = model.state_dict(), again.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert model.config.to_dict().items() <= again.config.to_dict().items()


@pytest.mark.parametrize(
    ("drop", "changes", "layout"),
    [
        ((), {}, "emd"),
        ((POSITIONS,), {}, "plain"),
        ((), {"position_biased_input": True}, "plain"),
        (("lm_predictions.",), {}, "legacy"),
        (("lm_predictions.",), {"legacy": False}, "emd"),
        (("lm_predictions.", POSITIONS), {"legacy": False}, "plain"),
    ],
)
def test_layout_by_the_names_in_the_file(drop, changes, layout, tmp_path):
    config = _config()
    weights = {k: t for k, t in _official_weights(config).items() if not k.startswith(drop or "-")}
    folder = _write(tmp_path / "checkpoint", {**config, **changes}, weights)
    model = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folder)
    assert model.layout == layout
    assert model.config.legacy == (layout == "legacy")
    # A head that is not in the file has zero biases.
    assert all(t.isfinite().all() for t in model.state_dict().values())
    if "lm_predictions." in drop:
        (bias,) = (t for k, t in model.state_dict().items() if k.endswith(".bias") and len(t) == 97)
        assert not bias.any()


def test_a_damaged_head_is_no_new_head(tmp_path):
    config = _config()
    weights = _official_weights(config)
    del weights["lm_predictions.lm_head.bias"], weights["mask_predictions.dense.weight"]
    folder = _write(tmp_path / "checkpoint", config, weights)
    for name in ("DebertaV2ForMaskedLM", "DebertaV2ForReplacedTokenDetection"):
        with pytest.raises(ValueError, match=r"E306.*_predictions"):
            getattr(spacy_deberta, name).from_pretrained(folder)


def _logits(output):
    return output.start_logits if hasattr(output, "start_logits") else output.logits


def _inputs(name):
    ids, _ = padded_batch([12, 12])
    return ids[None] if "Choice" in name else ids


@pytest.mark.parametrize("name", THEIR_HEADS)
def test_hugging_face_opens_what_we_save(name, tmp_path):
    transformers = pytest.importorskip("transformers")
    values = {} if "Question" in name else {"num_labels": 5}
    config = nn.DebertaV2Config.from_dict(_config("v2", **values))
    model = getattr(spacy_deberta, name)(config).eval()
    huggingface.randomize(model)
    model.save_pretrained(tmp_path / "saved")
    theirs, report = getattr(transformers, name).from_pretrained(
        tmp_path / "saved", output_loading_info=True
    )
    assert not any(report.values())
    with torch.no_grad():
        ids = _inputs(name)
        close(_logits(model(ids)), _logits(theirs(ids)), 1e-5)


@pytest.mark.parametrize("name", ["DebertaV2ForMaskedLM", "DebertaV2ForReplacedTokenDetection"])
def test_hugging_face_opens_the_encoder_of_the_others(name, official, tmp_path):
    transformers = pytest.importorskip("transformers")
    model = getattr(spacy_deberta, name).from_pretrained(official[0])
    model.save_pretrained(tmp_path / "saved")
    theirs, report = transformers.AutoModel.from_pretrained(
        tmp_path / "saved", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]
    ids = _inputs(name)
    with torch.no_grad():
        expected = theirs(ids).last_hidden_state
        close(model.deberta(ids).last_hidden_state, expected, 1e-5)


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize("name", THEIR_HEADS)
def test_we_open_what_hugging_face_saves(name, safe, tmp_path):
    theirs = huggingface.make_model("v3", cls=name)
    theirs.save_pretrained(tmp_path / "saved", safe_serialization=safe)
    model = getattr(spacy_deberta, name).from_pretrained(tmp_path / "saved")
    with torch.no_grad():
        ids = _inputs(name)
        close(_logits(model(ids)), _logits(theirs(ids)), 1e-5)
