"""The settings of a pretraining config."""

from dataclasses import dataclass, fields

from spacy_deberta.errors import Errors, check_flag
from spacy_deberta.nn import check_precision, resolve_attention

_AT_LEAST_ONE = ("max_steps", "batch_pieces", "eval_every", "eval_pieces", "save_every", "keep")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """AdamW with linear warm-up and linear decay of the learning rate.

    Args:
        learn_rate: Peak learning rate, at the end of the warm-up.
        warmup_steps: Number of steps in which it rises from 0; then it decays to 0 at the last
            step.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root of the second moment.
        weight_decay: Of all weights except biases and layer normalization.
        grad_clip: Maximum norm of the gradient of a phase; 0 for no clipping.

    Raises:
        ValueError: A setting is out of its range (E721).

    Source: He et al. 2021 (arXiv 2111.09543), appendix A; the optimizer of microsoft/DeBERTa, whose
        XAdam has no bias correction, for which the warm-up compensates.
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
            max_steps: Number of steps.
            highest: Peak learning rate in place of `learn_rate`.
        """
        highest = self.learn_rate if highest is None else highest
        if step < self.warmup_steps:
            return highest * (step + 1) / self.warmup_steps
        left = (max_steps - step) / max(1, max_steps - self.warmup_steps)
        return highest * max(0.0, left)


@dataclass(frozen=True, kw_only=True)
class PretrainingSettings:
    """Number of steps, batch sizes, and intervals of logging, evaluation and saving.

    Args:
        max_steps: Number of updates.
        batch_pieces: Number of pieces of one update, special tokens included, over all processes.
        micro_batch_pieces: Number of pieces of a micro-batch for gradient accumulation, which saves
            memory; None for the whole share of a process. The gradients are the same.
        max_length: Maximum number of pieces of a sequence.
        seed: Of the order of the sequences, the masks and the dropout.
        precision: "auto", "fp32" or "bf16", for matrix products. Weights are float32.
        attention: Name of an attention kernel, or "auto".
        gradient_checkpointing: Whether to keep only the input of every layer, and recompute the
            other activations in the backward pass.
        held_out: Share of the documents that is held out for evaluation if there is no other corpus
            for it.
        eval_every: Steps between evaluations.
        eval_pieces: Number of pieces of an evaluation, always the same ones.
        save_every: Steps between checkpoints.
        keep: Number of last checkpoints to keep.
        log_every: Steps between lines of the log.

    Raises:
        ValueError: A setting is invalid (E113, E405, E721).
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
        check_flag("gradient_checkpointing", self.gradient_checkpointing)
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
