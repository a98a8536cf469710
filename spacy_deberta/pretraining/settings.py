"""The settings of a pretraining, as its config gives them."""

from dataclasses import dataclass, fields

from spacy_deberta.errors import Errors
from spacy_deberta.nn import check_precision, resolve_attention

_AT_LEAST_ONE = ("max_steps", "batch_pieces", "eval_every", "eval_pieces", "save_every", "keep")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """AdamW, with a learning rate that rises and falls in straight lines.

    Args:
        learn_rate: At the end of the warm-up, where it is highest.
        warmup_steps: Over so many steps it rises from 0; after them it falls to 0 at the last step.
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of their squares.
        eps: Added to the root of the latter.
        weight_decay: Of all weights but biases and layer normalization.
        grad_clip: Largest norm of the gradient of a phase; 0 for any.

    Raises:
        ValueError: If they can't be (E721).

    Source: He et al. 2021 (arXiv 2111.09543), appendix A; the optimizer of microsoft/DeBERTa, whose
        XAdam leaves out the correction of the bias, which a warm-up does in another way.
    """

    learn_rate: float = 5e-4
    warmup_steps: int = 10000
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-6
    weight_decay: float = 0.01
    grad_clip: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value < 0 or (item.name in ("beta1", "beta2") and value >= 1):
                wanted = "from 0 up to, but without, 1" if "beta" in item.name else "at least 0"
                _refuse(f"optimizer.{item.name}", value, wanted)

    def learn_rate_at(self, step: int, *, max_steps: int, highest: float | None = None) -> float:
        """The learning rate of a step, counted from 0.

        Args:
            step: The step.
            max_steps: How many there are.
            highest: In place of `learn_rate`.
        """
        highest = self.learn_rate if highest is None else highest
        if step < self.warmup_steps:
            return highest * (step + 1) / self.warmup_steps
        left = (max_steps - step) / max(1, max_steps - self.warmup_steps)
        return highest * max(0.0, left)


@dataclass(frozen=True, kw_only=True)
class PretrainingSettings:
    """How long, on how much at a time, and how often something is reported or saved.

    Args:
        max_steps: Number of updates.
        batch_pieces: Pieces of one update, special tokens included, of all processes together.
        micro_batch_pieces: Pieces that a process takes at a time, to save memory; None for all of
            its share. The gradients are the same.
        max_length: Pieces of a sequence at most.
        seed: Of the order of the sequences, the masks and the dropout.
        precision: "auto", "fp32" or "bf16", for matrix products. Weights are float32.
        attention: Name of an attention kernel, or "auto".
        gradient_checkpointing: Whether to keep only the input of every layer, and compute the rest
            a second time.
        held_out: Share of the documents that is kept for the evaluation if there is no corpus for
            it.
        eval_every: Steps between evaluations.
        eval_pieces: Pieces that are evaluated, always the same ones.
        save_every: Steps between checkpoints.
        keep: How many of the last checkpoints are kept.
        log_every: Steps between lines of the log.

    Raises:
        ValueError: If they can't be (E113, E405, E721).
    """

    max_steps: int
    batch_pieces: int
    micro_batch_pieces: int | None = None
    max_length: int = 512
    seed: int = 0
    precision: str = "auto"
    attention: str = "auto"
    gradient_checkpointing: bool = False
    held_out: float = 0.005
    eval_every: int = 1000
    eval_pieces: int = 65536
    save_every: int = 1000
    keep: int = 2
    log_every: int = 20

    def __post_init__(self) -> None:
        check_precision(self.precision)
        resolve_attention(self.attention)
        if self.precision in ("fp16", "int8"):
            _refuse("precision", self.precision, '"auto", "fp32" or "bf16"')
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                _refuse(name, getattr(self, name), "at least 1")
        if self.micro_batch_pieces is not None and self.micro_batch_pieces < 1:
            _refuse("micro_batch_pieces", self.micro_batch_pieces, "at least 1, or null")
        if not 0 <= self.held_out < 1:
            _refuse("held_out", self.held_out, "from 0 up to, but without, 1")
        if not 4 <= self.max_length <= self.batch_pieces:
            _refuse("max_length", self.max_length, "at least 4 and at most 'batch_pieces'")


def _refuse(name: str, value: object, wanted: str) -> None:
    raise ValueError(Errors.E721.format(name=name, value=value, wanted=wanted))
