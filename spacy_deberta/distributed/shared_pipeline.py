"""Data parallel `spacy train`: each process has a shard of every batch."""

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

    Batches are sharded, and gradients are all-reduced, so the number of processes changes the speed
    but, except for the dropout masks, hardly the result. Rank 0 computes the scores and writes all
    files.

    Args:
        config: Of `spacy train`.
        output: Where rank 0 saves the pipeline; None to not save it.
        gpu: Index of the GPU of rank 0, to which the other ranks are added; negative for the CPU.

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
        # The same seed gives the same weights on every rank.
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
    """Patch a pipeline so that spaCy's training loop is data parallel.

    Args:
        nlp: Initialized, with the same weights on every rank. Changed in place; saved pipelines are
            unchanged.
        processes: The processes of the training.
    """
    models = [
        model
        for _, pipe in nlp.pipeline
        if getattr(pipe, "is_trainable", False)
        and isinstance(model := getattr(pipe, "model", None), Model)
    ]
    replaced = {
        "update": partial(_update_with_shard, nlp.update, processes),
        "evaluate": partial(_evaluate_once, nlp.evaluate, processes),
        "to_disk": partial(_save_without_shims, nlp.to_disk, models),
    }
    for name, function in replaced.items():
        # On the instance, not on its class.
        setattr(nlp, name, function)
    for model in models:
        model.shims.insert(0, GradientShim(model, processes))
    if not processes.is_first:
        # Only rank 0 reports, so an experiment tracker has one run.
        nlp.config["training"]["logger"] = {"@loggers": SILENT_LOGGER}


def silent_logger_v1() -> Callable[..., Any]:
    """Make a logger that reports nothing, for all ranks except 0."""

    def start(nlp: Language, stdout: IO[str], stderr: IO[str]) -> Any:
        return (lambda info: None), (lambda: None)

    return start


class GradientShim(Shim):
    """Hook that all-reduces the gradients of a model just before its update.

    thinc calls `finish_update` of the shims of a model before that of its layers, also in
    components whose own methods can't be replaced.

    Args:
        trained: The model.
        processes: The processes of the training.
    """

    def __init__(self, trained: Model, processes: Processes) -> None:
        super().__init__(None)
        self._trained = trained
        self._processes = processes

    def finish_update(self, optimizer: Optimizer) -> None:
        """All-reduce the gradients.

        Rank 0 is late after it saves the pipeline or calls a logger, so all wait at the barrier.
        """
        self._processes.wait()
        sum_model_gradients(self._trained, processes=self._processes)


def _update_with_shard(
    update: Any, processes: Processes, examples: Iterable[Example], *args: Any, **options: Any
) -> dict[str, float]:
    own = list(examples)[processes.rank :: processes.count]
    losses: dict[str, float] = options.setdefault("losses", {})
    if own:
        update(own, *args, **options)
    return losses


def _evaluate_once(evaluate: Any, processes: Processes, *args: Any, **options: Any) -> Any:
    """Broadcast the scores of rank 0, so that all ranks stop at the same step."""
    scores = [evaluate(*args, **options) if processes.is_first else None]
    processes.wait()
    torch.distributed.broadcast_object_list(scores, src=0)
    return scores[0]


def _save_without_shims(save: Any, models: list[Model], *args: Any, **options: Any) -> None:
    """Save a pipeline without the shims of data parallel training, so that it loads anywhere."""
    removed = [model.shims.pop(0) for model in models]
    try:
        save(*args, **options)
    finally:
        for model, shim in zip(models, removed, strict=True):
            model.shims.insert(0, shim)
