"""Replaced token detection: a generator puts pieces into a text, a discriminator finds them."""

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
from .masked_language_modelling import guess_pieces
from .objective import Phase, PhaseOutput
from .saving import save_model
from .shared_embeddings import share_embeddings

# The folder of the generator, within that of the discriminator.
GENERATOR = "generator"


class ReplacedTokenDetection:
    """A generator that guesses hidden pieces, and a discriminator that is shown its guesses.

    The generator makes its step first. The discriminator then sees the batch as the generator had
    filled it before that step. Neither gets a gradient from the other.

    Args:
        generator: Usually half as deep as the discriminator.
        discriminator: The model that is wanted. Its embeddings become those of the generator plus a
            difference.
        masking: How pieces are hidden.
        discriminator_weight: What the discriminator's loss is multiplied with.
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
        """The hidden pieces for the generator, all pieces for the discriminator."""
        return len(batch.rows) if phase.module is self.generator else batch.pieces.total_pieces

    def run(self, phase: Phase, batch: MaskedBatch) -> PhaseOutput:
        """Let one of the two models predict."""
        return self._generate(batch) if phase.module is self.generator else self._detect(batch)

    def save(self, folder: Path, tokenizer: DebertaV2Tokenizer) -> None:
        """Write the discriminator, and the generator into a folder within its own."""
        save_model(folder / GENERATOR, self.generator, tokenizer)
        save_model(folder, self.discriminator, tokenizer)

    def _generate(self, batch: MaskedBatch) -> PhaseOutput:
        loss, right, logits = guess_pieces(self.generator, batch)
        ids = batch.pieces.input_ids
        assert ids is not None
        with torch.no_grad():
            guesses = draw_pieces(logits, batch.noise)
            filled = ids.index_copy(0, batch.device_rows, guesses)
            replaced = torch.zeros(len(ids), device=ids.device)
            replaced.index_copy_(0, batch.device_rows, (guesses != batch.originals).float())
        pieces = replace(batch.pieces, input_ids=filled)
        following = replace(batch, pieces=pieces, replaced=replaced)
        return PhaseOutput(loss=loss, right=right, batch=following)

    def _detect(self, batch: MaskedBatch) -> PhaseOutput:
        labels = batch.replaced
        assert labels is not None
        logits = self.discriminator.forward_packed(batch.pieces).logits.float()
        loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
        found = (logits.detach() > 0).float()
        hits = ((found * labels).sum(), labels.sum())
        return PhaseOutput(loss=loss, right=(found == labels).sum(), hits=hits, batch=batch)


def draw_pieces(logits: Tensor, noise: Tensor) -> Tensor:
    """Draw a piece from each distribution.

    With the same noise it is the same piece on every device and in every process, up to rounding.

    Args:
        logits: (rows, vocab_size) float32.
        noise: (rows,) float32, uniform from 0 up to, but without, 1.

    Returns:
        (rows,) int64.

    Source: inversion of the cumulative distribution, Devroye 1986, section III.2.
    """
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    # Rounding leaves the last sum a little beside 1, and a piece beyond it doesn't exist.
    wanted = noise[:, None] * cumulative[:, -1:]
    places = torch.searchsorted(cumulative, wanted, right=True).squeeze(1)
    return places.clamp(max=logits.shape[1] - 1)
