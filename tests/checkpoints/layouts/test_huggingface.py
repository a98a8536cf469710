"""Round trips of folders between Hugging Face's classes and ours."""

import pytest
import torch
from safetensors.torch import load_file

from spacy_deberta.models import DebertaV2ForTokenClassification, DebertaV2Model
from tests.huggingface import VARIANTS, make_model

transformers = pytest.importorskip("transformers")

IDS = torch.arange(4, 68).reshape(2, 32)
MASK = torch.ones_like(IDS)
MASK[1, 20:] = 0
CLASSES = {
    "DebertaV2Model": (DebertaV2Model, transformers.AutoModel),
    "DebertaV2ForTokenClassification": (
        DebertaV2ForTokenClassification,
        transformers.AutoModelForTokenClassification,
    ),
}


def outputs(model):
    with torch.no_grad():
        rows = model(input_ids=IDS, attention_mask=MASK, return_dict=False)[0]
    return rows[MASK.bool()]


def open_with_hugging_face(auto_class, folder):
    model, info = auto_class.from_pretrained(
        folder, output_loading_info=True, torch_dtype=torch.float32
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    assert not info["error_msgs"]
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cls", CLASSES)
def test_there_and_back(variant, cls, tmp_path):
    """Hugging Face saves, we load and save, Hugging Face loads."""
    ours, auto_class = CLASSES[cls]
    labels = {0: "O", 1: "PER", 2: "LOC"}
    ids = {name: index for index, name in labels.items()}
    theirs = make_model(variant, cls=cls, id2label=labels, label2id=ids)
    theirs.save_pretrained(tmp_path / "theirs")
    model = ours.from_pretrained(tmp_path / "theirs")
    torch.testing.assert_close(outputs(model), outputs(theirs), atol=1e-5, rtol=1e-5)
    model.save_pretrained(tmp_path / "ours")
    back = open_with_hugging_face(auto_class, tmp_path / "ours")
    assert type(back) is type(theirs)
    assert outputs(back).equal(outputs(theirs))
    assert back.config.id2label == labels
    state = theirs.state_dict()
    assert back.state_dict().keys() == state.keys()
    assert all(tensor.equal(state[key]) for key, tensor in back.state_dict().items())
    # The same config too, except for its source.
    before, after = theirs.config.to_dict(), back.config.to_dict()
    before["_name_or_path"] = after["_name_or_path"]
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("options", [{"safe_serialization": False}, {"max_shard_size": "20KB"}])
def test_other_ways_in_which_hugging_face_saves(options, tmp_path):
    theirs = make_model("v2")
    theirs.save_pretrained(tmp_path, **options)
    torch.testing.assert_close(
        outputs(DebertaV2Model.from_pretrained(tmp_path)), outputs(theirs), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("safe", [True, False])
def test_half_precision_of_hugging_face(dtype, safe, tmp_path):
    theirs = make_model("v3").to(dtype)
    theirs.save_pretrained(tmp_path, safe_serialization=safe)
    model = DebertaV2Model.from_pretrained(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    torch.testing.assert_close(outputs(model), outputs(theirs.float()), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("head", ["MaskedLM", "SequenceClassification", "QuestionAnswering"])
def test_the_encoder_of_a_model_with_a_head(head, tmp_path, recwarn):
    theirs = make_model("v3", cls=f"DebertaV2For{head}")
    theirs.save_pretrained(tmp_path)
    model = DebertaV2Model.from_pretrained(tmp_path)
    torch.testing.assert_close(outputs(model), outputs(theirs.deberta), atol=1e-5, rtol=1e-5)
    assert not [warning for warning in recwarn if "spacy-deberta" in str(warning.message)]


@pytest.mark.parametrize("cls", CLASSES)
def test_hugging_face_opens_shards(cls, tmp_path):
    ours, auto_class = CLASSES[cls]
    theirs = make_model("v2", cls=cls)
    theirs.save_pretrained(tmp_path / "theirs")
    ours.from_pretrained(tmp_path / "theirs").save_pretrained(
        tmp_path / "ours", max_shard_bytes=20_000
    )
    assert len(list((tmp_path / "ours").glob("*.safetensors"))) > 2
    assert outputs(open_with_hugging_face(auto_class, tmp_path / "ours")).equal(outputs(theirs))


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", "float16"), ("bf16", "bfloat16")])
def test_hugging_face_opens_half_precision(precision, dtype, tmp_path):
    theirs = make_model("v3")
    theirs.save_pretrained(tmp_path / "theirs")
    model = DebertaV2Model.from_pretrained(tmp_path / "theirs")
    model.save_pretrained(tmp_path / "ours", precision=precision)
    back = transformers.AutoModel.from_pretrained(tmp_path / "ours", torch_dtype="auto")
    assert back.dtype == getattr(torch, dtype)
    half = {key: tensor.to(back.dtype) for key, tensor in theirs.state_dict().items()}
    assert all(tensor.equal(half[key]) for key, tensor in back.state_dict().items())


def test_hugging_face_opens_a_new_head(tmp_path):
    make_model("v3").save_pretrained(tmp_path / "encoder")
    model = DebertaV2ForTokenClassification.from_pretrained(
        tmp_path / "encoder", config_overrides={"num_labels": 4}
    )
    model.save_pretrained(tmp_path / "ours")
    assert "classifier.weight" in load_file(tmp_path / "ours" / "model.safetensors")
    back = open_with_hugging_face(transformers.AutoModelForTokenClassification, tmp_path / "ours")
    assert back.num_labels == 4
    torch.testing.assert_close(outputs(back), outputs(model), atol=1e-5, rtol=1e-5)
