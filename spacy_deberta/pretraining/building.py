"""Build the models of an objective, from random weights or from a checkpoint."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from spacy_deberta.models import (
    DebertaV2ForMaskedLM,
    DebertaV2ForReplacedTokenDetection,
    ModelSource,
)
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .masking.masking import Masking
from .objectives.masked_language_modelling import MaskedLanguageModelling
from .objectives.objective import Objective
from .objectives.replaced_token_detection import GENERATOR, ReplacedTokenDetection

# The number of embedding rows is a multiple of this: matrix products on GPUs are faster.
_ROWS_MULTIPLE = 8
_GENERATOR_MASKING = Masking(max_ngram=1, masked=1.0, replaced=0.0)


ObjectiveBuilder = Callable[[ModelSource, DebertaV2Tokenizer], Objective]


def masked_language_modelling_v1(*, masking: Masking | None = None) -> ObjectiveBuilder:
    """Pretrain with masked language modelling, as DeBERTa-v2.

    masking (Masking | None): How pieces are masked; with None, 15% in whole words and n-grams of up
        to three words, of which 80% become a mask and 10% another piece.
    CREATES (ObjectiveBuilder): Builds the objective from the source of the model.

    DOCS: docs/pretraining.md
    """

    def build(source: ModelSource, tokenizer: DebertaV2Tokenizer) -> MaskedLanguageModelling:
        if source.name is not None:
            model = source.load(DebertaV2ForMaskedLM)
        else:
            config = source.make_config(tokenizer, multiple_of=_ROWS_MULTIPLE, legacy=False)
            model = DebertaV2ForMaskedLM(config, attention=source.attention)
        return MaskedLanguageModelling(model, masking=masking or Masking())

    return build


def replaced_token_detection_v1(
    *,
    masking: Masking | None = None,
    generator_layers: int | None = None,
    generator_learn_rate: float | None = None,
    discriminator_weight: float = 50.0,
) -> ObjectiveBuilder:
    """Pretrain with replaced token detection, as DeBERTa-v3.

    masking (Masking | None): How pieces are masked for the generator; with None, 15% in whole
        words, all of which become a mask.
    generator_layers (int | None): Layers of the generator; None for half of the discriminator's.
    generator_learn_rate (float | None): Of the generator; None for that of the discriminator.
    discriminator_weight (float): Factor on the discriminator's loss.
    CREATES (ObjectiveBuilder): Builds the objective from the source of the models. The generator is
        loaded from the folder `generator` of a checkpoint; without one, it is initialized from the
        lower layers of the checkpoint.

    DOCS: docs/pretraining.md
    """

    def build(source: ModelSource, tokenizer: DebertaV2Tokenizer) -> ReplacedTokenDetection:
        if source.name is not None:
            discriminator = source.load(DebertaV2ForReplacedTokenDetection)
            kept = Path(source.name) / GENERATOR
            generator = (
                DebertaV2ForMaskedLM.from_pretrained(kept, attention=source.attention)
                if kept.is_dir()
                else _lower_half(discriminator, generator_layers, source.attention)
            )
        else:
            config = source.make_config(tokenizer, multiple_of=_ROWS_MULTIPLE, legacy=False)
            generator = DebertaV2ForMaskedLM(
                _shallower(config, generator_layers), attention=source.attention
            )
            discriminator = DebertaV2ForReplacedTokenDetection(config, attention=source.attention)
            _copy_embeddings(generator, discriminator)
        return ReplacedTokenDetection(
            generator,
            discriminator,
            masking=masking or _GENERATOR_MASKING,
            discriminator_weight=discriminator_weight,
            generator_learn_rate=generator_learn_rate,
        )

    return build


def _shallower(config: DebertaV2Config, layers: int | None) -> DebertaV2Config:
    if layers is None:
        layers = max(1, config.num_hidden_layers // 2)
    return replace(config, num_hidden_layers=layers)


def _lower_half(
    discriminator: DebertaV2ForReplacedTokenDetection, layers: int | None, attention: str
) -> DebertaV2ForMaskedLM:
    """A generator with the embeddings and the lower layers of a discriminator."""
    config = replace(_shallower(discriminator.config, layers), legacy=False)
    generator = DebertaV2ForMaskedLM(config, attention=attention)
    own = generator.state_dict()
    weights = discriminator.state_dict()
    generator.load_state_dict({**own, **{k: v for k, v in weights.items() if k in own}})
    return generator


@torch.no_grad()
def _copy_embeddings(
    generator: DebertaV2ForMaskedLM, discriminator: DebertaV2ForReplacedTokenDetection
) -> None:
    """Copy the generator's embeddings, so that the trained difference starts at zero."""
    tables = generator.deberta.embeddings.state_dict()
    own = discriminator.deberta.embeddings.state_dict()
    discriminator.deberta.embeddings.load_state_dict({key: tables[key] for key in own})
