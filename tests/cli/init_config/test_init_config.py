"""`spacy deberta init-config`: complete configs that spaCy trains."""

import lzma

import pytest
import srsly
from spacy import util
from spacy.tokens import DocBin
from spacy.training.converters import conllu_to_docs

from spacy_deberta.cli import init_config
from spacy_deberta.cli.init_config.choices import evaluate_every
from spacy_deberta.cli.init_config.settings import HEADS, OPTIMIZE, TASKS
from tests.docs.pages import ROOT

SHIPPED = {
    "multitask": ["tagger", "morphologizer", "parser", "senter", "ner"],
    **{name: [name] for name in ("ner", "textcat", "textcat_multilabel")},
    **{name: [name] for name in ("spancat", "spancat_singlelabel")},
    **{name.removeprefix("deberta_"): [name] for name in HEADS},
}
EVERYTHING = list(TASKS)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_configs_are_what_it_writes(name):
    path = ROOT / "configs" / f"{name}.cfg"
    text = init_config(SHIPPED[name], optimize="gpu", path=f"configs/{name}.cfg")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("optimize", ["cpu", "gpu"])
@pytest.mark.parametrize("pipeline", [*([name] for name in (*TASKS, *HEADS)), EVERYTHING], ids=str)
def test_nothing_is_missing_for_spacy(pipeline, optimize, tmp_path):
    path = tmp_path / "config.cfg"
    path.write_text(init_config(pipeline, optimize=optimize, lang="de"), encoding="utf-8")
    config = util.load_config(path, interpolate=False)
    # Without auto_fill, a value that is missing is an error.
    nlp = util.load_model_from_config(config, auto_fill=False, validate=True)
    assert nlp.lang == "de"
    factories = [nlp.get_pipe_meta(name).factory for name in nlp.pipe_names]
    assert factories == (pipeline if pipeline[0] in HEADS else ["deberta", *pipeline])
    given = [weight for weight in config["training"]["score_weights"].values() if weight]
    # Components with the same score share its weight.
    assert 0.5 < sum(given) < 1.02


def test_options(spacy_cli, tmp_path):
    path = tmp_path / "new" / "config.cfg"
    options = ("-p", " ner, tagger ", "-o", "gpu", "-e", 'my "own" encoder', "-l", "fr")
    result = spacy_cli("deberta", "init-config", path, *options)
    assert result.exit_code == 0, result.output
    config = util.load_config(path)
    assert config["nlp"]["pipeline"] == ["transformer", "ner", "tagger"]
    assert config["paths"]["encoder"] == 'my "own" encoder'
    assert (config["nlp"]["lang"], config["system"]["gpu_allocator"]) == ("fr", "pytorch")
    again = spacy_cli("deberta", "init-config", path)
    assert (again.exit_code, "E538" in again.stderr) == (1, True)
    assert spacy_cli("deberta", "init-config", path, "--force").exit_code == 0
    assert util.load_config(path)["nlp"]["pipeline"] == ["transformer", "ner"]


def test_standard_output(spacy_cli):
    result = spacy_cli("deberta", "init-config", "-", "--pipeline", "textcat")
    assert result.stdout == init_config(["textcat"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-p", ""], "E537"),
        (["-p", "ner,entity_linker"], "E537"),
        (["-p", "ner,ner"], "E537"),
        (["-p", "ner,deberta_token_classifier"], "E537"),
        (["-l", "xyz"], "E536"),
        (["-e", "null"], "E540"),
        (["--layers", "4"], "E540"),
        (["-v", "spm.model", "--hidden-size", "130"], "E541"),
        (["--steps", "0"], "E543"),
        (["--batch-size", "0"], "E543"),
        (["--dropout", "1"], "E543"),
    ],
)
def test_wrong_options(spacy_cli, options, code, tmp_path):
    result = spacy_cli("deberta", "init-config", tmp_path / "config.cfg", *options)
    assert (result.exit_code, code in result.stderr) == (1, True), result.output
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="E539"):
        init_config(["ner"], optimize="tpu")


def test_components_that_are_trained_elsewhere():
    with pytest.raises(ValueError, match=r"configs/gliner\.cfg"):
        init_config(["deberta_gliner"])


def read(text):
    return util.load_config_from_str(text, interpolate=True)


def changes(new, old, path=""):
    """The settings that differ, as they are written on the command line."""
    for key in {**new, **old}:
        one, other = new.get(key), old.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from changes(one, other, f"{path}{key}.")
        elif one != other:
            yield f"{path}{key}"


@pytest.mark.parametrize("component", ["transformer", "answers"])
def test_a_vocabulary_is_for_random_weights(component):
    pipeline = ["textcat"] if component == "transformer" else ["deberta_question_answering"]
    sizes = {"vocabulary": "new/spm.model", "hidden_size": 64, "layers": 3}
    text = init_config(pipeline, encoder="null", **sizes)
    assert text == init_config(pipeline, **sizes)
    config = read(text)
    model = config["components"][component]["model"]
    assert model["name"] is None
    assert model["from_scratch"] == {
        "vocabulary": "new/spm.model",
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 256,
    }
    small = read(init_config(pipeline, optimize="cpu"))
    assert set(changes(config, small)) == {
        "paths.encoder",
        f"components.{component}.model.name",
        f"components.{component}.model.from_scratch",
        "training.optimizer.learn_rate.encoder",
        "training.optimizer.learn_rate.initial_rate",
    }
    assert config["training"]["optimizer"]["learn_rate"]["initial_rate"] == 0.001
    with_checkpoint = init_config(pipeline, encoder="microsoft/deberta-v3-base", **sizes)
    assert with_checkpoint == init_config(pipeline, optimize="gpu")


def test_where_it_trains_follows_from_the_encoder():
    for encoder, optimize in {
        None: "cpu",
        "deberta-v3-mini-en": "cpu",
        "microsoft/deberta-v3-small": "gpu",
        "folder/of/a/checkpoint": "gpu",
    }.items():
        config = init_config(["ner"], encoder=encoder)
        assert config == init_config(["ner"], encoder=encoder, optimize=optimize)


def test_training_settings_are_those_that_are_given():
    options = {"dropout": 0.3, "batch_size": 700, "eval_frequency": 20, "log": "log.jsonl"}
    changed = read(init_config(["ner"], **options))
    assert set(changes(changed, read(init_config(["ner"])))) == {
        "training.dropout",
        "training.batcher.size",
        "training.eval_frequency",
        "training.logger.@loggers",
        "training.logger.progress_bar",
        "training.logger.console_output",
        "training.logger.output_file",
    }
    training = changed["training"]
    assert (training["dropout"], training["batcher"]["size"]) == (0.3, 700)
    assert (training["eval_frequency"], training["logger"]["output_file"]) == (20, "log.jsonl")
    assert util.registry.resolve({"logger": training["logger"]})


@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_a_short_run_warms_up_and_evaluates_within_it(optimize):
    training = read(init_config(["ner"], optimize=optimize, steps=4))["training"]
    assert training["max_steps"] == training["eval_frequency"] == 4
    learn_rate = training["optimizer"]["learn_rate"]
    assert (learn_rate["warmup_steps"], learn_rate["total_steps"]) == (2, 4)


def test_the_last_steps_are_scored_too():
    for steps, every in {150: 75, 250: 50, 600: 100, 1000: 100, 40: 40, 199: 99}.items():
        training = read(init_config(["ner"], steps=steps, eval_frequency=100))["training"]
        assert (training["max_steps"], training["eval_frequency"]) == (steps, every)
    for steps in range(1, 3001):
        every = evaluate_every(steps, at_most=100)
        assert steps % every < 10
        assert min(steps, 100) / 2 <= every <= 100


def test_the_log_of_an_earlier_run_makes_way_for_force(spacy_cli, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("{}\n", encoding="utf-8")
    arguments = ("deberta", "init-config", tmp_path / "config.cfg", "--log", log)
    refused = spacy_cli(*arguments)
    assert (refused.exit_code, "E542" in refused.stderr) == (1, True)
    assert log.exists()
    assert spacy_cli(*arguments, "--force").exit_code == 0
    assert not log.exists()


@pytest.mark.slow
def test_a_parser_trains_on_few_texts(spacy_cli, shared_data, tmp_path, monkeypatch):
    """With spaCy's `min_action_freq` of 30, nearly all dependencies of so few texts are "dep"."""
    path = shared_data / "ud_english_ewt" / "en_ewt-ud-dev.conllu.xz"
    sentences = lzma.decompress(path.read_bytes()).decode("utf-8").split("\n\n")
    docs = list(conllu_to_docs("\n\n".join(sentences[:160]), n_sents=1, no_print=True))
    monkeypatch.chdir(tmp_path)
    DocBin(docs=docs[:150]).to_disk("train.spacy")
    DocBin(docs=docs[150:]).to_disk("dev.spacy")
    assert spacy_cli("deberta", "init-config", "few.cfg", "-p", "parser").exit_code == 0
    paths = ("--paths.train", "train.spacy", "--paths.dev", "dev.spacy")
    steps = ("--training.max_steps", "40", "--training.eval_frequency", "40")
    result = spacy_cli("train", "few.cfg", "--output", "out", *paths, *steps)
    assert result.exit_code == 0, result.output
    scores = srsly.read_json("out/model-last/meta.json")["performance"]
    assert scores["dep_las"] > 0.1
    assert len(util.load_model("out/model-last").get_pipe("parser").labels) > 20
