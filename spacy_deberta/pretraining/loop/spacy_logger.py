"""Loggers that were made for `spacy train`, told of a pretraining."""

import sys
from collections.abc import Callable
from typing import Any

from confection import Config

from spacy_deberta.pretraining.run_folder.log import LogRow

from .config import PretrainingConfig

# What spaCy's loggers look for in the config of a training.
_TRAINING = {"score_weights": {}, "max_steps": 0, "eval_frequency": 0}


def start_logger(
    plan: PretrainingConfig, config: Config, *, enabled: bool
) -> tuple[Callable[[LogRow], None], Callable[[], None]]:
    """Start the logger of a config.

    Args:
        plan: Has the logger, and the pipeline that it is given.
        config: What the logger may store as the config of the run.
        enabled: False for no logger at all.

    Returns:
        What to call with every row, and what to call at the end.
    """
    if plan.logger is None or not enabled:
        return (lambda row: None), (lambda: None)
    training = {**_TRAINING, "max_steps": plan.settings.max_steps}
    plan.nlp.config = plan.nlp.config.merge(config.interpolate()).merge({"training": training})
    log_step, finish = plan.logger(plan.nlp, sys.stdout, sys.stderr)

    def log(row: LogRow) -> None:
        log_step(_as_info(row))

    return log, finish


def _as_info(row: LogRow) -> dict[str, Any]:
    """A row in the form of spaCy's training loop; the score is what the last phase is right in."""
    scores: dict[str, float] = {}
    for name, found in (row.held_out or {}).items():
        scores[f"{name}_loss"] = found.loss
        scores[f"{name}_accuracy"] = found.accuracy
        if found.recall is not None:
            scores[f"{name}_recall"] = found.recall
    last = list((row.held_out or row.training).values())[-1]
    return {
        "epoch": int(row.epoch),
        "step": row.step,
        "score": last.accuracy,
        "other_scores": scores,
        "losses": {name: found.loss for name, found in row.training.items()},
        "checkpoints": [(last.accuracy, row.step)],
        "seconds": int(row.seconds),
        "words": row.pieces,
    }
