"""Checkpoints to resume from: everything that is needed to go on as if nothing had happened."""

import json
import re
import shutil
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from spacy_deberta.checkpoints import new_folder, remove_unfinished
from spacy_deberta.errors import Errors

from .optimization import load_optimizer_tensors, optimizer_tensors
from .trainer import Trainer

_STATE, _PLACE = "state.safetensors", "state.json"
_NAME = re.compile(r"step-(\d+)")


def find_states(folder: Path) -> list[Path]:
    """The complete checkpoints in a folder, by their steps."""
    found = {path: _NAME.fullmatch(path.name) for path in folder.glob("step-*")}
    steps = {path: int(match[1]) for path, match in found.items() if match}
    return sorted(steps, key=steps.__getitem__)


def save_state(trainer: Trainer, folder: Path, *, keep: int) -> Path:
    """Write a checkpoint, and then remove all but the last ones.

    Args:
        trainer: What to save.
        folder: Where the checkpoints are.
        keep: How many to keep.

    Returns:
        The folder of the checkpoint, which has the number of the step in its name.

    Raises:
        OSError: It can't be written (E723). What was there is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    path = folder / f"step-{trainer.step:08d}"
    try:
        with new_folder(path) as unfinished:
            save_file(_tensors(trainer), unfinished / _STATE)
            place = {"step": trainer.step, "position": trainer.position}
            (unfinished / _PLACE).write_text(json.dumps(place) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        last = find_states(folder)
        kept = f"The last one is '{last[-1]}'" if last else "There is none before it"
        raise OSError(Errors.E723.format(path=path, error=error, kept=kept)) from error
    for old in find_states(folder)[:-keep]:
        shutil.rmtree(old)
    return path


def load_state(trainer: Trainer, path: Path) -> None:
    """Bring models and optimizers to where a checkpoint was.

    Args:
        trainer: Made from the same config, without a step. Changed in place.
        path: From `find_states`.

    Raises:
        OSError: The checkpoint is damaged (E724).
        ValueError: It is of other models (E724).
    """
    try:
        place = json.loads((path / _PLACE).read_text(encoding="utf-8"))
        tensors = load_file(path / _STATE)
        step, position = int(place["step"]), int(place["position"])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise OSError(Errors.E724.format(path=path, error=error)) from error
    try:
        for name, module in trainer.objective.modules.items():
            module.load_state_dict(_below(tensors, f"model.{name}."))
    except RuntimeError as error:
        raise ValueError(Errors.E724.format(path=path, error=error)) from error
    for name, optimizer in trainer.optimizers.items():
        load_optimizer_tensors(optimizer, _below(tensors, f"optimizer.{name}."))
    trainer.step, trainer.position = step, position


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
