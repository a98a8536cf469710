"""Missing and unexpected parameters, and wrong shapes."""

import warnings

import pytest
import torch

from spacy_deberta.models import DebertaV2ForTokenClassification, DebertaV2Model, load_weights
from spacy_deberta.models import DebertaV2Model as EncoderModule
from spacy_deberta.nn import DebertaV2Config
from tests.checkpoints.folders import gamma_beta, official_extras, prefixed, write_weights

CLASSIFIER = {"classifier.weight": torch.ones(2, 32), "classifier.bias": torch.ones(2)}


@pytest.fixture
def report(tiny_config):
    """A function from weights to the report of loading them into an encoder."""

    def load(weights):
        with torch.device("meta"):
            module = EncoderModule(DebertaV2Config.from_dict(tiny_config))
        return load_weights(module, weights, source="a file")

    return load


def test_extras_of_released_files_are_no_surprise(
    make_checkpoint, weights, tiny_config, report, rows, expected_rows
):
    extras = official_extras(tiny_config)
    official = {**prefixed(weights), **extras}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = DebertaV2Model.from_pretrained(make_checkpoint(weights=official, form="bin"))
        found = report(official)
    assert rows(model).equal(expected_rows)
    assert dict(found.known_extras).keys() == extras.keys()
    assert all(found.known_extras.values())
    assert found.unknown_extras == found.new == ()
    assert found.layout == "huggingface"


def test_extras_keep_the_names_of_the_file(weights, tiny_config, report):
    official = official_extras(tiny_config)
    extras = {key.removeprefix("deberta."): tensor for key, tensor in official.items()}
    mystery = {"embeddings.LayerNorm.mystery": torch.ones(1)}
    with pytest.warns(UserWarning, match=r"W301.*embeddings\.LayerNorm\.mystery"):
        found = report({**gamma_beta({**weights, **extras}), **mystery})
    assert "embeddings.position_ids" in found.known_extras
    assert "lm_predictions.lm_head.LayerNorm.gamma" in found.known_extras
    assert found.unknown_extras == ("embeddings.LayerNorm.mystery",)
    assert "gamma" in found.layout


def test_unknown_names_are_warned_about(make_checkpoint, weights, rows, expected_rows):
    mystery = {f"mystery.{i}": torch.ones(1) for i in range(7)}
    folder = make_checkpoint(weights={**weights, **mystery})
    with pytest.warns(UserWarning, match=r"W301.*mystery\.0.*and 2 more") as caught:
        model = DebertaV2Model.from_pretrained(folder)
    assert len(caught) == 1
    assert caught[0].filename == __file__, "the warning points to the line that loads"
    assert rows(model).equal(expected_rows)


@pytest.mark.parametrize(
    "key",
    [
        "embeddings.word_embeddings.weight",
        "embeddings.LayerNorm.bias",
        "encoder.rel_embeddings.weight",
        "encoder.LayerNorm.weight",
        "encoder.layer.1.attention.self.query_proj.bias",
        "encoder.layer.0.output.LayerNorm.weight",
    ],
)
def test_a_missing_parameter_is_an_error(key, make_checkpoint, weights):
    rest = {name: tensor for name, tensor in weights.items() if name != key}
    with pytest.raises(ValueError, match=f"E306.*{key}"):
        DebertaV2Model.from_pretrained(make_checkpoint(weights=rest))


def test_missing_layers_are_counted(make_checkpoint, tiny_config):
    folder = make_checkpoint(config={**tiny_config, "num_hidden_layers": 4})
    with pytest.raises(ValueError, match=r"E306.*layer\.2.*and 27 more"):
        DebertaV2Model.from_pretrained(folder)


def test_additional_layers_are_reported(make_checkpoint, tiny_config):
    folder = make_checkpoint(config={**tiny_config, "num_hidden_layers": 1})
    with pytest.warns(UserWarning, match=r"W301.*layer\.1"):
        DebertaV2Model.from_pretrained(folder)


def test_no_parameter_at_all(make_checkpoint, weights, tmp_path):
    with pytest.raises(ValueError, match="E306"):
        DebertaV2Model.from_pretrained(make_checkpoint(weights={}, form="bin"))


@pytest.mark.parametrize(
    ("key", "tensor"),
    [
        ("embeddings.word_embeddings.weight", torch.ones(449, 32)),
        ("encoder.rel_embeddings.weight", torch.ones(512, 64)),
        ("encoder.layer.0.output.dense.bias", torch.ones(1)),
        ("encoder.layer.0.output.dense.weight", torch.ones(64, 32)),
        ("encoder.layer.0.output.dense.bias", torch.tensor(1.0)),
    ],
)
def test_wrong_shapes(key, tensor, make_checkpoint, weights):
    folder = make_checkpoint(weights={**weights, key: tensor})
    shape = str(tuple(tensor.shape)).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"E307.*{key} is {shape}, not"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool])
def test_quantized_weights_are_refused(dtype, make_checkpoint, weights):
    key = "encoder.layer.0.output.dense.weight"
    folder = make_checkpoint(weights={**weights, key: weights[key].to(dtype)})
    with pytest.raises(ValueError, match=rf"E307.*{key} is {dtype}"):
        DebertaV2Model.from_pretrained(folder)


def test_a_failed_load_leaves_a_module_as_it_was(weights, tiny_config):
    module = EncoderModule(DebertaV2Config.from_dict(tiny_config))
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    wrong = {**weights, "encoder.LayerNorm.bias": torch.ones(1)}
    with pytest.raises(ValueError, match="E307"):
        load_weights(module, wrong, source="a file")
    assert all(tensor.equal(before[key]) for key, tensor in module.state_dict().items())


def test_a_new_head(make_checkpoint, tiny_config, weights):
    folder = make_checkpoint(config={**tiny_config, "id2label": {"0": "O", "1": "PER", "2": "LOC"}})
    model = DebertaV2ForTokenClassification.from_pretrained(folder)
    assert model.deberta.state_dict().keys() == weights.keys()
    head = model.classifier
    assert head.weight.shape == (3, 32)
    assert head.weight.device.type == "cpu"
    assert head.weight.dtype == torch.float32
    assert head.weight.isfinite().all()
    # Initialized as in the config, not uninitialized memory.
    assert 0.1 < head.weight.std() < 0.3
    assert head.bias.eq(0).all()
    assert head.weight.requires_grad
    assert head.bias.requires_grad
    loss = model(torch.tensor([[5, 6, 7]]), labels=torch.tensor([[0, 1, 2]])).loss
    loss.backward()
    assert head.weight.grad.isfinite().all()
    assert head.weight.grad.abs().sum() > 0
    torch.manual_seed(3)
    one = DebertaV2ForTokenClassification.from_pretrained(folder).classifier.weight
    torch.manual_seed(3)
    assert one.equal(DebertaV2ForTokenClassification.from_pretrained(folder).classifier.weight)


def test_a_head_of_the_file(make_checkpoint, weights):
    folder = make_checkpoint(weights={**prefixed(weights), **CLASSIFIER})
    model = DebertaV2ForTokenClassification.from_pretrained(folder)
    assert model.classifier.weight.eq(1).all()
    assert model.classifier.bias.eq(1).all()


@pytest.mark.parametrize("key", CLASSIFIER)
def test_half_a_head_is_an_error(key, make_checkpoint, weights):
    folder = make_checkpoint(weights={**prefixed(weights), key: CLASSIFIER[key]})
    with pytest.raises(ValueError, match=r"E306.*classifier\."):
        DebertaV2ForTokenClassification.from_pretrained(folder)


def test_a_head_without_an_encoder_is_an_error(make_checkpoint):
    with pytest.raises(ValueError, match=r"E339.*no encoder, but only: classifier"):
        DebertaV2ForTokenClassification.from_pretrained(make_checkpoint(weights=CLASSIFIER))


def test_a_head_of_another_size_is_an_error(make_checkpoint, weights):
    folder = make_checkpoint(weights={**prefixed(weights), **CLASSIFIER})
    with pytest.raises(ValueError, match=r"E307.*classifier\.weight is \(2, 32\), not \(5, 32\)"):
        DebertaV2ForTokenClassification.from_pretrained(folder, config_overrides={"num_labels": 5})


def test_a_shard_that_was_left_out_of_the_index(make_checkpoint, weights):
    folder = make_checkpoint(weights=None)
    half = dict(list(weights.items())[:12])
    write_weights(folder, half, form="safetensors shards")
    with pytest.raises(ValueError, match="E306"):
        DebertaV2Model.from_pretrained(folder)
