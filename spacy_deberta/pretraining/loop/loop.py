"""The training loop: update, report, evaluate, save."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from spacy_deberta.errors import Errors
from spacy_deberta.pretraining.clock import Clock
from spacy_deberta.pretraining.failures import coded_failures
from spacy_deberta.pretraining.masking.step_batches import StepBatches, StepSource
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.run_folder.folder import RunFolder
from spacy_deberta.pretraining.run_folder.log import LogRow
from spacy_deberta.pretraining.run_folder.training_state import find_good_state, save_state
from spacy_deberta.pretraining.updates.evaluation import evaluate
from spacy_deberta.pretraining.updates.metrics import Metrics
from spacy_deberta.pretraining.updates.trainer import Trainer
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .prefetching import prefetch

Report = Callable[[LogRow], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class PretrainingRun:
    """A pretraining run, ready to start.

    Args:
        trainer: The training state.
        source: The training batches.
        held_out: This rank's shard of the evaluation batches.
        tokenizer: Saved beside the models.
        folder: Where the models and the checkpoints to resume from are written.
        epoch_sequences: Number of sequences of an epoch.
    """

    trainer: Trainer
    source: StepSource
    held_out: Sequence[MaskedBatch]
    tokenizer: DebertaV2Tokenizer
    folder: RunFolder
    epoch_sequences: int


def run_to_the_end(
    run: PretrainingRun, *, report: Report, progress: Callable[[float], None] | None = None
) -> None:
    """Train from the trainer's current step to the last one.

    Args:
        run: The pretraining.
        report: Called on rank 0, for every row of the log.
        progress: Called on rank 0 at the start, and every ten seconds without a row, with the
            number of updates, of which the last may not be complete.

    Raises:
        ValueError: The loss (E725) or the weights (E736) are not finite; no checkpoint has such
            weights.
        OSError: A checkpoint (E723) or the models (E734) can't be written.
    """
    trainer = run.trainer
    window = _Window()
    clock = Clock()
    show = progress if progress is not None and trainer.processes.is_first else _show_nothing
    if trainer.step >= trainer.settings.max_steps:
        _save_models(run)
        return

    def show_in_time(done: float) -> None:
        if clock.is_due():
            show(trainer.step + done)

    show(trainer.step)
    with closing(_batches(run)) as batches:
        for step_batches, training_batches in batches:
            trainer.update(
                training_batches,
                next_position=step_batches.next_position,
                progress=show_in_time,
            )
            window.pieces += step_batches.pieces
            if _after_step(run, window, report):
                clock.restart()
            if trainer.step >= trainer.settings.max_steps:
                return


def _show_nothing(steps: float) -> None:
    """Ignore the progress."""


class _Window:
    """The time and the number of pieces since the last row of the log."""

    def __init__(self) -> None:
        self.pieces = 0
        self._started = time.perf_counter()

    def close(self) -> tuple[int, float]:
        """Number of pieces and seconds; `restart` begins a new window."""
        return self.pieces, time.perf_counter() - self._started

    def restart(self) -> None:
        """Begin a new window, which excludes the time since `close`."""
        self.pieces, self._started = 0, time.perf_counter()


def _batches(run: PretrainingRun) -> Generator[tuple[StepBatches, list[MaskedBatch]], None, None]:
    device = run.trainer.processes.device

    def make() -> Iterator[tuple[StepBatches, list[MaskedBatch]]]:
        for step in run.source.steps(run.trainer.position):
            yield step, [MaskedBatch.from_masked(masked, device) for masked in step.batches]

    return prefetch(make())


def _after_step(run: PretrainingRun, window: _Window, report: Report) -> bool:
    """Write a row of the log, evaluate and save, each if it is due; whether there was a row."""
    trainer, settings = run.trainer, run.trainer.settings
    last = trainer.step >= settings.max_steps
    evaluates = last or trainer.step % settings.eval_every == 0
    saves = last or trainer.step % settings.save_every == 0
    if not (evaluates or saves or trainer.step % settings.log_every == 0):
        return False
    _check_losses(run)
    if evaluates or saves:
        _check_weights(run)
    scores, trainer.metrics = trainer.metrics.scores(trainer.processes), Metrics()
    pieces, seconds = window.close()
    held_out = None
    if evaluates and run.held_out:
        held_out = evaluate(
            trainer.objective,
            run.held_out,
            precision=settings.precision,
            processes=trainer.processes,
        )
    if trainer.processes.is_first:
        report(
            LogRow(
                step=trainer.step,
                epoch=trainer.position / run.epoch_sequences,
                pieces=pieces,
                seconds=seconds,
                learn_rate=trainer.optimizer_settings.learn_rate_at(
                    trainer.step - 1, max_steps=settings.max_steps
                ),
                training=scores,
                held_out=held_out,
            )
        )
    # The row is written before the checkpoint, because a run that resumes from it does not write
    # the row again.
    if saves:
        _save(run)
    trainer.processes.wait()
    window.restart()
    return True


def _check_losses(run: PretrainingRun) -> None:
    bad = run.trainer.first_bad_step()
    if bad is not None:
        raise ValueError(Errors.E725.format(step=bad + 1, kept=_last_good(run)))


def _check_weights(run: PretrainingRun) -> None:
    """An update can make weights non-finite even if its loss, computed before, is finite."""
    trainer = run.trainer
    if not trainer.processes.all_agree(trainer.is_finite()):
        raise ValueError(Errors.E736.format(step=trainer.step, kept=_last_good(run)))


def _last_good(run: PretrainingRun) -> str:
    good = find_good_state(run.folder.training)
    return "There is no checkpoint yet" if good is None else f"The last good checkpoint is '{good}'"


def _save(run: PretrainingRun) -> None:
    trainer = run.trainer
    if trainer.processes.is_first:
        save_state(trainer, run.folder.training, keep=trainer.settings.keep)
    _save_models(run)


def _save_models(run: PretrainingRun) -> None:
    """Write the models, on rank 0."""
    if not run.trainer.processes.is_first:
        return
    output = run.folder.output
    with coded_failures(lambda reason: Errors.E734.format(path=output, error=reason)):
        run.trainer.objective.save(output, run.tokenizer)
