"""Masked language modelling: the vocabulary piece at each mask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from spacy_deberta.checkpoints import POSITIONS
from spacy_deberta.errors import Errors
from spacy_deberta.nn import (
    DebertaV2Config,
    EncoderOutput,
    LegacyVocabularyHead,
    ModelOutput,
    PackedPieces,
    VocabularyHead,
    decode_masked,
    send,
)

from .losses import IGNORED, cross_entropy
from .padding import pad_output
from .with_head import DebertaV2WithHead, HeadOutput, check_shape

MaskedLMLayout = Literal["emd", "plain", "legacy"]
LAYOUTS = ("emd", "plain", "legacy")


@dataclass(frozen=True, eq=False)
class MaskedLMOutput(HeadOutput):
    """Output of `DebertaV2ForMaskedLM`.

    Args:
        loss: Scalar, if there were labels.
        logits: If all rows were decoded, (batch, length, vocab_size), zeros in padding, or
            (total_pieces, vocab_size) for packed pieces. Otherwise (decoded_rows, vocab_size).
        hidden_states: As in `EncoderOutput`: of the encoder, without the mask decoder.
        attentions: As in `EncoderOutput`: of the encoder, without the mask decoder.
        rows: (decoded_rows,) int64, the decoded rows: indices into the packed pieces, or into the
            flattened (batch, length). None if all were decoded.
    """

    rows: Tensor | None = None


class DebertaV2ForMaskedLM(DebertaV2WithHead):
    """The encoder with logits over the vocabulary.

    Args:
        config: The model's config. `legacy` of the stored config is set to the layout.
        attention: Name of an attention kernel, or "auto".
        layout: "emd" for the official checkpoints' `lm_predictions.*` on the enhanced mask decoder,
            which has its own position embeddings; "plain" for `lm_predictions.*` on the last
            layer; "legacy" for Hugging Face's `cls.predictions.*` on the last layer. None means
            legacy if the config says so, as in Hugging Face; else plain if absolute positions
            are part of the input, and the mask decoder if not. The official checkpoints'
            config.json doesn't say; `from_pretrained` decides by the parameter names.

    Raises:
        ValueError: If the layout is unknown (E104) or incompatible with the config (E120).

    Source: He et al. 2021 (arXiv 2006.03654), section 3.2; `deberta.*` with `lm_predictions.*` of
        the checkpoints, or with `cls.predictions.*` of Hugging Face's class of that name.
    """

    # The output projection is the embedding table.
    reads_all_embeddings = True

    piece_fields = frozenset({"labels", "logits", "rows"})

    def __init__(
        self,
        config: DebertaV2Config,
        *,
        attention: str = "auto",
        layout: MaskedLMLayout | None = None,
    ) -> None:
        if layout is None:
            layout = "plain" if config.position_biased_input else "emd"
            layout = "legacy" if config.legacy else layout
        _check_layout(layout, config)
        config = replace(config, legacy=layout == "legacy")
        super().__init__(config, attention=attention, keep_positions=layout == "emd")
        self.layout = layout
        if layout == "legacy":
            self.cls = nn.ModuleDict({"predictions": LegacyVocabularyHead(config)})
        else:
            self.lm_predictions = nn.ModuleDict({"lm_head": VocabularyHead(config)})
        self._init_head()

    @classmethod
    def layout_options(cls, keys: Iterable[str], config: DebertaV2Config) -> dict[str, Any]:
        """Layout of the checkpoint's head, see `DebertaV2PreTrainedModel.layout_options`."""
        layout = find_layout(
            keys, position_biased_input=config.position_biased_input, legacy=config.legacy
        )
        return {"layout": layout}

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        labels: Tensor | None = None,
        rows: Tensor | Literal["all"] | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> MaskedLMOutput:
        """Predict packed pieces.

        Only some rows are decoded, because the projection to 128,100 pieces dominates the cost.
        A row's logits do not depend on which others are decoded.

        Args:
            pieces: The batch.
            labels: (total_pieces,) int64, the original pieces, -100 to ignore a row.
            rows: (decoded_rows,) int64, the packed rows to decode, or "all"; None for those with
                a label if there are labels (finding them synchronizes the device), and all if
                not. Indices on the host avoid synchronization. In `forward`, (batch, length) bool.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (decoded_rows, vocab_size), the decoded rows, and the mean cross entropy of
            those with a label. From `forward`, logits are (batch, length, vocab_size) if all
            pieces are decoded; else rows are indices into the flattened batch.

        Raises:
            ValueError: If the labels have another shape (E117), rows are out of range (E118), or
                the mask decoder has no embedding for a position (E112).
        """
        if labels is not None:
            check_shape("labels", labels, (pieces.total_pieces,))
        rows = _requested_rows(rows, labels, pieces.total_pieces)
        # The mask decoder runs the last layer itself; the encoder's own pass through it is needed
        # only for its hidden states or attentions.
        layers = None
        if self.layout == "emd" and not (output_hidden_states or output_attentions):
            layers = self.config.num_hidden_layers - 1
        states = output_hidden_states or (self.layout == "emd" and layers is None)
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=states,
            output_attentions=output_attentions,
            layers=layers,
        )
        logits = self._decode(encoded, pieces, rows)
        loss = None
        if labels is not None:
            if rows is not None:
                labels = labels.index_select(0, send(rows, labels.device))
            loss = cross_entropy(logits, labels)
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states if output_hidden_states else None,
            attentions=encoded.attentions,
            rows=rows,
        )

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """Logits of the given rows, (decoded_rows, vocab_size); of all with None."""
        rows: Tensor | Literal["all"] = "all" if decoded is None else decoded.to(pieces.device)
        return self.forward_packed(pieces, rows=rows).logits

    def _unpack(self, packed: ModelOutput, pieces: PackedPieces) -> ModelOutput:
        """Restore the padding; if only some pieces were decoded, convert their row indices."""
        assert isinstance(packed, MaskedLMOutput)
        if packed.rows is None:
            return super()._unpack(packed, pieces)
        shape = (len(pieces.lengths), pieces.padded_length)
        places = torch.arange(shape[0] * shape[1], device=pieces.device).view(shape)
        rows = pieces.unpad(places).index_select(0, send(packed.rows, places.device))
        return replace(pad_output(packed, pieces), rows=rows)

    def _resize_head(self, count: int) -> None:
        legacy = self.layout == "legacy"
        head: Any = self.cls["predictions"] if legacy else self.lm_predictions["lm_head"]
        bias = torch.zeros(count, device=head.bias.device, dtype=head.bias.dtype)
        kept = min(count, len(head.bias))
        bias[:kept] = head.bias.detach()[:kept]
        head.bias = nn.Parameter(bias, requires_grad=head.bias.requires_grad)

    def _decode(self, encoded: EncoderOutput, pieces: PackedPieces, rows: Tensor | None) -> Tensor:
        """Logits of (decoded_rows, vocab_size)."""
        hidden = encoded.last_hidden_state
        if self.layout == "emd":
            if encoded.hidden_states is not None:
                hidden = encoded.hidden_states[-2]
            hidden = decode_masked(self.deberta, hidden, pieces, rows=rows)
        elif rows is not None:
            hidden = hidden.index_select(0, send(rows, hidden.device))
        words = self.deberta.embeddings.word_embeddings.weight
        if self.layout == "legacy":
            return self.cls["predictions"](hidden, words)
        return self.lm_predictions["lm_head"](hidden, words)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Drop the tied parameters that Hugging Face's state dicts repeat."""
        for name in ("weight", "bias"):
            state_dict.pop(f"{prefix}cls.predictions.decoder.{name}", None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _check_layout(layout: str, config: DebertaV2Config) -> None:
    if layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise ValueError(Errors.E104.format(value=layout, field="layout", known=known))
    reason = None
    if layout == "emd" and config.position_biased_input:
        reason = "the mask decoder adds positions that 'position_biased_input' has added already"
    elif layout == "emd" and not config.num_hidden_layers:
        reason = "the mask decoder runs the last layer, but 'num_hidden_layers' is 0"
    elif layout == "emd" and config.embedding_dim != config.hidden_size:
        reason = (
            "the mask decoder adds positions to rows, but 'embedding_size' is not 'hidden_size'"
        )
    elif not config.extra.get("tie_word_embeddings", True):
        reason = "its 'tie_word_embeddings' is false, but scores are made with the word embeddings"
    if reason is not None:
        raise ValueError(Errors.E120.format(reason=reason))


def _requested_rows(
    rows: Tensor | Literal["all"] | None, labels: Tensor | None, total: int
) -> Tensor | None:
    """The packed rows to decode, (decoded_rows,) int64; None for all."""
    if isinstance(rows, Tensor):
        if rows.dtype == torch.bool:
            check_shape("rows", rows, (total,))
            return rows.nonzero().squeeze(1)
        rows = rows.long()
        if rows.numel() and not 0 <= int(rows.min()) <= int(rows.max()) < total:
            low, high = int(rows.min()), int(rows.max())
            raise ValueError(Errors.E118.format(low=low, high=high, total=total))
        return rows
    if rows is None and labels is not None:
        return (labels != IGNORED).nonzero().squeeze(1)
    return None


def find_layout(
    keys: Iterable[str], *, position_biased_input: bool, legacy: bool
) -> MaskedLMLayout:
    """Detect the layout of a checkpoint's masked language modelling head.

    Args:
        keys: Its parameter names, as `KeyMap.to_ours` gives them.
        position_biased_input: The config's value. If True, position embeddings belong to the input
            and not to the mask decoder.
        legacy: The config's value, for a checkpoint without this head.

    Returns:
        A `layout` of `DebertaV2ForMaskedLM`.
    """
    keys = set(keys)
    official = any(key.startswith("lm_predictions.") for key in keys)
    if not official and (legacy or any(key.startswith("cls.predictions.") for key in keys)):
        return "legacy"
    return "emd" if POSITIONS in keys and not position_biased_input else "plain"
