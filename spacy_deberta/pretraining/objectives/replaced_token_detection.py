"""Replaced token detection: a generator replaces pieces, a discriminator detects them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from spacy_deberta.models import DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from spacy_deberta.pretraining.masking.masking import Masking
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .masked_batch import MaskedBatch
from .masked_language_modelling import predict_masked
from .objective import Phase, PhaseOutput
from .saving import save_model
from .shared_embeddings import share_embeddings

# The folder of the generator, within that of the discriminator.
GENERATOR = "generator"


class ReplacedTokenDetection:
    """A generator that predicts masked pieces, and a discriminator that detects its replacements.

    The generator makes its step first. The input of the discriminator is the batch with samples of
    the generator from before that step. There is no gradient between the two.

    Args:
        generator: Usually half as deep as the discriminator.
        discriminator: The pretrained model. Its embeddings become those of the generator plus a
            difference.
        masking: How pieces are masked.
        discriminator_weight: Factor on the discriminator's loss.
        generator_learn_rate: Of the generator; None for that of the discriminator.

    Source: He et al. 2021 (arXiv 2111.09543), sections 3.1 and 3.2; `rtd_task.py` of
        microsoft/DeBERTa with `decoupled_training`.
    """

    def __init__(
        self,
        generator: DebertaV2ForMaskedLM,
        discriminator: DebertaV2ForReplacedTokenDetection,
        *,
        masking: Masking,
        discriminator_weight: float = 50.0,
        generator_learn_rate: float | None = None,
    ) -> None:
        share_embeddings(generator.deberta, discriminator.deberta)
        self.masking = masking
        self.generator, self.discriminator = generator, discriminator
        self.modules: Mapping[str, nn.Module] = {
            "generator": generator,
            "discriminator": discriminator,
        }
        self.phases: tuple[Phase, ...] = (
            Phase(name="generator", module=generator, learn_rate=generator_learn_rate),
            Phase(name="discriminator", module=discriminator, loss_weight=discriminator_weight),
        )

    def counted(self, phase: Phase, batch: MaskedBatch) -> int:
        """The number of masked pieces for the generator, of all pieces for the discriminator."""
        return len(batch.rows) if phase.module is self.generator else batch.pieces.total_pieces

    def run(self, phase: Phase, batch: MaskedBatch) -> PhaseOutput:
        """Run the forward pass of the generator or the discriminator."""
        return self._generate(batch) if phase.module is self.generator else self._detect(batch)

    def save(self, folder: Path, tokenizer: DebertaV2Tokenizer) -> None:
        """Write the discriminator, and the generator into a subfolder."""
        save_model(folder / GENERATOR, self.generator, tokenizer)
        save_model(folder, self.discriminator, tokenizer)

    def _generate(self, batch: MaskedBatch) -> PhaseOutput:
        loss, correct, logits = predict_masked(self.generator, batch)
        ids = batch.pieces.input_ids
        assert ids is not None
        with torch.no_grad():
            samples = sample_pieces(logits, batch.noise)
            filled = ids.index_copy(0, batch.device_rows, samples)
            replaced = torch.zeros(len(ids), device=ids.device)
            replaced.index_copy_(0, batch.device_rows, (samples != batch.originals).float())
        pieces = replace(batch.pieces, input_ids=filled)
        following = replace(batch, pieces=pieces, replaced=replaced)
        return PhaseOutput(loss=loss, correct=correct, batch=following)

    def _detect(self, batch: MaskedBatch) -> PhaseOutput:
        labels = batch.replaced
        assert labels is not None
        logits = self.discriminator.forward_packed(batch.pieces).logits.float()
        loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
        found = (logits.detach() > 0).float()
        hits = ((found * labels).sum(), labels.sum())
        correct = (found == labels).sum()
        return PhaseOutput(loss=loss, correct=correct, hits=hits, batch=batch)


def sample_pieces(logits: Tensor, noise: Tensor) -> Tensor:
    """Sample a piece from each distribution.

    The same noise gives the same piece on every device and in every process, up to rounding.

    Args:
        logits: (rows, vocab_size) float32.
        noise: (rows,) float32, uniform in [0, 1).

    Returns:
        (rows,) int64.

    Source: inversion of the cumulative distribution, Devroye 1986, section III.2.
    """
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    # The last sum is not exactly 1, because of rounding, and there is no piece beyond it.
    wanted = noise[:, None] * cumulative[:, -1:]
    indices = torch.searchsorted(cumulative, wanted, right=True).squeeze(1)
    return indices.clamp(max=logits.shape[1] - 1)
