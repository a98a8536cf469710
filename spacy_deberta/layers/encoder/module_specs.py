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
        module_class: A class of `spacy_deberta.models` that is made from a config.
        run: From the module, a packed batch and the options to the rows of the output.
        places: What these rows stand for: the rows, sequences or decoded rows of the batch, as
            places in the whole that it was cut from.
        head: The head on it, if there is one.
    """

    module_class: type[models.DebertaV2PreTrainedModel]
    run: Callable[[Any, nn.PackedPieces, PackedBatch, EncoderOptions], Rows]
    places: Callable[[PackedBatch], torch.Tensor]
    head: models.HeadSpec | None = None

    @property
    def has_head(self) -> bool:
        """Whether the module has the encoder as its part `deberta`, and a head on it."""
        return self.head is not None


def module_with_head(head: models.HeadSpec) -> ModuleSpec:
    """The module of a head.

    Args:
        head: One of `models.HEADS`.
    """
    return ModuleSpec(head.module_class, _score, _PLACES[head.rows], head)


def _encode(
    module: models.DebertaV2Model,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    output = module.forward_packed(pieces, output_hidden_states=options.output_hidden_states)
    return list(output.hidden_states or (output.last_hidden_state,))


def _score(
    module: models.DebertaV2WithHead,
    pieces: nn.PackedPieces,
    batch: PackedBatch,
    options: EncoderOptions,
) -> Rows:
    return [module.score_packed(pieces, decoded=batch.decoded)]


def _rows(batch: PackedBatch) -> torch.Tensor:
    return batch.rows


def _sequences(batch: PackedBatch) -> torch.Tensor:
    return batch.sequences


def _decoded_rows(batch: PackedBatch) -> torch.Tensor:
    return batch.rows if batch.decoded is None else batch.rows[batch.decoded]


# By what a row of scores stands for.
_PLACES: Mapping[str, Callable[[PackedBatch], torch.Tensor]] = {
    "pieces": _rows,
    "sequences": _sequences,
    "masks": _decoded_rows,
}
ENCODER = ModuleSpec(models.DebertaV2Model, _encode, _rows)
