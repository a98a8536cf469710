"""Folders of components that are damaged or that something else has written."""

import pytest
import spacy
import srsly

from tests.pipeline.pipelines import FACTORIES, encoder_config, make_examples, make_pipeline


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A saved pipeline with the factory `deberta`."""
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[]",
        b"7",
        b"null",
        b'{"format": "1"}',
        b'{"format": null}',
        b"[" * 10**5,
    ],
)
def test_settings_that_are_no_settings(content, folder):
    (folder / "transformer" / "cfg").write_bytes(content)
    with pytest.raises(ValueError, match="E423.*cfg"):
        spacy.load(folder)


@pytest.mark.parametrize("settings", [{"max_length": "x"}, {"labels": 7}, {"multi_label": 1}])
def test_settings_of_other_types(settings, tmp_path):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_zero_shot", config={"labels": ["one"], "model": {"name": "x"}})
    (tmp_path / "cfg").write_text(srsly.json_dumps({**pipe.cfg, **settings}), encoding="utf-8")
    with pytest.raises(ValueError, match=f"E423.*'{next(iter(settings))}'"):
        pipe.from_disk(tmp_path, exclude=["model", "vocab"])


@pytest.mark.parametrize(
    "message",
    [
        {},
        [],
        7,
        {"format": None},
        {"format": 1},
        {"format": 1, "config": 7, "weights": []},
        {"format": 1, "config": "[1]", "weights": []},
        {"format": 1, "config": "{}"},
        {"format": 1, "config": "{}", "weights": None},
        {"format": 1, "config": "{}", "weights": ["x"]},
        {"format": 1, "config": "{}", "weights": [b"x"]},
    ],
)
def test_network_bytes_without_their_fields(message, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    model = nlp.get_pipe("transformer").model
    saved = srsly.msgpack_loads(model.to_bytes())
    saved["shims"][2] = [srsly.msgpack_dumps(message)]
    with pytest.raises(ValueError, match="E407"):
        model.from_bytes(srsly.msgpack_dumps(saved))


@pytest.mark.parametrize("data", [b"", b"\xc1", srsly.msgpack_dumps({}), srsly.msgpack_dumps([1])])
def test_bytes_that_are_no_model(data, tiny_checkpoint):
    model = make_pipeline(tiny_checkpoint).get_pipe("transformer").model
    with pytest.raises(ValueError, match="E407"):
        model.from_bytes(data)


@pytest.mark.parametrize("factory", FACTORIES)
def test_weights_of_spacy_transformers_are_named(factory, tiny_checkpoint, tmp_path):
    nlp = spacy.blank("en")
    stock = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(tiny_checkpoint),
    }
    nlp.add_pipe("transformer", config={"model": stock})
    nlp.initialize()
    nlp.to_disk(tmp_path)
    config = nlp.config.copy()
    config["components"]["transformer"] = {"factory": factory, **encoder_config(tiny_checkpoint)}
    config.to_disk(tmp_path / "config.cfg")
    with pytest.raises(ValueError, match=r"E421.*spacy-transformers\.TransformerModel.*migrating"):
        spacy.load(tmp_path)


def test_weights_of_another_architecture(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    saved = nlp.get_pipe("tagger").model.to_bytes()
    with pytest.raises(ValueError, match="E422.*softmax.*deberta_model"):
        nlp.get_pipe("transformer").model.from_bytes(saved)
