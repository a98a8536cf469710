"""The models of an objective: from random weights, or from a checkpoint to go on from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import torch

from spacy_deberta.checkpoints import check_vocabulary_fits, find_vocabulary
from spacy_deberta.errors import Errors
from spacy_deberta.models import DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection
from spacy_deberta.nn import V3_LAYOUT, DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer
from spacy_deberta.typed_json import FieldError, Schema, check_fields, expected

from .masking.masking import Masking
from .objectives.masked_language_modelling import MaskedLanguageModelling
from .objectives.objective import Objective
from .objectives.replaced_token_detection import GENERATOR, ReplacedTokenDetection

# Rows of the embeddings come in such numbers: matrix products on GPUs are faster for it.
_ROWS = 8
_GENERATOR_MASKING = Masking(max_ngram=1, masked=1.0, replaced=0.0)


class _SourceFields(Schema):
    name: Annotated[str | Path | None, expected("a folder or a name, or null")]
    revision: Annotated[str | None, expected("a string or null")]
    vocabulary: Annotated[str | Path | None, expected("a path or null")]
    config: Annotated[Mapping[str, Any], expected("a section, [model.config]")]
    attention: Annotated[str, expected("a string")]


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """Where models begin.

    Args:
        name: A checkpoint to go on from: a folder, or a name on the Hugging Face hub.
        revision: Branch, tag or commit on the hub.
        vocabulary: Path of an `spm.model`, or of a folder with one, for models from random weights.
        config: Fields of `DebertaV2Config` for those; with a checkpoint, the ones that replace its
            own. What isn't given is as in the v3 checkpoints.
        attention: Name of an attention kernel, or "auto".

    Raises:
        ValueError: A value is not of its kind (E730).
    """

    name: str | None = None
    revision: str | None = None
    vocabulary: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    attention: str = "auto"

    def __post_init__(self) -> None:
        try:
            check_fields(
                _SourceFields, {item.name: getattr(self, item.name) for item in fields(self)}
            )
        except FieldError as error:
            raise ValueError(Errors.E730.format(section="model", error=error)) from error

    def load_tokenizer(self) -> DebertaV2Tokenizer:
        """Read the vocabulary of the checkpoint, or the one that is given.

        Raises:
            ValueError: There is neither a checkpoint nor a vocabulary (E726), or both (E727).
        """
        if self.name is None and self.vocabulary is None:
            raise ValueError(Errors.E726)
        if self.name is not None and self.vocabulary is not None:
            raise ValueError(Errors.E727.format(name=self.name, vocabulary=self.vocabulary))
        if self.name is not None:
            folder = find_vocabulary(self.name, revision=self.revision)
            return DebertaV2Tokenizer.from_directory(folder)
        path = Path(str(self.vocabulary))
        if path.is_dir():
            return DebertaV2Tokenizer.from_directory(path)
        return DebertaV2Tokenizer(path)

    def make_config(self, tokenizer: DebertaV2Tokenizer) -> DebertaV2Config:
        """Describe a model from random weights.

        Raises:
            ValueError: A field is unknown (E414), or the vocabulary has more pieces than the model
                embeddings (E310).
        """
        rows = -(-len(tokenizer) // _ROWS) * _ROWS
        config = DebertaV2Config.from_dict({**V3_LAYOUT, "vocab_size": rows, **self.config})
        if config.extra:
            raise ValueError(Errors.E414.format(unknown=", ".join(config.extra)))
        check_vocabulary_fits(tokenizer, config)
        return config

    def loading_options(self) -> dict[str, Any]:
        """Arguments of `from_pretrained`."""
        return {
            "revision": self.revision,
            "attention": self.attention,
            "config_overrides": self.config,
        }


ObjectiveBuilder = Callable[[ModelSource, DebertaV2Tokenizer], Objective]


def masked_language_modelling_v1(*, masking: Masking | None = None) -> ObjectiveBuilder:
    """Pretrain with masked language modelling, as DeBERTa-v2.

    masking (Masking | None): How pieces are hidden; with None, 15% in whole words and n-grams of up
        to three, of which 80% become a mask and 10% another piece.
    CREATES (ObjectiveBuilder): Makes the objective from where the model begins.

    DOCS: docs/pretraining.md
    """

    def build(source: ModelSource, tokenizer: DebertaV2Tokenizer) -> MaskedLanguageModelling:
        if source.name is not None:
            model = DebertaV2ForMaskedLM.from_pretrained(source.name, **source.loading_options())
        else:
            config = replace(source.make_config(tokenizer), legacy=False)
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

    masking (Masking | None): How pieces are hidden from the generator; with None, 15% in whole
        words, all of which become a mask.
    generator_layers (int | None): Layers of the generator; None for half of the discriminator's.
    generator_learn_rate (float | None): Of its own; None for that of the discriminator.
    discriminator_weight (float): What the discriminator's loss is multiplied with.
    CREATES (ObjectiveBuilder): Makes the objective from where the models begin. The generator that
        a checkpoint has in its folder `generator` goes on from there; one that has none gets a
        generator from its own lower layers.

    DOCS: docs/pretraining.md
    """

    def build(source: ModelSource, tokenizer: DebertaV2Tokenizer) -> ReplacedTokenDetection:
        if source.name is not None:
            discriminator = DebertaV2ForReplacedTokenDetection.from_pretrained(
                source.name, **source.loading_options()
            )
            kept = Path(source.name) / GENERATOR
            generator = (
                DebertaV2ForMaskedLM.from_pretrained(kept, attention=source.attention)
                if kept.is_dir()
                else _lower_half(discriminator, generator_layers, source.attention)
            )
        else:
            config = replace(source.make_config(tokenizer), legacy=False)
            generator = DebertaV2ForMaskedLM(
                _shallower(config, generator_layers), attention=source.attention
            )
            discriminator = DebertaV2ForReplacedTokenDetection(config, attention=source.attention)
            _begin_with_its_embeddings(generator, discriminator)
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
    """A generator of the embeddings and the lower layers of a discriminator."""
    config = replace(_shallower(discriminator.config, layers), legacy=False)
    generator = DebertaV2ForMaskedLM(config, attention=attention)
    own = generator.state_dict()
    weights = discriminator.state_dict()
    generator.load_state_dict({**own, **{k: v for k, v in weights.items() if k in own}})
    return generator


@torch.no_grad()
def _begin_with_its_embeddings(
    generator: DebertaV2ForMaskedLM, discriminator: DebertaV2ForReplacedTokenDetection
) -> None:
    """Let the trained difference begin at zero."""
    tables = generator.deberta.embeddings.state_dict()
    own = discriminator.deberta.embeddings.state_dict()
    discriminator.deberta.embeddings.load_state_dict({key: tables[key] for key in own})
