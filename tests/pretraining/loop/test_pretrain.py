"""Pretraining from a config: complete, resumed, and in several processes."""

import signal
import time

import pytest
import spacy
import srsly
import torch
from confection import Config
from spacy import util
from spacy.tokens import DocBin

from spacy_deberta import DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from spacy_deberta.pretraining import pretrain
from spacy_deberta.pretraining.run_folder.training_state import find_states
from tests.pretraining.conftest import make_texts
from tests.pretraining.runs import SIZES, TWO_PROCESSES, losses_of, rows_of, start

pytestmark = pytest.mark.slow

MLM = {"@misc": "spacy-deberta.MaskedLanguageModelling.v1", "masking": None}


@pytest.mark.parametrize("objective", ["rtd", "mlm"])
def test_text_becomes_an_ordinary_checkpoint(objective, config, tmp_path):
    from transformers import AutoModel

    if objective == "mlm":
        config["pretraining"]["objective"] = MLM
    folder, rows = tmp_path / "model", []
    pretrain(config, folder, report=rows.append)
    assert [row.step for row in rows] == [2, 4, 6, 8, 10, 12]
    assert [row.held_out is not None for row in rows] == [False, False, True, False, False, True]
    phases = ["mlm"] if objective == "mlm" else ["generator", "discriminator"]
    assert list(rows[0].training) == phases
    assert rows[-1].held_out[phases[0]].loss < rows[0].training[phases[0]].loss
    assert len(rows_of(folder)) == 6
    assert (folder / "training" / "loss.svg").stat().st_size > 1000
    assert [path.name for path in find_states(folder / "training")] == [
        "step-00000008",
        "step-00000012",
    ]
    kind = DebertaV2ForMaskedLM if objective == "mlm" else DebertaV2ForReplacedTokenDetection
    ids = torch.tensor([[1, 300, 301, 302, 2]])
    with torch.no_grad():
        own = kind.from_pretrained(folder).deberta(ids).last_hidden_state
        theirs = AutoModel.from_pretrained(folder).eval()(ids).last_hidden_state
    torch.testing.assert_close(own, theirs, rtol=0, atol=1e-5)
    if objective == "rtd":
        generator = DebertaV2ForMaskedLM.from_pretrained(folder / "generator")
        assert generator.config.num_hidden_layers == 1


def test_pretraining_continues_from_a_checkpoint(config, tmp_path, texts):
    pretrain(config, tmp_path / "first")
    config["paths"].update(vocabulary=None)
    config["model"].update(name=str(tmp_path / "first"), config={})
    pretrain(config, tmp_path / "second")
    before, after = rows_of(tmp_path / "first"), rows_of(tmp_path / "second")
    # It starts at the step of the other run, and not at 0.
    start, end = (
        rows[number]["training"]["generator"]["loss"]
        for rows, number in ((before, 0), (before, -1))
    )
    begin = after[0]["training"]["generator"]["loss"]
    assert abs(begin - end) < 0.3 * (start - end)


@pytest.mark.parametrize("kind", ["jsonl", "spacy"])
def test_spacy_readers_work_as_well(kind, config, tmp_path):
    nlp = spacy.blank("en")
    path = tmp_path / f"corpus.{kind}"
    if kind == "jsonl":
        srsly.write_jsonl(path, ({"text": text} for text in make_texts(80)))
        reader = {"@readers": "spacy.JsonlCorpus.v1", "path": str(path)}
    else:
        DocBin(docs=map(nlp, make_texts(80))).to_disk(path)
        reader = {"@readers": "spacy.Corpus.v1", "path": str(path), "gold_preproc": False}
    config["corpora"] = {"train": reader, "dev": reader}
    pretrain(config, tmp_path / "model")
    corpus = srsly.read_json(tmp_path / "model" / "training" / "corpus" / "train" / "corpus.json")
    assert corpus["documents"] == 80
    assert rows_of(tmp_path / "model")[-1]["held_out"]


@pytest.mark.parametrize("objective", ["rtd", "mlm"])
def test_a_killed_run_resumes_as_if_nothing_had_happened(objective, config, tmp_path):
    if objective == "mlm":
        config["pretraining"]["objective"] = MLM
    config["pretraining"].update(max_steps=60, save_every=5)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    pretrain(config, whole)
    process = start(config, killed)
    deadline = time.monotonic() + 120
    log = killed / "training" / "log.jsonl"
    while not (log.exists() and len(log.read_text().splitlines()) > 6):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(rows_of(killed)) < 30
    # A process that is killed while it writes a line leaves an incomplete one.
    with log.open("a", encoding="utf-8") as file:
        file.write('{"step": 9')
    resumed = start(config, killed, "--resume")
    output, _ = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, output
    assert "Resuming from step" in output
    assert losses_of(killed) == losses_of(whole)


@pytest.mark.parametrize("objective", ["rtd", "mlm"])
def test_two_processes_are_one(objective, config, tmp_path):
    if objective == "mlm":
        config["pretraining"]["objective"] = MLM
    # Every process draws its own dropout masks.
    config["model"]["config"] = {
        **SIZES,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    config["pretraining"].update(max_steps=50, log_every=1, save_every=50, eval_every=25)
    pretrain(config, tmp_path / "one")
    process = start(config, tmp_path / "two", launcher=TWO_PROCESSES)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    one, two = losses_of(tmp_path / "one"), losses_of(tmp_path / "two")
    assert len(one) == len(two) == 50
    for first, second in zip(one, two, strict=True):
        for part in ("training", "held_out"):
            for phase, scores in (first[part] or {}).items():
                assert second[part][phase]["loss"] == pytest.approx(scores["loss"], abs=1e-5)


class Recorder:
    """A logger like spaCy's: a function from a pipeline to two functions."""

    def __init__(self):
        self.infos, self.finished = [], False

    def __call__(self, nlp, stdout, stderr):
        self.name = nlp.config["pretraining"]["max_steps"]

        def finish():
            self.finished = True

        return self.infos.append, finish


def test_a_logger_of_spacy_hears_of_it(config, tmp_path):
    recorder = Recorder()
    util.registry.loggers("spacy-deberta-tests.recorder", func=lambda: recorder)
    config["pretraining"]["logger"] = {"@loggers": "spacy-deberta-tests.recorder"}
    pretrain(config, tmp_path / "model")
    assert recorder.finished
    assert recorder.name == 12
    assert [info["step"] for info in recorder.infos] == [2, 4, 6, 8, 10, 12]
    last = recorder.infos[-1]
    assert set(last["losses"]) == {"generator", "discriminator"}
    assert 0 < last["other_scores"]["discriminator_accuracy"] == last["score"] <= 1


def test_spacys_console_logger_runs(config, tmp_path, capsys):
    config["pretraining"]["logger"] = {"@loggers": "spacy.ConsoleLogger.v3"}
    pretrain(config, tmp_path / "model")
    assert "SCORE" in capsys.readouterr().out


BAD = {
    "max_length of 2": ({"pretraining": {"max_length": 2}}, "E721.*max_length"),
    "fp16": ({"pretraining": {"precision": "fp16"}}, "E721.*precision.*bf16"),
    "unknown setting": ({"pretraining": {"n_steps": 3}}, "E729.*n_steps"),
    "unknown field": ({"model": {"config": {"heads": 2}}}, "E414.*heads"),
    "no vocabulary": ({"paths": {"vocabulary": None}}, "E401"),
    "both": ({"model": {"name": "somewhere"}}, "E402.*somewhere"),
    "a list for a name": ({"model": {"vocabulary": [1]}}, "E730.*vocabulary"),
    "sizes of a giant": ({"model": {"config": {"num_hidden_layers": 2**31}}}, "E102.*num_hidden"),
    "a word for a size": ({"model": {"config": {"hidden_size": "wide"}}}, "E102.*hidden_size"),
    "more than there is memory": (
        {"model": {"config": {"vocab_size": 2**24, "hidden_size": 2**17}}},
        "E126.*memory",
    ),
    "no texts": ({"paths": {"texts": None}}, "E701"),
    "texts that are not there": ({"paths": {"texts": "nowhere.txt"}}, "E701.*nowhere"),
    "a word for a number": ({"pretraining": {"max_steps": "many"}}, "E730.*pretraining"),
    "warm-up below zero": ({"pretraining": {"optimizer": {"warmup_steps": -1}}}, "E721.*warmup"),
    "too small a vocab_size": ({"model": {"config": {"vocab_size": 50}}}, "E310"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_are_named(case, config, tmp_path):
    changes, message = BAD[case]
    with pytest.raises((ValueError, OSError), match=message):
        pretrain(Config(config).merge(Config(changes)), tmp_path / "model")
    assert not (tmp_path / "model" / "config.json").exists()


def test_bad_texts_are_named(config, texts, tmp_path):
    texts.write_bytes("schöne Grüße".encode("latin-1"))
    with pytest.raises(ValueError, match="E703"):
        pretrain(config, tmp_path / "model")
    texts.write_text("  \n\n")
    with pytest.raises(ValueError, match="E707"):
        pretrain(config, tmp_path / "model")


def test_a_run_is_neither_overwritten_nor_made_another_one(config, tmp_path, vocabulary):
    folder = tmp_path / "model"
    pretrain(config, folder)
    with pytest.raises(ValueError, match=r"E731.*step 12.*--resume"):
        pretrain(config, folder)
    changed = config.copy()
    changed["pretraining"]["max_length"] = 24
    changed["pretraining"]["optimizer"]["learn_rate"] = 1e-3
    message = r"E732.*pretraining.max_length, pretraining.optimizer.learn_rate"
    with pytest.raises(ValueError, match=message):
        pretrain(changed, folder, resume=True)
    # Settings that do not affect the result may change.
    same = config.copy()
    same["pretraining"].update(micro_batch_pieces=100, keep=1)
    before = rows_of(folder)
    pretrain(same, folder, resume=True)
    assert rows_of(folder) == before


def test_a_loss_that_is_no_number_stops_the_run(config, tmp_path):
    config["pretraining"].update(max_steps=100, save_every=1, log_every=1)
    config["pretraining"]["optimizer"].update(learn_rate=1e30, warmup_steps=3, grad_clip=0)
    with pytest.raises(ValueError, match=r"E725.* update \d+ .*(step-|no checkpoint)"):
        pretrain(config, tmp_path / "model")
    for state in find_states(tmp_path / "model" / "training"):
        assert int(state.name[5:]) < 100


def test_an_encoded_corpus_of_another_vocabulary_is_refused(config, tmp_path, tiny_vocabulary):
    folder = tmp_path / "model"
    pretrain(config, folder)
    for state in find_states(folder / "training"):
        for path in state.iterdir():
            path.unlink()
        state.rmdir()
    config["paths"]["vocabulary"] = str(tiny_vocabulary)
    with pytest.raises(ValueError, match="E733"):
        pretrain(config, folder)


def test_a_corpus_without_held_out_documents_warns(config, tmp_path):
    config["pretraining"]["held_out"] = 1e-9
    with pytest.warns(UserWarning, match="W701"):
        pretrain(config, tmp_path / "model")
    assert rows_of(tmp_path / "model")[-1]["held_out"] is None
