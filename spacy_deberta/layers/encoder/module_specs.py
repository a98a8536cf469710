"""The modules that a thinc layer can run: the bare encoder, or the encoder with a head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from spacy_deberta import models, nn
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.layers.packed_batches import PackedBatch

Rows = list[torch.Tensor]


@dataclass(frozen=True)
class ModuleSpec:
    """A module, and what is read from its output.

    Attributes:
        module_class: A class of `spacy_deberta.nn` that is made from a config.
        has_labels: Whether the head has one output for each label of the config.
        run: From the module, a packed batch and the options to the rows of the output.
        places: What these rows stand for: the rows, sequences or decoded rows of the batch, as
            places in the whole that it was cut from.
        own_labels: The labels of its config, for a head that has always the same outputs.
    """

    module_class: type[torch.nn.Module]
    has_labels: bool
    run: Callable[[Any, nn.PackedPieces, PackedBatch, EncoderOptions], Rows]
    places: Callable[[PackedBatch], torch.Tensor]
    own_labels: tuple[str, ...] = ()

    @property
    def has_head(self) -> bool:
        """Whether the module has the encoder as its part `deberta`, and a head on it."""
        return self.module_class is not models.DebertaV2Model


def _encode(
    module: models.DebertaV2Model,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    output = module.forward_packed(pieces, output_hidden_states=options.output_hidden_states)
    return list(output.hidden_states or (output.last_hidden_state,))


def _logits(
    module: Any, pieces: nn.PackedPieces, batch: PackedBatch, options: EncoderOptions
) -> Rows:
    return [module.forward_packed(pieces).logits]


def _starts_and_ends(
    module: models.DebertaV2ForQuestionAnswering,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    output = module.forward_packed(pieces)
    return [torch.stack([output.start_logits, output.end_logits], dim=-1)]


def _score_each(
    module: models.DebertaV2ForMultipleChoice,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    # One choice at a time, so that questions may have different numbers of them.
    return [module.forward_packed(pieces, choices=1).logits]


def _decode(
    module: models.DebertaV2ForMaskedLM,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    if batch.decoded is None:
        return [module.forward_packed(pieces, rows="all").logits]
    return [module.forward_packed(pieces, rows=batch.decoded.to(pieces.device)).logits]


def _rows(batch: PackedBatch) -> torch.Tensor:
    return batch.rows


def _sequences(batch: PackedBatch) -> torch.Tensor:
    return batch.sequences


def _decoded_rows(batch: PackedBatch) -> torch.Tensor:
    return batch.rows if batch.decoded is None else batch.rows[batch.decoded]


ENCODER = ModuleSpec(models.DebertaV2Model, False, _encode, _rows)

# By the names of the files in `models`.
HEADS: Mapping[str, ModuleSpec] = {
    "sequence_classification": ModuleSpec(
        models.DebertaV2ForSequenceClassification, True, _logits, _sequences
    ),
    "token_classification": ModuleSpec(
        models.DebertaV2ForTokenClassification, True, _logits, _rows
    ),
    "question_answering": ModuleSpec(
        models.DebertaV2ForQuestionAnswering,
        False,
        _starts_and_ends,
        _rows,
        own_labels=("LABEL_0", "LABEL_1"),
    ),
    "multiple_choice": ModuleSpec(
        models.DebertaV2ForMultipleChoice, False, _score_each, _sequences
    ),
    "masked_lm": ModuleSpec(models.DebertaV2ForMaskedLM, False, _decode, _decoded_rows),
}
