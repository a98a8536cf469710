"""The modules that a thinc layer can run: the bare encoder, or the encoder with a head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from spacy_deberta import models, nn
from spacy_deberta.layers.options import EncoderOptions

from .batches import EncoderBatch, OutputUnit
from .output_rows import Rows


def _no_arguments(batch: EncoderBatch, options: EncoderOptions) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class ModuleSpec:
    """A module, and what is read from its output.

    Attributes:
        module_class: A class of `spacy_deberta.nn` that is made from a config.
        has_labels: Whether the head has one output for each label of the config.
        unit: What the output has one row for.
        read: From the output of `forward_packed` to its rows.
        arguments: What `forward_packed` takes beside the pieces, from a batch and the options.
        own_labels: The labels of its config, for a head that has always the same outputs.
    """

    module_class: type[torch.nn.Module]
    has_labels: bool
    unit: OutputUnit
    read: Callable[[Any], Rows]
    arguments: Callable[[EncoderBatch, EncoderOptions], dict[str, Any]] = _no_arguments
    own_labels: tuple[str, ...] = ()

    @property
    def has_head(self) -> bool:
        """Whether the module has the encoder as its part `deberta`, and a head on it."""
        return self.module_class is not models.DebertaV2Model


def _hidden_states(output: nn.EncoderOutput) -> Rows:
    return list(output.hidden_states or (output.last_hidden_state,))


def _logits(output: Any) -> Rows:
    return [output.logits]


def _starts_and_ends(output: nn.QuestionAnsweringModelOutput) -> Rows:
    return [torch.stack([output.start_logits, output.end_logits], dim=-1)]


def _which_states(batch: EncoderBatch, options: EncoderOptions) -> dict[str, Any]:
    return {"output_hidden_states": options.output_hidden_states}


def _one_choice(batch: EncoderBatch, options: EncoderOptions) -> dict[str, Any]:
    # One at a time, so that questions may have different numbers of them.
    return {"choices": 1}


def _decoded_rows(batch: EncoderBatch, options: EncoderOptions) -> dict[str, Any]:
    return {"rows": "all" if batch.decoded is None else batch.decoded}


ENCODER = ModuleSpec(models.DebertaV2Model, False, "rows", _hidden_states, _which_states)

# By the names of the files in `models`.
HEADS: Mapping[str, ModuleSpec] = {
    "sequence_classification": ModuleSpec(
        models.DebertaV2ForSequenceClassification, True, "sequences", _logits
    ),
    "token_classification": ModuleSpec(
        models.DebertaV2ForTokenClassification, True, "rows", _logits
    ),
    "question_answering": ModuleSpec(
        models.DebertaV2ForQuestionAnswering,
        False,
        "rows",
        _starts_and_ends,
        own_labels=("LABEL_0", "LABEL_1"),
    ),
    "multiple_choice": ModuleSpec(
        models.DebertaV2ForMultipleChoice, False, "sequences", _logits, _one_choice
    ),
    "masked_lm": ModuleSpec(
        models.DebertaV2ForMaskedLM, False, "decoded rows", _logits, _decoded_rows
    ),
}
