"""Resume from the last undamaged checkpoint."""

from pathlib import Path

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.pretraining.failures import reason_of
from spacy_deberta.pretraining.updates.trainer import Trainer

from .folder import discard, failures_named
from .training_state import DamagedStateError, find_states, load_state, remove_old_states, step_of


def resume_from_last(trainer: Trainer, folder: Path) -> None:
    """Load the last checkpoint that is undamaged for all ranks.

    Later checkpoints are damaged. Rank 0 renames them with a warning (W702), because the run will
    write checkpoints of these steps again, and removes checkpoints that are older than those to
    keep.

    Args:
        trainer: Made from the config of the run, without a step. Changed in place.
        folder: The folder of the checkpoints; there is at least one.

    Raises:
        OSError: All of them are damaged, or one can't be read (E724) or removed (E735).
        ValueError: One is of other models (E724).
    """
    damaged: dict[Path, str] = {}
    for path in reversed(find_states(folder)):
        reason = _load(trainer, path)
        if trainer.processes.all_agree(reason is None):
            if trainer.processes.is_first:
                _put_aside(damaged, good=path)
                # A run may have been killed after it wrote a checkpoint and before this.
                remove_old_states(folder, keep=trainer.settings.keep)
            return
        damaged[path] = reason or "another process can't read it"
    path, reason = next(iter(damaged.items()))
    raise DamagedStateError(Errors.E724.format(path=path, error=reason))


def _load(trainer: Trainer, path: Path) -> str | None:
    """Load a checkpoint; return the reason if it is damaged."""
    try:
        load_state(trainer, path)
    except DamagedStateError as error:
        return reason_of(error)
    return None


def _put_aside(damaged: dict[Path, str], *, good: Path) -> None:
    for path, reason in damaged.items():
        aside = path.with_name(f"damaged-{path.name}")
        with failures_named(path):
            if aside.exists():
                discard(aside)
            path.rename(aside)
        lost = step_of(path) - step_of(good)
        warn(
            Warnings.W702.format(path=path, error=reason, good=good, lost=lost, aside=aside),
            stacklevel=4,
        )
