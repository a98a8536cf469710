"""`load_precision = "bf16"`: the large weights are held in bfloat16, the rest in float32.

The oracle is Hugging Face's model in float32, on weights that were rounded to bfloat16.
"""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, DebertaV2ForMaskedLM

from spacy_deberta import models
from spacy_deberta.checkpoints import find_mapped_file
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, Precision
from tests.checkpoints.folders import write_checkpoint

IDS = torch.arange(5, 45).reshape(2, 20)
SIZES = {
    "v3": {},
    "v2": {"conv_kernel_size": 3, "conv_act": "gelu", "pos_att_type": ["p2c", "c2p"]},
    "narrow embeddings": {"embedding_size": 16},
    "own projections": {"share_att_key": False},
    "types and positions": {"type_vocab_size": 2, "position_biased_input": True},
}


def is_large(name):
    """What the documentation says is held in half precision."""
    return name.endswith("word_embeddings.weight") or (
        "encoder.layer." in name and name.endswith("weight") and "LayerNorm" not in name
    )


@pytest.fixture(params=SIZES)
def checkpoint(request, tmp_path, tiny_config):
    """A folder whose large weights are multiples of what bfloat16 tells apart."""
    config = {**tiny_config, **SIZES[request.param]}
    model = DebertaV2Model(DebertaV2Config.from_dict(config))
    model.init_weights(torch.Generator().manual_seed(3))
    weights = {
        name: tensor.bfloat16().float() if is_large(name) else tensor
        for name, tensor in model.state_dict().items()
    }
    return write_checkpoint(tmp_path / "checkpoint", config=config, weights=weights)


def test_what_is_held_in_which_precision(checkpoint):
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16")
    assert model.load_precision == "bf16"
    weights = load_file(checkpoint / "model.safetensors")
    for name, parameter in model.named_parameters():
        assert parameter.dtype == (torch.bfloat16 if is_large(name) else torch.float32), name
        assert parameter.float().equal(weights[name]), name
    assert DebertaV2Model.from_pretrained(checkpoint).load_precision == "fp32"


def test_rows_are_those_of_hugging_face(checkpoint):
    theirs = AutoModel.from_pretrained(checkpoint, torch_dtype=torch.float32).eval()
    ours = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16")
    with torch.no_grad():
        expected = theirs(IDS).last_hidden_state
        found = ours(IDS).last_hidden_state
        assert found.dtype == torch.float32
        assert torch.allclose(found, expected, atol=1e-5)
        with Precision.named("bf16", torch.device("cpu")).active(torch.device("cpu")):
            assert torch.allclose(ours(IDS).last_hidden_state, expected, atol=0.1)
        with Precision.named("int8", torch.device("cpu")).active(torch.device("cpu")):
            assert torch.allclose(ours(IDS).last_hidden_state, expected, atol=0.3)
    # With gradients, as without `no_grad`.
    assert torch.allclose(ours(IDS).last_hidden_state, expected, atol=1e-5)


def test_int8_is_that_of_float32_weights(checkpoint):
    """The scales are not rounded to bfloat16."""
    rows = []
    for load_precision in ("fp32", "bf16"):
        model = DebertaV2Model.from_pretrained(checkpoint, load_precision=load_precision)
        precision = Precision.named("int8", model.device)
        with torch.no_grad(), precision.active(model.device):
            rows.append(model(IDS).last_hidden_state)
    assert rows[0].equal(rows[1])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_prediction_has_no_second_copy(precision, checkpoint):
    """Prepared layers refer to the weights of the module."""
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16")
    with torch.no_grad(), Precision.named(precision, model.device).active(model.device):
        model(IDS)
    own = {parameter.data_ptr() for parameter in model.parameters()}
    copies = [tensor for tensor in _tensors(model.encoder.prepared) if tensor.data_ptr() not in own]
    width = model.config.hidden_size
    tables = 2 * model.config.position_span * width
    # What is projected of the relative positions is no weight; biases are small.
    assert all(tensor.numel() in (tables, width, 3 * width, 2 * width) for tensor in copies)


def _tensors(value, depth=6):
    if isinstance(value, torch.Tensor):
        return [value]
    if not depth or isinstance(value, str | int | float | torch.dtype | type):
        return []
    if isinstance(value, list | tuple):
        parts = list(value)
    elif isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, torch.nn.Module):
        parts = [*value.parameters()]
    else:
        parts = [getattr(value, "__dict__", {}), getattr(value, "keywords", {})]
        parts += [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        parts += [getattr(value, "__self__", None)]
    return [tensor for part in parts for tensor in _tensors(part, depth - 1)]


def test_the_masked_language_model(tmp_path, tiny_config):
    """Its output projection is the word embeddings, its last layer runs once more."""
    config = DebertaV2Config.from_dict({**tiny_config, "legacy": True})
    model = models.DebertaV2ForMaskedLM(config)
    model.init_weights(torch.Generator().manual_seed(3))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if is_large(name):
                parameter.copy_(parameter.bfloat16())
    model.save_pretrained(tmp_path)
    theirs = DebertaV2ForMaskedLM.from_pretrained(tmp_path).eval()
    ours = models.DebertaV2ForMaskedLM.from_pretrained(tmp_path, load_precision="bf16")
    with torch.no_grad():
        assert torch.allclose(ours(IDS).logits, theirs(IDS).logits, atol=1e-5)


@pytest.mark.parametrize("name", models.HEADS)
def test_every_head_predicts(name, tmp_path, tiny_config):
    spec = models.HEADS[name]
    model = spec.module_class(DebertaV2Config.from_dict(tiny_config))
    model.init_weights(torch.Generator().manual_seed(3))
    model.save_pretrained(tmp_path)
    half = spec.module_class.from_pretrained(tmp_path, load_precision="bf16").deberta
    assert half.encoder.layer[0].output.dense.weight.dtype == torch.bfloat16
    ids = IDS[None] if name == "multiple_choice" else IDS
    outputs = []
    for load_precision in ("fp32", "bf16"):
        model = spec.module_class.from_pretrained(tmp_path, load_precision=load_precision)
        with torch.no_grad():
            outputs.append(model(ids).to_tuple()[0])
    assert outputs[1].dtype == torch.float32
    assert torch.allclose(*outputs, atol=0.05)
    assert not outputs[0].equal(outputs[1])


@pytest.mark.usefixtures("map_small_files")
def test_what_is_stored_as_it_is_loaded_is_mapped(checkpoint, tmp_path):
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16")
    model.save_pretrained(tmp_path / "half")
    again = DebertaV2Model.from_pretrained(tmp_path / "half", load_precision="bf16")
    for name, parameter in again.named_parameters():
        assert find_mapped_file(parameter) is not None, name


def test_saving_keeps_the_precision(checkpoint, tmp_path):
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16")
    model.save_pretrained(tmp_path / "half")
    half = load_file(tmp_path / "half/model.safetensors")
    for name, tensor in model.state_dict().items():
        assert half[name].dtype == tensor.dtype, name
        assert half[name].equal(tensor), name
    config = json.loads((tmp_path / "half/config.json").read_text())
    assert config["torch_dtype"] == "bfloat16"
    assert AutoModel.from_pretrained(tmp_path / "half", torch_dtype="auto").dtype == torch.bfloat16
    model.save_pretrained(tmp_path / "rounded", precision="bf16")
    rounded = load_file(tmp_path / "rounded/model.safetensors")
    assert {tensor.dtype for tensor in rounded.values()} == {torch.bfloat16}
    model.save_pretrained(tmp_path / "full", precision="fp32")
    full = load_file(tmp_path / "full/model.safetensors")
    assert all(full[name].equal(tensor.float()) for name, tensor in model.state_dict().items())
    # Loaded without being asked for anything, it is trained in float32 as always.
    assert DebertaV2Model.from_pretrained(tmp_path / "half").load_precision == "fp32"


def test_a_dtype_of_transformers_5_is_replaced(checkpoint, tmp_path):
    path = checkpoint / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "dtype": "bfloat16"}))
    DebertaV2Model.from_pretrained(checkpoint).save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved/config.json").read_text())
    assert saved["torch_dtype"] == "float32"
    assert "dtype" not in saved


def test_training_is_refused(checkpoint):
    model = DebertaV2Model.from_pretrained(checkpoint, load_precision="bf16").train()
    with pytest.raises(ValueError, match="E128.*load_precision"):
        model(IDS)
    with pytest.raises(ValueError, match="E128"), model.training_step():
        model(IDS)


def test_what_comes_after_a_frozen_encoder_is_trained(tmp_path, tiny_config):
    """The gradient of the head is that of Hugging Face's head on the same rows."""
    model = models.DebertaV2ForSequenceClassification(DebertaV2Config.from_dict(tiny_config))
    model.init_weights(torch.Generator().manual_seed(3))
    model.save_pretrained(tmp_path)
    model = models.DebertaV2ForSequenceClassification.from_pretrained(
        tmp_path, load_precision="bf16"
    )
    model.deberta.requires_grad_(False)
    model.set_dropout(0.0)
    model.train()
    model(IDS, labels=torch.tensor([0, 1])).loss.backward()
    assert model.classifier.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.deberta.parameters())


@pytest.mark.parametrize("precision", ["fp16", "int4", "auto", "BF16", ""])
def test_unknown_precisions(precision, tiny_checkpoint):
    with pytest.raises(ValueError, match="E129.*fp32, bf16"):
        DebertaV2Model.from_pretrained(tiny_checkpoint, load_precision=precision)


def test_models_that_somebody_made_bfloat16_are_as_they_were(tiny_checkpoint):
    """All of their parameters are, and they are trained in it."""
    model = DebertaV2Model.from_pretrained(tiny_checkpoint).bfloat16().train()
    rows = model(IDS).last_hidden_state
    assert rows.dtype == torch.bfloat16
    rows.float().sum().backward()
    assert model.encoder.layer[0].output.dense.weight.grad is not None
