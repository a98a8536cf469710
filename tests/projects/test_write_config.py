"""One variable of a project selects its encoder."""

import pytest
import typer
from spacy.util import load_config

from benchmarks.downstream.data import PROJECTS, load_script

pytestmark = pytest.mark.slow

write_config = load_script("scripts/write_config.py")
main, scored_every = write_config.main, write_config.scored_every
CONFIGS = PROJECTS.parent / "configs"


def write(tmp_path, config="textcat.cfg", **options):
    values = {"encoder": "null", "steps": 1000, "vocabulary": tmp_path / "spm.model", **options}
    main(CONFIGS / config, tmp_path / "training" / "config.cfg", **values)
    return load_config(tmp_path / "training" / "config.cfg", interpolate=True)


def changes(new, old, path=""):
    """The settings that differ, as they are written on the command line."""
    for key in {**new, **old}:
        one, other = new.get(key), old.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from changes(one, other, f"{path}{key}.")
        elif one != other:
            yield f"{path}{key}"


def test_a_checkpoint_keeps_the_values_for_fine_tuning(tmp_path):
    config = write(tmp_path, encoder="microsoft/deberta-v3-small", hidden_size=8, dropout=0.5)
    before = load_config(CONFIGS / "textcat.cfg", interpolate=True)
    assert config["components"]["transformer"]["model"]["name"] == "microsoft/deberta-v3-small"
    assert set(changes(config, before)) == {
        "paths.encoder",
        "components.transformer.model.name",
        "training.max_steps",
        "training.eval_frequency",
        "training.optimizer.learn_rate.encoder",
        "training.optimizer.learn_rate.total_steps",
    }


def test_null_is_an_encoder_from_random_weights(tmp_path):
    config = write(tmp_path, hidden_size=64, layers=3, dropout=0.3, batch_size=700)
    model = config["components"]["transformer"]["model"]
    assert model["name"] is None
    assert model["from_scratch"] == {
        "vocabulary": str(tmp_path / "spm.model"),
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 256,
    }
    training = config["training"]
    assert (training["dropout"], training["batcher"]["size"]) == (0.3, 700)
    assert training["optimizer"]["learn_rate"]["initial_rate"] == 0.001


@pytest.mark.parametrize("encoder", ["null", "microsoft/deberta-v3-base"])
def test_a_short_run_warms_up_and_evaluates_within_it(tmp_path, encoder):
    training = write(tmp_path, encoder=encoder, steps=4)["training"]
    assert training["max_steps"] == training["eval_frequency"] == 4
    learn_rate = training["optimizer"]["learn_rate"]
    assert (learn_rate["warmup_steps"], learn_rate["total_steps"]) == (2, 4)


def test_the_last_steps_are_scored_too(tmp_path):
    for steps, every in {150: 75, 250: 50, 600: 100, 1000: 100, 40: 40, 199: 99}.items():
        training = write(tmp_path, steps=steps)["training"]
        assert (training["max_steps"], training["eval_frequency"]) == (steps, every)
    for steps in range(1, 3001):
        every = scored_every(steps, 100)
        assert steps % every < 10
        assert min(steps, 100) / 2 <= every <= 100


def test_other_components_are_left_out(tmp_path):
    config = write(tmp_path, "multitask.cfg", pipeline="transformer,tagger,parser")
    assert config["nlp"]["pipeline"] == ["transformer", "tagger", "parser"]
    assert list(config["components"]) == ["transformer", "tagger", "parser"]
    with pytest.raises(typer.BadParameter, match="has no component textcat"):
        write(tmp_path, "multitask.cfg", pipeline="transformer,textcat")


def test_the_log_of_an_earlier_run_makes_way(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("{}\n", encoding="utf-8")
    config = write(tmp_path, log=log)
    assert not log.exists()
    assert config["training"]["logger"]["output_file"] == str(log)
