"""`spacy deberta init-config`: complete configs that spaCy trains."""

import lzma

import pytest
import srsly
from spacy import util
from spacy.tokens import DocBin
from spacy.training.converters import conllu_to_docs

from spacy_deberta.cli import init_config
from spacy_deberta.cli.init_config.settings import HEADS, TASKS
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
    ],
)
def test_wrong_options(spacy_cli, options, code, tmp_path):
    result = spacy_cli("deberta", "init-config", tmp_path / "config.cfg", *options)
    assert (result.exit_code, code in result.stderr) == (1, True), result.output
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="E539"):
        init_config(["ner"], optimize="tpu")


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
