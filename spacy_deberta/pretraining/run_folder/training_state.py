"""Checkpoints to resume from: a resumed run is the same as an uninterrupted one."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from spacy_deberta.errors import Errors
from spacy_deberta.files import new_folder
from spacy_deberta.pretraining.checksums import SUMS_FILE, check_checksums, write_checksums
from spacy_deberta.pretraining.failures import coded_failures
from spacy_deberta.pretraining.updates.optimization import load_optimizer_tensors, optimizer_tensors
from spacy_deberta.pretraining.updates.trainer import Trainer
from spacy_deberta.typed_json import parse_typed

from .folder import discard, failures_named

_STATE, _POSITION = "state.safetensors", "state.json"
_NAME = re.compile(r"step-(\d+)")


class DamagedStateError(OSError):
    """A checkpoint is damaged (E724)."""


@dataclass(frozen=True, kw_only=True)
class TrainingPosition:
    """The position of a run.

    Attributes:
        step: Number of updates.
        position: Position in the stream of sequences.
    """

    step: int
    position: int


_POSITIONS = TypeAdapter(TrainingPosition)


def find_states(folder: Path) -> list[Path]:
    """The complete checkpoints in a folder, by their steps."""
    found = (path for path in folder.glob("step-*") if _NAME.fullmatch(path.name))
    return sorted(found, key=step_of)


def find_good_state(folder: Path) -> Path | None:
    """The last checkpoint in a folder that is undamaged and finite."""
    for path in reversed(find_states(folder)):
        try:
            _, tensors = _read(path)
        except (OSError, SafetensorError, ValueError):
            continue
        if all(tensor.isfinite().all() for tensor in tensors.values()):
            return path
    return None


def step_of(path: Path) -> int:
    """The step of a checkpoint, from `find_states`."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1])


def save_state(trainer: Trainer, folder: Path, *, keep: int) -> Path:
    """Write a checkpoint, sync it to disk, and then remove old checkpoints.

    Args:
        trainer: The training state to save.
        folder: The folder of the checkpoints.
        keep: Number of last checkpoints to keep.

    Returns:
        The folder of the checkpoint, with the step in its name.

    Raises:
        OSError: It can't be written (E723), or the others can't be removed (E735). Existing
            checkpoints are kept.
    """
    path = folder / f"step-{trainer.step:08d}"
    place = TrainingPosition(step=trainer.step, position=trainer.position)

    def describe(reason: str) -> str:
        last = find_states(folder)
        kept = f"The last one is '{last[-1]}'" if last else "There is none before it"
        return Errors.E723.format(path=path, error=reason, kept=kept)

    with coded_failures(describe), new_folder(path) as unfinished:
        files = [unfinished / _STATE, unfinished / _POSITION]
        save_file(_tensors(trainer), files[0])
        files[1].write_text(json.dumps(asdict(place)) + "\n", encoding="utf-8")
        write_checksums(unfinished / SUMS_FILE, files)
    remove_old_states(folder, keep=keep)
    return path


def remove_old_states(folder: Path, *, keep: int) -> None:
    """Remove all checkpoints but the last ones.

    Args:
        folder: The folder of the checkpoints.
        keep: Number of last checkpoints to keep.

    Raises:
        OSError: One can't be removed (E735).
    """
    for old in find_states(folder)[:-keep]:
        with failures_named(old):
            discard(old)


def load_state(trainer: Trainer, path: Path) -> None:
    """Load models and optimizers from a checkpoint.

    Args:
        trainer: Made from the same config. Changed in place; after a failure it can only be used
            for another call.
        path: From `find_states`.

    Raises:
        DamagedStateError: The checkpoint is damaged (E724).
        OSError: There is no permission to read it (E724).
        ValueError: It is of other models (E724).
    """
    try:
        place, tensors = _read(path)
        _check_position(place, trainer)
    except PermissionError as error:
        raise OSError(Errors.E724.format(path=path, error=error)) from error
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedStateError(Errors.E724.format(path=path, error=error)) from error
    try:
        for name, module in trainer.objective.modules.items():
            module.load_state_dict(_below(tensors, f"model.{name}."))
    except RuntimeError as error:
        raise ValueError(Errors.E724.format(path=path, error=error)) from error
    try:
        for name, optimizer in trainer.optimizers.items():
            load_optimizer_tensors(optimizer, _below(tensors, f"optimizer.{name}."))
        if not trainer.is_finite():
            raise ValueError("there are weights that are no finite numbers")
    except ValueError as error:
        raise DamagedStateError(Errors.E724.format(path=path, error=error)) from error
    trainer.step, trainer.position = place.step, place.position


def _read(path: Path) -> tuple[TrainingPosition, dict[str, Tensor]]:
    # A checkpoint without checksums was written by an earlier version.
    if (path / SUMS_FILE).exists():
        check_checksums(path / SUMS_FILE)
    place = parse_typed((path / _POSITION).read_bytes(), _POSITIONS)
    if place.step != step_of(path):
        raise ValueError(f"{_POSITION} is of step {place.step}")
    return place, load_file(path / _STATE)


def _check_position(place: TrainingPosition, trainer: Trainer) -> None:
    """Check the position: a step has at least one sequence, and a sequence at least one piece."""
    if not place.step <= place.position <= place.step * trainer.settings.batch_pieces:
        raise ValueError(f"{_POSITION} has the position {place.position}, which can't be")


def _tensors(trainer: Trainer) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, module in trainer.objective.modules.items():
        tensors |= {f"model.{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in trainer.optimizers.items():
        state = optimizer_tensors(optimizer)
        tensors |= {f"optimizer.{name}.{key}": value for key, value in state.items()}
    return {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
