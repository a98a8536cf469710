"""Weights in all formats give the same encoder."""

import pytest
import torch

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import gamma_beta, prefixed, write_weights

FORMS = ["safetensors", "safetensors shards", "bin", "legacy bin", "bin shards"]
NAMES = {
    "bare": dict,
    "prefixed": prefixed,
    "gamma and beta": gamma_beta,
    "prefixed gamma and beta": lambda weights: prefixed(gamma_beta(weights)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", NAMES)
def test_forms_and_names(form, names, make_checkpoint, weights, rows, expected_rows):
    folder = make_checkpoint(weights=NAMES[names](weights), form=form)
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)


@pytest.mark.parametrize("form", ["safetensors", "bin", "legacy bin"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_become_float32(form, dtype, make_checkpoint, weights):
    stored = {key: tensor.to(dtype) for key, tensor in weights.items()}
    model = DebertaV2Model.from_pretrained(make_checkpoint(weights=stored, form=form))
    for key, tensor in model.state_dict().items():
        assert tensor.dtype == torch.float32
        assert tensor.equal(stored[key].float()), key


def test_dtypes_may_differ_within_a_file(make_checkpoint, weights):
    name = "embeddings.word_embeddings.weight"
    folder = make_checkpoint(weights={**weights, name: weights[name].half()})
    model = DebertaV2Model.from_pretrained(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_safetensors_are_preferred(make_checkpoint, weights):
    folder = make_checkpoint(weights=weights)
    for form in ("safetensors shards", "bin", "bin shards"):
        write_weights(folder, weights, form=form)
    found = []
    for _ in range(4):
        files = find_checkpoint(folder)
        found.append([path.name for path in files.weights])
        index = folder / f"{files.weights[0].name.partition('-')[0]}.safetensors.index.json"
        if len(files.weights) > 1 and index.exists():
            index.unlink()
        else:
            files.weights[0].unlink()
    assert found == [
        ["model.safetensors"],
        [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)],
        ["pytorch_model.bin"],
        [f"pytorch_model-0000{i}-of-00003.bin" for i in (1, 2, 3)],
    ]


def test_what_is_loaded_is_ready(make_checkpoint):
    """No random weights, one device, ready for prediction and for training."""
    state = torch.get_rng_state()
    model = DebertaV2Model.from_pretrained(make_checkpoint())
    assert torch.get_rng_state().equal(state)
    assert torch.get_default_device() == torch.device("cpu")
    assert not any(module.training for module in model.modules())
    for _, parameter in model.named_parameters():
        assert parameter.requires_grad
        assert parameter.is_leaf
    for tensor in (*model.parameters(), *model.buffers()):
        assert tensor.device.type == "cpu"
    model(torch.tensor([[5, 6, 7]])).last_hidden_state[0, 0, 0].backward()
    assert model.embeddings.word_embeddings.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("form", ["safetensors", "bin", "legacy bin"])
def test_loading_ignores_the_default_device(form, make_checkpoint, rows, expected_rows):
    folder = make_checkpoint(form=form)
    with torch.device("meta"):
        model = DebertaV2Model.from_pretrained(folder)
    assert rows(model).equal(expected_rows)


def test_loading_without_gradients(make_checkpoint):
    with torch.no_grad():
        model = DebertaV2Model.from_pretrained(make_checkpoint())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_paths(make_checkpoint, monkeypatch, rows, expected_rows):
    folder = make_checkpoint("folder/checkpoint")
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    # "folder" and "owner/name" may be hub names too: the folder comes first.
    monkeypatch.setattr("socket.socket.connect", None)
    for name in (folder, str(folder), "checkpoint", "./checkpoint", "~/checkpoint", "checkpoint/"):
        assert rows(DebertaV2Model.from_pretrained(name)).equal(expected_rows), name
    monkeypatch.chdir(folder.parents[1])
    assert rows(DebertaV2Model.from_pretrained("folder/checkpoint")).equal(expected_rows)


def test_the_tokenizer_of_a_checkpoint(make_checkpoint, tiny_tokenizer, tmp_path):
    text = "Mira Okafor left Halden Freight."
    expected = tiny_tokenizer(text)
    tokenizer = DebertaV2Tokenizer.from_pretrained(make_checkpoint())
    assert type(tokenizer) is DebertaV2Tokenizer
    assert tokenizer(text) == expected
    # Config and weights are not required for a tokenizer.
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    assert DebertaV2Tokenizer.from_pretrained(tmp_path / "tokenizer")(text) == expected
