"""A run resumes from undamaged files, reports damaged ones, and loses nothing else."""

import json
import shutil

import numpy as np
import pytest
import srsly
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file

from spacy_deberta.pretraining import pretrain
from spacy_deberta.pretraining.run_folder.training_state import find_states
from spacy_deberta.pretraining.updates.trainer import Trainer
from tests.pretraining.runs import TWO_PROCESSES, losses_of, make_config, rows_of, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shared_texts, vocabulary):
    """A run of 12 steps with its checkpoints of the steps 4, 8 and 12, and its config."""
    config = make_config(shared_texts, vocabulary)
    config["pretraining"]["keep"] = 3
    folder = tmp_path_factory.mktemp("finished") / "model"
    pretrain(config, folder)
    return folder, config


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the run that may be damaged: its folder, and a function that resumes it."""
    whole, config = finished
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    return folder, lambda: pretrain(config, folder, resume=True)


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)


def change_tensors(path, change):
    save_file(change(load_file(path)), path)


def without_optimizer(tensors):
    return {key: value for key, value in tensors.items() if not key.startswith("optimizer.gen")}


def with_half_an_optimizer(tensors):
    return {key: value for key, value in tensors.items() if not key.endswith("exp_avg")}


def with_another_shape(tensors):
    (key, value), *_ = ((k, v) for k, v in tensors.items() if k.endswith("exp_avg_sq"))
    return {**tensors, key: value[..., None]}


def with_nan(tensors):
    (key, value), *_ = ((k, v) for k, v in tensors.items() if k.startswith("model."))
    return {**tensors, key: torch.full_like(value, float("nan"))}


# For a checkpoint with checksums.
DAMAGE = {
    "a bit flipped": lambda state: flip_a_bit(state / "state.safetensors"),
    "cut off": lambda state: (state / "state.safetensors").write_bytes(b"\0" * 9),
    "no tensors": lambda state: (state / "state.safetensors").unlink(),
    "no place": lambda state: (state / "state.json").unlink(),
    "another place": lambda state: (state / "state.json").write_text('{"step":12,"position":99}'),
    "no checksum in it": lambda state: (state / "SHA256SUMS").write_text(""),
    "checksums that are none": lambda state: (state / "SHA256SUMS").write_bytes(b"\xff\n"),
}
# Also for one that was written before checksums were added.
VISIBLE_DAMAGE = {
    "no optimizer": lambda state: change_tensors(state / "state.safetensors", without_optimizer),
    "half of it": lambda state: change_tensors(state / "state.safetensors", with_half_an_optimizer),
    "its shape": lambda state: change_tensors(state / "state.safetensors", with_another_shape),
    "no numbers": lambda state: change_tensors(state / "state.safetensors", with_nan),
    "a position of 1e18": lambda s: (s / "state.json").write_text('{"step":12,"position":1e18}'),
    "10 ** 18": lambda s: (s / "state.json").write_text(f'{{"step":12,"position":{10**18}}}'),
    "another step": lambda state: (state / "state.json").write_text('{"step":8,"position":99}'),
    "a list": lambda state: (state / "state.json").write_text("[12]"),
    "too deep": lambda state: (state / "state.json").write_text("[" * 99999),
    "text": lambda state: (state / "state.json").write_text('{"step":"12","position":"99"}'),
    "bytes": lambda state: (state / "state.json").write_bytes(b"\xff\xfe\0"),
}


@pytest.mark.parametrize("case", [*DAMAGE, *VISIBLE_DAMAGE])
def test_the_checkpoint_before_a_damaged_one_is_gone_on_from(case, run, finished):
    folder, resume = run
    state = find_states(folder / "training")[-1]
    if case in VISIBLE_DAMAGE:
        (state / "SHA256SUMS").unlink()
        VISIBLE_DAMAGE[case](state)
    else:
        DAMAGE[case](state)
    with pytest.warns(UserWarning, match=r"W702.*step-00000012.*step-00000008', 4 updates"):
        resume()
    assert losses_of(folder) == losses_of(finished[0])
    names = [path.name for path in find_states(folder / "training")]
    assert names == ["step-00000004", "step-00000008", "step-00000012"]
    expected = load_file(find_states(finished[0] / "training")[-1] / "state.safetensors")
    found = load_file(find_states(folder / "training")[-1] / "state.safetensors")
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=0, atol=0)
    # The damaged files are kept for inspection.
    assert (folder / "training" / "damaged-step-00000012").is_dir()


def test_two_processes_go_on_from_the_same_checkpoint(run, finished):
    folder, _ = run
    flip_a_bit(find_states(folder / "training")[-1] / "state.safetensors")
    process = start(finished[1], folder, "--resume", launcher=TWO_PROCESSES)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert output.count("W702") == 1
    assert output.count("Resuming from step 8") == 1
    assert [row["step"] for row in rows_of(folder)] == [2, 4, 6, 8, 10, 12]


def test_damage_in_all_checkpoints_is_named(run):
    folder, resume = run
    for state in find_states(folder / "training"):
        flip_a_bit(state / "state.safetensors")
    with pytest.raises(OSError, match=r"^\[spacy-deberta E724\].*step-00000012.*state.safetensors"):
        resume()
    assert len(find_states(folder / "training")) == 3


@pytest.mark.filterwarnings("error")
def test_a_checkpoint_without_checksums_is_gone_on_from(run, finished):
    folder, resume = run
    shutil.rmtree(find_states(folder / "training")[-1])
    (find_states(folder / "training")[-1] / "SHA256SUMS").unlink()
    resume()
    assert losses_of(folder) == losses_of(finished[0])


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\xff\xfe[nlp]"),
        lambda path: path.write_text("[nlp"),
        lambda path: path.write_text(path.read_text() + "\n[a]\nb = ${c.d}\n"),
        lambda path: path.write_text(""),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_config_of_the_run_is_named(damage, run):
    folder, resume = run
    damage(folder / "training" / "config.cfg")
    with pytest.raises(ValueError, match=r"^\[spacy-deberta E738\].*training/config.cfg"):
        resume()


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 4',
        b"[4]",
        b"\xff\xfe",
        b'{"step": 4}',
        b'{"step": "4", "epoch": 0.1}',
        b"[" * 9999,
    ],
)
def test_a_damaged_log_keeps_its_other_rows(line, run, finished):
    folder, resume = run
    log = folder / "training" / "log.jsonl"
    lines = log.read_bytes().splitlines()
    damaged = b"\n".join([*lines[:2], line, *lines[3:], b""])
    log.write_bytes(damaged)
    with pytest.warns(UserWarning, match=r"W703.*log.jsonl.*left out: 3\."):
        resume()
    expected = losses_of(finished[0])
    assert losses_of(folder) == [*expected[:2], *expected[3:]]
    assert (folder / "training" / "damaged-log.jsonl").read_bytes() == damaged


def test_a_log_that_cant_be_read_is_named(run):
    folder, resume = run
    (folder / "training" / "log.jsonl").unlink()
    (folder / "training" / "log.jsonl").mkdir()
    with pytest.raises(OSError, match=r"^\[spacy-deberta E739\].*log.jsonl"):
        resume()


CORPUS_DAMAGE = {
    "pieces": lambda corpus: flip_a_bit(corpus / "pieces.bin"),
    "documents": lambda corpus: flip_a_bit(corpus / "documents.bin"),
    "held out": lambda corpus: flip_a_bit(corpus / "held_out" / "pieces.bin"),
    "nothing held out": lambda corpus: shutil.rmtree(corpus / "held_out"),
    "no facts": lambda corpus: (corpus / "corpus.json").unlink(),
    "a list": lambda corpus: (corpus / "corpus.json").write_text("[]"),
    "bytes": lambda corpus: (corpus / "corpus.json").write_bytes(b"\xff"),
}


@pytest.mark.parametrize("case", CORPUS_DAMAGE)
def test_a_damaged_corpus_is_named(case, run):
    folder, resume = run
    CORPUS_DAMAGE[case](folder / "training" / "corpus" / "train")
    with pytest.raises(ValueError, match=r"^\[spacy-deberta E709\].*corpus/train"):
        resume()


@pytest.mark.parametrize(
    "facts", [{"dtype": []}, {"cls_token_id": "x"}, {"documents": 1.5}, {"words": None}]
)
def test_facts_of_other_types_are_named(facts, run):
    folder, resume = run
    corpus = folder / "training" / "corpus" / "train"
    (corpus / "SHA256SUMS").unlink()
    srsly.write_json(corpus / "corpus.json", {**srsly.read_json(corpus / "corpus.json"), **facts})
    with pytest.raises(ValueError, match=r"^\[spacy-deberta E709\]"):
        resume()


def test_sequences_that_are_damaged_are_cut_again(run, finished):
    folder, resume = run
    path = folder / "training" / "corpus" / "train" / "sequences-48.bin"
    starts = np.fromfile(path, "<i8")
    starts[5] -= 1
    path.write_bytes(starts.tobytes())
    for state in find_states(folder / "training")[1:]:
        shutil.rmtree(state)
    resume()
    assert losses_of(folder) == losses_of(finished[0])


def test_a_second_run_in_a_folder_is_refused(run):
    folder, resume = run
    with (
        FileLock(folder / "training" / "lock"),
        pytest.raises(OSError, match=r"^\[spacy-deberta E737\].*lock"),
    ):
        resume()
    # The lock file remains, but is not locked.
    assert (folder / "training" / "lock").exists()
    resume()


def test_a_disk_without_locks_warns(run, monkeypatch):
    def fail(self, *args, **options):
        raise NotImplementedError

    _, resume = run
    monkeypatch.setattr(FileLock, "acquire", fail)
    with pytest.warns(UserWarning, match="W704"):
        resume()


@pytest.mark.parametrize(
    "leftover",
    [
        ".saving-abc/written/model.safetensors",
        "generator/.saving-abc/written/model.safetensors",
        "training/.saving-abc/written/state.json",
        "training/.removing-step-00000001/state.json",
        "training/.log.jsonl.0123.tmp",
        "training/corpus/.saving-abc/written/pieces.bin",
        "training/corpus/train/.sequences-48.bin-abc",
        "training/corpus/train/held_out/.sequences-48.bin.0123.tmp",
    ],
)
def test_what_a_killed_run_left_is_removed(leftover, run):
    folder, resume = run
    before = sorted(folder.rglob("*"))
    path = folder / leftover
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    resume()
    assert sorted(folder.rglob("*")) == before


def test_a_checkpoint_that_was_not_removed_yet_is(run, finished):
    folder, _ = run
    config = finished[1].copy()
    config["pretraining"]["keep"] = 1
    pretrain(config, folder, resume=True)
    assert [path.name for path in find_states(folder / "training")] == ["step-00000012"]


def test_a_row_that_was_not_written_yet_is_not_lost(config, tmp_path, finished, monkeypatch):
    from spacy_deberta.pretraining.loop import loop

    def save_and_die(trainer, *args, **options):
        save_state(trainer, *args, **options)
        if trainer.step == 8:
            raise KeyboardInterrupt

    save_state = loop.save_state
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            pretrain(config, tmp_path / "model")
    pretrain(config, tmp_path / "model", resume=True)
    assert losses_of(tmp_path / "model") == losses_of(finished[0])


def spoil(monkeypatch, *, step, spoil_tensor):
    """Make an update write NaN to its parameters, although its loss is finite."""
    update = Trainer.update

    def update_and_spoil(self, *args, **options):
        update(self, *args, **options)
        if self.step == step:
            spoil_tensor(self)

    monkeypatch.setattr(Trainer, "update", update_and_spoil)


def spoil_a_weight(trainer):
    with torch.no_grad():
        next(trainer.objective.modules["generator"].parameters()).view(-1)[3] = float("inf")


def spoil_the_optimizer(trainer):
    parameter = next(trainer.objective.modules["generator"].parameters())
    trainer.optimizers["generator"].state[parameter]["exp_avg"].view(-1)[3] = float("nan")


@pytest.mark.parametrize("spoil_tensor", [spoil_a_weight, spoil_the_optimizer])
def test_weights_that_are_no_numbers_are_not_saved(
    spoil_tensor, config, tmp_path, finished, monkeypatch
):
    folder = tmp_path / "model"
    with monkeypatch.context() as patch:
        spoil(patch, step=8, spoil_tensor=spoil_tensor)
        with pytest.raises(ValueError, match=r"^\[spacy-deberta E736\].*update 8 .*step-00000004'"):
            pretrain(config, folder)
    for path in (*folder.rglob("*.safetensors"),):
        assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    # The advice of the message works.
    config["pretraining"]["precision"] = "fp32"
    pretrain(config, folder, resume=True)
    assert losses_of(folder) == losses_of(finished[0])


def test_a_non_finite_loss_names_the_last_good_checkpoint(config, tmp_path, finished, monkeypatch):
    folder = tmp_path / "model"
    config["pretraining"]["keep"] = 3
    with monkeypatch.context() as patch:
        # Long before the next checkpoint, so that the losses see it.
        spoil(patch, step=9, spoil_tensor=spoil_a_weight)
        config["pretraining"]["optimizer"]["grad_clip"] = 0.0
        # The last checkpoint is damaged afterwards, so it is not the last good one.
        original = Trainer.first_bad_step

        def damage_and_look(self):
            if self.step == 10:
                flip_a_bit(folder / "training" / "step-00000008" / "state.safetensors")
            return original(self)

        patch.setattr(Trainer, "first_bad_step", damage_and_look)
        with pytest.raises(ValueError, match=r"E725.*update 10 .*good.*step-00000004'.*fp32"):
            pretrain(config, folder)
    config["pretraining"]["precision"] = "fp32"
    with pytest.warns(UserWarning, match="W702"):
        pretrain(config, folder, resume=True)
    assert rows_of(folder)[-1]["step"] == 12
    assert json.loads((folder / "config.json").read_text())["model_type"] == "deberta-v2"
