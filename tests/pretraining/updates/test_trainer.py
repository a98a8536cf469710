"""Consecutive updates, compared with a plain training loop."""

import copy

import pytest
import torch
from torch import nn

from spacy_deberta.distributed import Processes
from spacy_deberta.pretraining.building import (
    masked_language_modelling_v1,
    replaced_token_detection_v1,
)
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.run_folder.training_state import find_states, load_state, save_state
from spacy_deberta.pretraining.settings import OptimizerSettings, PretrainingSettings
from spacy_deberta.pretraining.updates.trainer import Trainer
from tests.pretraining.stand_ins import make_source

ALONE = Processes(rank=0, count=1, device=torch.device("cpu"))
OBJECTIVES = {
    "mlm": masked_language_modelling_v1(),
    "rtd": replaced_token_detection_v1(generator_learn_rate=2e-3, discriminator_weight=5.0),
}
SETTINGS = PretrainingSettings(max_steps=20, batch_pieces=700, max_length=64)
OPTIMIZER = OptimizerSettings(learn_rate=5e-3, warmup_steps=3, grad_clip=0.5)


def make_trainer(kind, source, tokenizer, **changes):
    torch.manual_seed(0)
    return Trainer(
        OBJECTIVES[kind](source, tokenizer),
        settings=SETTINGS,
        optimizer_settings=OptimizerSettings(**{**vars(OPTIMIZER), **changes}),
        processes=ALONE,
    )


def train(trainer, steps, *, updates):
    """Make some updates; returns the scores of each."""
    found = []
    batches = steps.steps(trainer.position)
    for _ in range(updates):
        step = next(batches)
        batch = [MaskedBatch.from_masked(masked, ALONE.device) for masked in step.batches]
        trainer.update(batch, next_position=step.next_position)
        found.append(trainer.metrics.scores(ALONE))
        trainer.metrics.phases.clear()
    return found


def weights_of(trainer):
    return {
        f"{name}.{key}": value.clone()
        for name, module in trainer.objective.modules.items()
        for key, value in module.state_dict().items()
    }


def train_plainly(objective, steps, *, updates):
    """The same with PyTorch's AdamW without fusion, and mean losses."""
    optimizers = {}
    for phase in objective.phases:
        groups = []
        for name, parameter in phase.module.named_parameters():
            decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else OPTIMIZER.weight_decay
            groups.append({"params": [parameter], "weight_decay": decay})
        optimizers[phase.name] = torch.optim.AdamW(
            groups, betas=(0.9, 0.98), eps=1e-6, foreach=False, fused=False
        )
    batches = steps.steps(0)
    for number in range(updates):
        (masked,) = next(batches).batches
        batch = MaskedBatch.from_masked(masked, ALONE.device)
        rise = min(1.0, (number + 1) / 3)
        fall = 1.0 if number < 3 else (20 - number) / 17
        for phase in objective.phases:
            highest = phase.learn_rate or OPTIMIZER.learn_rate
            output = objective.run(phase, batch)
            mean = output.loss / objective.counted(phase, batch)
            (phase.loss_weight * mean).backward()
            nn.utils.clip_grad_norm_(phase.module.parameters(), 0.5)
            for group in optimizers[phase.name].param_groups:
                group["lr"] = highest * rise * fall
            optimizers[phase.name].step()
            optimizers[phase.name].zero_grad()
            batch = output.batch


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_updates_are_those_of_a_plain_loop(kind, source, tokenizer, sequences, table):
    trainer = make_trainer(kind, source, tokenizer)
    plain = copy.deepcopy(trainer.objective)
    if kind == "rtd":  # a copy shares embeddings with the generator that it was copied from
        torch.manual_seed(0)
        plain = OBJECTIVES[kind](source, tokenizer)
    steps = make_source(sequences, table, plain.masking, batch_pieces=700)
    train(trainer, steps, updates=6)
    train_plainly(plain, steps, updates=6)
    for name, module in trainer.objective.modules.items():
        expected = plain.modules[name].state_dict()
        for key, value in module.state_dict().items():
            torch.testing.assert_close(value, expected[key], rtol=0, atol=2e-5)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_micro_batches_give_the_same_update(kind, source, tokenizer, sequences, table):
    whole = make_trainer(kind, source, tokenizer)
    parts = make_trainer(kind, source, tokenizer)
    masking = whole.objective.masking
    expected = train(whole, make_source(sequences, table, masking, batch_pieces=700), updates=5)
    steps = make_source(sequences, table, masking, batch_pieces=700, micro_batch_pieces=150)
    assert len(next(steps.steps(0)).batches) > 3
    found = train(parts, steps, updates=5)
    for one, other in zip(found, expected, strict=True):
        for phase, scores in one.items():
            assert scores.loss == pytest.approx(other[phase].loss, abs=1e-5)
            assert scores.accuracy == pytest.approx(other[phase].accuracy, abs=0.01)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_resumed_run_is_the_same_run(kind, source, tokenizer, sequences, table, tmp_path):
    source = type(source)(
        vocabulary=source.vocabulary, config={**source.config, "hidden_dropout_prob": 0.1}
    )
    trainer = make_trainer(kind, source, tokenizer)
    steps = make_source(sequences, table, trainer.objective.masking, batch_pieces=700)
    train(trainer, steps, updates=3)
    path = save_state(trainer, tmp_path, keep=2)
    expected = train(trainer, steps, updates=4)
    torch.manual_seed(99)
    resumed = make_trainer(kind, source, tokenizer)
    load_state(resumed, path)
    assert (resumed.step, find_states(tmp_path)) == (3, [path])
    assert train(resumed, steps, updates=4) == expected
    final = weights_of(trainer)
    for key, value in weights_of(resumed).items():
        torch.testing.assert_close(value, final[key], rtol=0, atol=0)


def test_only_the_last_states_are_kept_and_damage_is_named(
    source, tokenizer, sequences, table, tmp_path
):
    trainer = make_trainer("mlm", source, tokenizer)
    steps = make_source(sequences, table, trainer.objective.masking, batch_pieces=700)
    for _ in range(4):
        train(trainer, steps, updates=1)
        save_state(trainer, tmp_path, keep=2)
    names = [path.name for path in find_states(tmp_path)]
    assert names == ["step-00000003", "step-00000004"]
    last = find_states(tmp_path)[-1] / "state.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    with pytest.raises(OSError, match=r"E724.*step-00000004"):
        load_state(make_trainer("mlm", source, tokenizer), last.parent)
    with pytest.raises(ValueError, match="E724"):
        load_state(make_trainer("rtd", source, tokenizer), find_states(tmp_path)[0])


def test_a_full_disk_leaves_the_last_state(
    source, tokenizer, sequences, table, tmp_path, monkeypatch
):
    trainer = make_trainer("mlm", source, tokenizer)
    steps = make_source(sequences, table, trainer.objective.masking, batch_pieces=700)
    train(trainer, steps, updates=1)
    save_state(trainer, tmp_path, keep=1)
    train(trainer, steps, updates=1)

    def fail(tensors, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spacy_deberta.pretraining.run_folder.training_state.save_file", fail)
    with pytest.raises(OSError, match=r"E723.*step-00000002.*No space.*step-00000001"):
        save_state(trainer, tmp_path, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_a_non_finite_loss_is_found(source, tokenizer, sequences, table):
    trainer = make_trainer("mlm", source, tokenizer)
    steps = make_source(sequences, table, trainer.objective.masking, batch_pieces=700)
    train(trainer, steps, updates=2)
    assert trainer.first_bad_step() is None
    with torch.no_grad():
        trainer.objective.model.deberta.embeddings.LayerNorm.weight.fill_(float("nan"))
    train(trainer, steps, updates=2)
    assert trainer.first_bad_step() == 2
