"""Atomic saves of pipelines; `tests/fuzz` stops them at every file operation."""

import json
import signal

import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train

import spacy_deberta
from spacy_deberta.files import staging
from tests.fuzz.kill_points import Stop, count_operations, stop_save
from tests.pipeline.pipelines import make_examples, make_pipeline, make_trained


@pytest.fixture
def nlp(tiny_checkpoint):
    return make_trained(tiny_checkpoint, steps=1)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("exclude", [(), ("ner",), ("vocab", "transformer")])
def test_the_files_are_those_of_spacy(can_exchange, exclude, nlp, tmp_path, monkeypatch):
    if not can_exchange:
        monkeypatch.setattr(staging, "can_exchange", lambda: False)
    nlp.to_disk(tmp_path / "spacy", exclude=exclude)
    for _ in range(2):
        spacy_deberta.save_pipeline(nlp, tmp_path / "ours", exclude=exclude)
        assert files(tmp_path / "ours") == files(tmp_path / "spacy")


def test_a_killed_switch_is_finished_when_spacy_loads(nlp, tmp_path, monkeypatch):
    """Without atomic exchange, spaCy reads config and meta before our code runs."""
    folder = tmp_path / "pipeline"
    nlp.to_disk(folder)
    nlp.meta["version"] = "2.0.0"
    hidden = folder / ".saving-killed"
    (hidden / "written").mkdir(parents=True)
    srsly.write_json(hidden / "written" / "meta.json", nlp.meta)
    (hidden / "lock").touch()
    (hidden / "journal.json").write_text(json.dumps({"old": ["meta.json"], "new": ["meta.json"]}))
    with pytest.raises(OSError, match="E343"):
        spacy.load(folder)
    assert spacy.load(folder).meta["version"] == "2.0.0"
    assert not hidden.exists()


@pytest.fixture
def training_config(tiny_checkpoint, tmp_path):
    """A config of `spacy train` that saves twice, with the callback by its registered name."""
    nlp = make_pipeline(tiny_checkpoint)
    docs = [example.reference for example in make_examples(nlp)]
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    config = nlp.config.copy()
    config["paths"].update({kind: str(tmp_path / "train.spacy") for kind in ("train", "dev")})
    config["training"].update(
        max_steps=2,
        eval_frequency=1,
        before_to_disk={"@callbacks": "spacy-deberta.SafeSaving.v1"},
        logger={"@loggers": "spacy-deberta.SilentLogger.v1"},
    )
    return config


@pytest.mark.slow
def test_a_killed_training_leaves_a_whole_pipeline(training_config, tmp_path):
    """Killed at some file operations, among them those between two saves of `model-last`."""

    def run(output):
        output.mkdir(exist_ok=True)
        train(init_nlp(training_config), output)

    count = count_operations(lambda: run(tmp_path / "counted"))
    spacy.load(tmp_path / "counted" / "model-last")
    saved = 0
    for at in range(count // 2, count, count // 8):
        output = tmp_path / str(at)
        code = stop_save(lambda output=output: run(output), Stop(at, "torn"))
        assert code == -signal.SIGKILL
        if (output / "model-last").exists():
            spacy.load(output / "model-last")
            saved += 1
    assert saved >= 2


def test_the_callback_does_not_change_the_pipeline(nlp, tmp_path):
    callback = spacy.registry.callbacks.get("spacy-deberta.SafeSaving.v1")()
    saved = callback(nlp)
    assert "to_disk" not in vars(nlp)
    assert saved.get_pipe("ner") is nlp.get_pipe("ner")
    saved.to_disk(tmp_path / "model-last")
    assert spacy.load(tmp_path / "model-last").pipe_names == nlp.pipe_names
