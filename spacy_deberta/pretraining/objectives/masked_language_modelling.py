"""Masked language modelling: predict the masked pieces, with the enhanced mask decoder."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from spacy_deberta.models import DebertaV2ForMaskedLM
from spacy_deberta.pretraining.masking.masking import Masking
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .masked_batch import MaskedBatch
from .objective import Phase, PhaseOutput
from .saving import save_model


class MaskedLanguageModelling:
    """One model that predicts masked pieces, with absolute positions in its mask decoder.

    Args:
        model: The model, whose config selects the decoder.
        masking: How pieces are masked.

    Source: He et al. 2021 (arXiv 2006.03654), sections 3.2 and 4.4.
    """

    def __init__(self, model: DebertaV2ForMaskedLM, *, masking: Masking) -> None:
        self.masking = masking
        self.model = model
        self.modules: Mapping[str, nn.Module] = {"model": model}
        self.phases: tuple[Phase, ...] = (Phase(name="mlm", module=model),)

    def counted(self, phase: Phase, batch: MaskedBatch) -> int:
        """The number of masked pieces."""
        return len(batch.rows)

    def run(self, phase: Phase, batch: MaskedBatch) -> PhaseOutput:
        """Predict the masked pieces."""
        loss, correct, _ = predict_masked(self.model, batch)
        return PhaseOutput(loss=loss, correct=correct, batch=batch)

    def save(self, folder: Path, tokenizer: DebertaV2Tokenizer) -> None:
        """Write the model with its head."""
        save_model(folder, self.model, tokenizer)


def predict_masked(
    model: DebertaV2ForMaskedLM, batch: MaskedBatch
) -> tuple[Tensor, Tensor, Tensor]:
    """Predict the masked pieces of a batch; only those are decoded.

    Args:
        model: The model.
        batch: The batch.

    Returns:
        The summed cross entropy and the number of correct predictions, scalars, and the logits,
        (chosen, vocab_size) float32.
    """
    logits = model.forward_packed(batch.pieces, rows=batch.rows).logits.float()
    loss = functional.cross_entropy(logits, batch.originals, reduction="sum")
    correct = (logits.detach().argmax(dim=-1) == batch.originals).sum()
    return loss, correct, logits
