"""Span getters and annotation setters of a user, in the file of `--code`."""

import subprocess
import sys

import pytest
import spacy
from spacy.tokens import DocBin

from tests.pipeline.pipelines import make_examples

pytestmark = pytest.mark.slow

FUNCTIONS = """
@spacy.registry.span_getters("mine.halves.v1")
def halves(size: int = 3):
    return lambda docs: [[doc[:size], doc[size:]] for doc in docs]


@spacy.registry.annotation_setters("mine.silent.v1")
def silent():
    return lambda docs, predictions: None
"""
CONFIG = """
[paths]
train = null
dev = null
encoder = null

[nlp]
lang = "en"
pipeline = ["transformer","tagger"]

[components]

[components.transformer]
factory = "deberta"

[components.transformer.set_extra_annotations]
@annotation_setters = "mine.silent.v1"

[components.transformer.model]
@architectures = "spacy-deberta.DebertaV2Model.v1"
name = ${paths.encoder}

[components.transformer.model.get_spans]
@span_getters = "mine.halves.v1"
size = 2

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy-deberta.TransformerListener.v1"
pooling = {"@layers":"reduce_mean.v1"}

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = ${paths.train}

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = ${paths.dev}

[training]
max_steps = 1
"""


@pytest.fixture
def project(tmp_path):
    """A folder with data, a config, and code that imports nothing but spaCy."""
    nlp = spacy.blank("en")
    DocBin(docs=[eg.reference for eg in make_examples(nlp)]).to_disk(tmp_path / "train.spacy")
    (tmp_path / "functions.py").write_text(f"import spacy\n{FUNCTIONS}")
    (tmp_path / "base.cfg").write_text(CONFIG)
    return tmp_path


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def spacy_command(project, *arguments):
    return run("-m", "spacy", *map(str, arguments), "--code", str(project / "functions.py"))


@pytest.mark.parametrize("command", [["train"], ["deberta", "train"]])
def test_custom_functions_need_no_import(command, project, tiny_checkpoint):
    config = project / "config.cfg"
    spacy_command(project, "init", "fill-config", project / "base.cfg", config)
    data = project / "train.spacy"
    paths = ("--paths.train", data, "--paths.dev", data, "--paths.encoder", tiny_checkpoint)
    spacy_command(project, *command, config, "--output", project / "out", *paths)
    assert (project / "out" / "model-last" / "transformer" / "model").is_dir()


@pytest.mark.parametrize(
    "imports",
    [
        ["spacy", "spacy_deberta"],
        pytest.param(["spacy", "spacy_deberta", "spacy_transformers"], marks=pytest.mark.stock),
    ],
)
def test_outside_the_command_line_the_package_is_imported(imports):
    first, *later = imports
    script = f"import {first}, {later[0]}\n{FUNCTIONS}\n"
    script += f"import {later[-1]}\n"
    script += "assert spacy.registry.get('span_getters', 'mine.halves.v1') is halves\n"
    script += "names = spacy.registry.annotation_setters.get_all()\n"
    script += "assert {'mine.silent.v1', 'spacy-deberta.null_annotation_setter.v1'} <= {*names}\n"
    run("-c", script)
