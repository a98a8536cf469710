"""`spacy train` in several processes, each of which has a part of every batch."""

import io
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any

import torch.distributed
from confection import Config
from spacy.language import Language
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Model, Optimizer, Shim

from spacy_deberta.layers import select_gpu

from .processes import Processes
from .shared_gradients import sum_model_gradients

SILENT_LOGGER = "spacy-deberta.SilentLogger.v1"


def train_in_parallel(config: Config, output: Path | None, *, gpu: int = -1) -> None:
    """Train a pipeline with spaCy's own loop, in every process that `torchrun` started.

    A batch is divided among the processes, and gradients are added up, so that their number changes
    the speed and hardly anything else: dropout is another one. Scores are computed, and everything
    is written, by the first process.

    Args:
        config: Of `spacy train`.
        output: Where the first process saves the pipeline; None for nowhere.
        gpu: Number of the first process's GPU, of which the others count upwards; negative for the
            CPU.

    Raises:
        ValueError: There is no such GPU, or no CuPy (E513).
    """
    with Processes.join(gpu=gpu) as processes:
        use_gpu = -1
        if processes.device.type == "cuda":
            use_gpu = processes.device.index
            select_gpu(use_gpu)
        first = processes.is_first
        if first and output is not None:
            output.mkdir(parents=True, exist_ok=True)
        # The same seed makes the same weights in every process.
        nlp = init_nlp(config, use_gpu=use_gpu)
        if processes.count > 1:
            share_work(nlp, processes)
        train(
            nlp,
            output if first else None,
            use_gpu=use_gpu,
            stdout=sys.stdout if first else io.StringIO(),
            stderr=sys.stderr if first else io.StringIO(),
        )


def share_work(nlp: Language, processes: Processes) -> None:
    """Let what spaCy's training loop calls do its part of the work.

    Args:
        nlp: Initialized, with the same weights in every process. Changed in place; what it saves is
            not.
        processes: Who trains together.
    """
    models = [
        model
        for _, pipe in nlp.pipeline
        if getattr(pipe, "is_trainable", False)
        and isinstance(model := getattr(pipe, "model", None), Model)
    ]
    replaced = {
        "update": partial(_update_with_own_part, nlp.update, processes),
        "evaluate": partial(_evaluate_once, nlp.evaluate, processes),
        "to_disk": partial(_save_without_shims, nlp.to_disk, models),
    }
    for name, function in replaced.items():
        # For this pipeline alone, and not for its class.
        setattr(nlp, name, function)
    for model in models:
        model.shims.insert(0, GradientShim(model, processes))
    if not processes.is_first:
        # One report is enough, and one run in somebody's database of runs.
        nlp.config["training"]["logger"] = {"@loggers": SILENT_LOGGER}


def silent_logger_v1() -> Callable[..., Any]:
    """Make a logger that reports nothing, for all processes but the first."""

    def start(nlp: Language, stdout: IO[str], stderr: IO[str]) -> Any:
        return (lambda info: None), (lambda: None)

    return start


class GradientShim(Shim):
    """Adds up the gradients of a model just before its update.

    thinc asks the shims of a model for their update before that of all its layers, also in
    components whose own methods can't be replaced.

    Args:
        trained: The model.
        processes: Who trains together.
    """

    def __init__(self, trained: Model, processes: Processes) -> None:
        super().__init__(None)
        self._trained = trained
        self._processes = processes

    def finish_update(self, optimizer: Optimizer) -> None:
        """Wait for the gradients of the other processes.

        The first one comes late where it has saved the pipeline or told a logger.
        """
        self._processes.wait()
        sum_model_gradients(self._trained, processes=self._processes)


def _update_with_own_part(
    update: Any, processes: Processes, examples: Iterable[Example], *args: Any, **options: Any
) -> dict[str, float]:
    own = list(examples)[processes.rank :: processes.count]
    losses: dict[str, float] = options.setdefault("losses", {})
    if own:
        update(own, *args, **options)
    return losses


def _evaluate_once(evaluate: Any, processes: Processes, *args: Any, **options: Any) -> Any:
    """Scores of the first process, for all of them: they decide together when to stop."""
    scores = [evaluate(*args, **options) if processes.is_first else None]
    processes.wait()
    torch.distributed.broadcast_object_list(scores, src=0)
    return scores[0]


def _save_without_shims(save: Any, models: list[Model], *args: Any, **options: Any) -> None:
    """Save a pipeline that loads where nobody knows of other processes."""
    removed = [model.shims.pop(0) for model in models]
    try:
        save(*args, **options)
    finally:
        for model, shim in zip(models, removed, strict=True):
            model.shims.insert(0, shim)
