import sys

import pytest
import spacy
import torch

from spacy_deberta.checkpoints import read_config, read_weights
from spacy_deberta.checkpoints.source import find_checkpoint
from spacy_deberta.cli import convert
from spacy_deberta.models import (
    DebertaV2ForMaskedLM,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2Model,
    describe_checkpoint,
)
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import (
    contents,
    names,
    official_extras,
    prefixed,
    write_checkpoint,
    write_file,
)

pytest.importorskip("h5py")

TEXT = "Mira Okafor left Halden Freight in Rotterdam on Friday."


@pytest.fixture(scope="module")
def weights(tiny_checkpoint):
    return read_weights([tiny_checkpoint / "model.safetensors"])


@pytest.fixture
def official(tmp_path, tiny_config, tiny_vocabulary, weights):
    """A folder with all additional parameters of the released files of v3."""
    extras = {
        key: tensor
        for key, tensor in official_extras(tiny_config).items()
        if key.partition(".")[0] in ("deberta", "lm_predictions", "mask_predictions")
    }
    return write_checkpoint(
        tmp_path / "official",
        config=tiny_config,
        weights={**prefixed(weights), **extras},
        vocabulary=tiny_vocabulary,
    )


def rows(folder):
    model = DebertaV2Model.from_pretrained(folder)
    with torch.no_grad():
        return model(torch.arange(5, 45).reshape(2, 20)).last_hidden_state


@pytest.mark.slow
@pytest.mark.parametrize("first", ["huggingface", "tensorflow", "spacy"])
@pytest.mark.parametrize("second", ["huggingface", "tensorflow", "spacy"])
def test_there_and_on(first, second, spacy_cli, tiny_checkpoint, tmp_path):
    for source, target, to in [
        (tiny_checkpoint, tmp_path / "first", first),
        (tmp_path / "first", tmp_path / "second", second),
    ]:
        inside = source / "transformer" / "model"
        source = inside if inside.is_dir() else source
        result = spacy_cli("deberta", "convert", source, target, "--to", to)
        assert result.exit_code == 0, result.output
        assert "Saved DebertaV2Model" in result.stdout
        assert "Left out" not in result.stdout
    found = tmp_path / "second"
    found = found / "transformer" / "model" if second == "spacy" else found
    assert rows(found).equal(rows(tiny_checkpoint))
    tokenizer = DebertaV2Tokenizer.from_pretrained(found)
    assert tokenizer(TEXT) == DebertaV2Tokenizer.from_pretrained(tiny_checkpoint)(TEXT)
    assert not list(tmp_path.glob(".saving-*"))


def test_a_folder_for_hugging_face(official, tmp_path):
    converted = convert(official, tmp_path / "new", to="huggingface")
    assert {"config.json", "model.safetensors", "spm.model"} <= set(names(tmp_path / "new"))
    before, after = (read_weights(find_checkpoint(f).weights) for f in (official, tmp_path / "new"))
    assert all(tensor.equal(before[key]) for key, tensor in after.items())
    assert set(before) - set(after) == set(converted.left_out)
    assert {key.rpartition(".")[2] for key in converted.left_out} == {"_weight", "position_ids"}
    masked = DebertaV2ForMaskedLM.from_pretrained(tmp_path / "new")
    assert masked.layout == "emd"
    assert masked.lm_predictions["lm_head"].bias.eq(0.5).all()
    DebertaV2ForReplacedTokenDetection.from_pretrained(tmp_path / "new")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModel.from_pretrained(tmp_path / "new").eval()
    ids = torch.arange(5, 45).reshape(2, 20)
    assert theirs(ids).last_hidden_state.allclose(rows(official), atol=1e-5)


def test_what_tensorflow_can_not_hold_is_named(spacy_cli, official, tmp_path):
    result = spacy_cli("deberta", "convert", official, tmp_path / "tf", "-t", "tensorflow")
    assert result.exit_code == 0, result.output
    assert "lm_predictions (masked language modelling head (enhanced mask decoder))" in (
        result.stdout
    )
    assert "mask_predictions (replaced token detection head)" in result.stdout
    assert describe_checkpoint(tmp_path / "tf").heads == {}
    assert rows(tmp_path / "tf").equal(rows(official))


def test_heads_that_it_can_hold_are_kept(tmp_path, tiny_config, tiny_vocabulary, weights):
    extras = official_extras(tiny_config)
    heads = {
        DebertaV2ForQuestionAnswering: ("qa_outputs",),
        DebertaV2ForSequenceClassification: ("pooler", "classifier"),
    }
    config = {**tiny_config, "id2label": {"0": "A", "1": "B", "2": "C"}}
    for cls, parts in heads.items():
        own = {key: t for key, t in extras.items() if key.partition(".")[0] in parts}
        folder = tmp_path / cls.__name__
        values = config if "classifier" in parts else tiny_config
        write_checkpoint(
            folder, config=values, weights={**prefixed(weights), **own}, vocabulary=tiny_vocabulary
        )
        converted = convert(folder, tmp_path / f"{cls.__name__}-tf", to="tensorflow")
        assert converted.architecture == cls.__name__
        assert not converted.left_out
        model = cls.from_pretrained(converted.folder)
        assert model.config.id2label == read_config(find_checkpoint(folder)).id2label
        for key in own:
            assert model.get_parameter(key).eq(0.5).all()


def test_the_config_decides_between_classes(tmp_path, tiny_config, weights):
    own = {k: t for k, t in official_extras(tiny_config).items() if k.startswith("pooler.")}
    own |= {"classifier.weight": torch.zeros(1, 32), "classifier.bias": torch.zeros(1)}
    config = {**tiny_config, "architectures": ["DebertaV2ForMultipleChoice"]}
    folder = write_checkpoint(
        tmp_path / "choice", config=config, weights={**prefixed(weights), **own}
    )
    converted = convert(folder, tmp_path / "tf", to="tensorflow")
    assert converted.architecture == "DebertaV2ForMultipleChoice"
    assert not converted.has_vocabulary


def test_from_microsoft(spacy_cli, tmp_path, tiny_config, tiny_vocabulary, weights):
    folder = write_checkpoint(
        tmp_path / "microsoft", config=tiny_config, weights=None, vocabulary=tiny_vocabulary
    )
    (folder / "config.json").rename(folder / "model_config.json")
    write_file(folder / "pytorch.model.bin", {f"bert.{key}": t for key, t in weights.items()})
    assert convert(folder, tmp_path / "new", to="huggingface").layout == "microsoft"
    after = read_weights([tmp_path / "new" / "model.safetensors"])
    assert list(after) == list(weights)
    result = spacy_cli("deberta", "info", folder)
    assert "microsoft" in result.stdout


def test_a_pipeline(official, tmp_path, tiny_checkpoint):
    converted = convert(official, tmp_path / "pipeline", to="spacy", lang="de")
    assert "lm_predictions" in converted.left_out
    nlp = spacy.load(tmp_path / "pipeline")
    assert nlp.lang == "de"
    assert nlp.pipe_names == ["transformer"]
    assert nlp.get_pipe_meta("transformer").factory == "deberta"
    # The source of the checkpoint must not be saved.
    assert str(tmp_path) not in (tmp_path / "pipeline" / "config.cfg").read_text()
    vectors = nlp(TEXT)._.trf_data.tensors[0]
    expected = spacy.blank("de")
    model = {"name": str(tiny_checkpoint)}
    expected.add_pipe("deberta", name="transformer", config={"model": model})
    expected.initialize()
    assert (vectors == expected(TEXT)._.trf_data.tensors[0]).all()


@pytest.mark.parametrize("to", ["huggingface", "tensorflow", "spacy"])
def test_wrong_input_is_one_message_with_a_code(
    to, fails, tmp_path, tiny_checkpoint, tiny_config, weights
):
    def message(source, target=tmp_path / "new", *options):
        text = fails("deberta", "convert", source, target, "--to", to, *options)
        assert not (tmp_path / "new").exists()
        assert not list(tmp_path.glob(".saving-*"))
        return text

    assert "E301" in message(tmp_path / "missing")
    other = {**tiny_config, "model_type": "bert"}
    assert "E101" in message(write_checkpoint(tmp_path / "bert", config=other, weights=weights))
    lacking = dict(list(weights.items())[:-1])
    assert "E306" in message(
        write_checkpoint(
            tmp_path / "lacking",
            config=tiny_config,
            weights=lacking,
            vocabulary=tiny_checkpoint / "spm.model",
        )
    )
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("mine")
    before = contents(full)
    assert "E318" in message(tiny_checkpoint, full)
    assert "E318" in message(tiny_checkpoint, full / "file")
    assert "E318" in message(tiny_checkpoint, tiny_checkpoint)
    assert contents(full) == before
    assert "E312" in message(tiny_checkpoint, full / "file" / "new")
    if to != "spacy":
        assert "E509" in message(tiny_checkpoint, tmp_path / "new", "--lang", "de")
    else:
        assert "E502" in message(tiny_checkpoint, tmp_path / "new", "--lang", "klingon")
        bare = write_checkpoint(tmp_path / "bare", config=tiny_config, weights=weights)
        assert "E309" in message(bare)


def test_unknown_layouts(fails, tiny_checkpoint, tmp_path):
    assert "E508" in fails("deberta", "convert", tiny_checkpoint, tmp_path / "new", "--to", "onnx")


def test_without_h5py(fails, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    target = tmp_path / "new"
    message = fails("deberta", "convert", tiny_checkpoint, target, "--to", "tensorflow")
    assert "E315" in message
    assert "pip install 'spacy-deberta[tf]'" in message
    assert not target.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"conv_kernel_size": 3, "conv_groups": 2},
        {"position_biased_input": True, "embedding_size": 16},
    ],
)
def test_models_that_tensorflow_does_not_have(changes, fails, tmp_path, tiny_config):
    from spacy_deberta.models import DebertaV2Model as Model
    from spacy_deberta.nn import DebertaV2Config

    config = {**tiny_config, **changes}
    model = Model(DebertaV2Config.from_dict(config))
    folder = write_checkpoint(tmp_path / "source", config=config, weights=model.state_dict())
    message = fails("deberta", "convert", folder, tmp_path / "new", "--to", "tensorflow")
    assert "E317" in message
    assert not (tmp_path / "new").exists()
