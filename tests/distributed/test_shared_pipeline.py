"""Training in two processes gives the same pipeline as in one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import spacy
from spacy import util
from spacy.tokens import DocBin

from spacy_deberta.layers import get_encoder
from tests.conftest import SENTENCES
from tests.docs.pages import ROOT

pytestmark = pytest.mark.slow

# The user's --code: a process group with a short timeout, and a function that takes longer.
SLOW_CODE = """
import time
from datetime import timedelta
import torch.distributed
from spacy import registry
from spacy.training import Corpus

torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=2))

@registry.readers("tests.SlowCorpus.v1")
def make_slow_corpus(path):
    def read(nlp):
        time.sleep(5)
        yield from Corpus(path)(nlp)
    return read

@registry.callbacks("tests.slow_save.v1")
def make_slow_save():
    def wait(nlp):
        time.sleep(4)
        return nlp
    return wait
"""
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture
def config(tmp_path, tiny_vocabulary):
    """A tagger on a small encoder, without dropout, which spaCy saves when it has trained."""
    nlp = spacy.blank("en")
    docs = []
    for text in SENTENCES * 3:
        doc = nlp.make_doc(text)
        for token in doc:
            token.tag_ = "CAP" if token.shape_.startswith("X") else "LOW"
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    config = util.load_config(ROOT / "configs" / "multitask.cfg", interpolate=False)
    config["nlp"]["pipeline"] = ["transformer", "tagger"]
    config["components"] = {name: config["components"][name] for name in config["nlp"]["pipeline"]}
    config["components"]["transformer"]["model"].update(
        precision="fp32",
        from_scratch={
            "vocabulary": str(tiny_vocabulary),
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
        },
    )
    data = str(tmp_path / "data.spacy")
    config["paths"].update(train=data, dev=data, encoder=None)
    config["training"].update(
        max_steps=8, eval_frequency=4, dropout=0.0, accumulate_gradient=2, score_weights={}
    )
    config["training"]["batcher"]["size"] = 120
    # Without a gradient, Adam would amplify rounding errors.
    config["training"]["optimizer"].update(eps=1e-3)
    config["training"]["optimizer"]["learn_rate"].update(initial_rate=2e-3, warmup_steps=2)
    return config


def train(config, folder, *options, launcher=()):
    config.to_disk(folder.with_suffix(".cfg"))
    done = subprocess.run(
        [
            *(sys.executable, *launcher, "-m", "spacy", "deberta", "train"),
            *(folder.with_suffix(".cfg"), "--output", folder, *options),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, spacy.load(folder / "model-last")


def weights_of(nlp):
    encoder = get_encoder(nlp.get_pipe("transformer").model).state_dict()
    tagger = {
        f"{number}.{name}": node.get_param(name)
        for number, node in enumerate(nlp.get_pipe("tagger").model.walk())
        for name in node.param_names
        if node.has_param(name)
    }
    return {**{name: tensor.numpy() for name, tensor in encoder.items()}, **tagger}


def test_two_processes_are_one(config, tmp_path):
    _, one = train(config, tmp_path / "one")
    output, two = train(config, tmp_path / "two", launcher=LAUNCHER)
    # One report, and one pipeline without traces of the processes.
    assert output.count("Saved pipeline") == 1
    assert two.config["training"]["logger"] == one.config["training"]["logger"]
    expected, found = weights_of(one), weights_of(two)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=2e-4, err_msg=name)
    text = SENTENCES[0]
    assert [token.tag_ for token in one(text)] == [token.tag_ for token in two(text)]


def test_one_process_trains_as_spacy_does(config, tmp_path):
    _, ours = train(config, tmp_path / "ours")
    path = tmp_path / "spacy.cfg"
    config.to_disk(path)
    subprocess.run(
        [sys.executable, "-m", "spacy", "train", path, "--output", tmp_path / "spacy"],
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )
    expected = weights_of(spacy.load(tmp_path / "spacy" / "model-last"))
    for name, values in weights_of(ours).items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-6, err_msg=name)


def test_an_evaluation_and_a_save_may_take_longer_than_the_timeout(config, tmp_path):
    code = tmp_path / "slow_code.py"
    code.write_text(SLOW_CODE)
    dev = {"@readers": "tests.SlowCorpus.v1", "path": config["paths"]["dev"]}
    config["corpora"]["dev"] = dev
    # An evaluation and a save, and one more update after them.
    config["training"].update(
        max_steps=1, eval_frequency=2, before_to_disk={"@callbacks": "tests.slow_save.v1"}
    )
    output, nlp = train(config, tmp_path / "slow", "--code", code, launcher=LAUNCHER)
    assert output.count("Saved pipeline") == 1
    assert nlp.meta["performance"]["tag_acc"] > 0
