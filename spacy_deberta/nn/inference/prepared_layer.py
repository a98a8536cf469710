"""Inference-only layers: cached projections, converted weights, nothing kept for gradients."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spacy_deberta.nn.attention import AttentionContext, AttentionInputs, Attentions
from spacy_deberta.nn.attention.self_attention import DisentangledSelfAttention
from spacy_deberta.nn.layer import (
    DebertaV2Attention,
    DebertaV2Intermediate,
    DebertaV2Layer,
    ResidualOutput,
)
from spacy_deberta.nn.ops.dropout import Dropout
from spacy_deberta.nn.relative_positions import SlotTable

from .precision import Precision
from .preparation import prepare, prepares
from .prepared_dense import Dense, prepare_together
from .quantized_dense import QuantizedDense
from .row_blocks import BLOCK, QUANTIZED_BLOCK, by_blocks, rows_per_block

# A layer module or its prepared form: `DebertaV2Layer.forward` without `query_states`.
LayerFunction = Callable[..., tuple[Tensor, Attentions | None]]


@dataclass(frozen=True)
class PreparedAttention:
    """Inference-only self-attention with cached position projections.

    Attributes:
        heads: Number of attention heads, and the width of each.
        scale: Scale of the attention scores.
        query_key_value: Projects to queries, keys and values, each (rows, hidden_size).
        position_key: (slots, heads, head_dim), the projected table; None without that term.
        position_query: The same for the position-to-content term.
        block: Maximum number of rows that are projected at a time.
    """

    heads: tuple[int, int]
    scale: float
    query_key_value: Callable[[Tensor], tuple[Tensor, ...]]
    position_key: Tensor | None
    position_query: Tensor | None
    block: int = BLOCK

    def __call__(
        self, hidden: Tensor, context: AttentionContext, *, return_attentions: bool
    ) -> tuple[Tensor, Attentions | None]:
        """As `DisentangledSelfAttention.forward`; `context.positions` is ignored."""
        query, key, value = (
            rows.unflatten(-1, self.heads)
            for rows in by_blocks(self.query_key_value, hidden, block=self.block)
        )
        inputs = AttentionInputs(
            query=query,
            key=key,
            value=value,
            position_key=_reachable(self.position_key, context.slots),
            position_query=_reachable(self.position_query, context.slots),
            scale=self.scale,
            return_attentions=return_attentions,
        )
        rows, attentions = context.kernel(inputs, context.plan)
        return rows.flatten(1), attentions


@dataclass(frozen=True)
class PreparedResidual:
    """Inference-only dense layer, residual connection and layer normalization.

    Attributes:
        dense: The dense layer.
        norm: Layer normalization of the sum of its output and the residual.
    """

    dense: Dense
    norm: nn.LayerNorm

    def __call__(self, rows: Tensor, residual: Tensor) -> Tensor:
        """As `ResidualOutput.forward`."""
        if isinstance(self.dense, QuantizedDense):
            total = self.dense.add_to(residual, rows).to(residual.dtype)
        else:
            total = _add(self.dense(rows), residual)
        output: Tensor = self.norm(total)
        return output


@dataclass(frozen=True)
class PreparedLayer:
    """Inference-only layer with cached projections and converted weights.

    Attributes:
        attention: Self-attention.
        attention_output: The dense layer after it, and its residual connection.
        intermediate: First half of the feed-forward network, with its activation.
        output: Second half, and its residual connection.
        block: Maximum number of rows that pass through all after attention at a time.
    """

    attention: PreparedAttention
    attention_output: PreparedResidual
    intermediate: Dense
    output: PreparedResidual
    block: int = BLOCK

    def __call__(
        self,
        hidden: Tensor,
        context: AttentionContext,
        *,
        output_rows: Tensor | None = None,
        return_attentions: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """Run the layer: as `DebertaV2Layer.forward`, without gradients.

        Args:
            hidden: (total_pieces, hidden_size), in the dtype of the residual connections.
            context: State shared by the layers. Its positions are ignored.
            output_rows: (output_rows,) int64, the rows that are computed after attention; None for
                all.
            return_attentions: Whether to return the attention probabilities.

        Returns:
            (total_pieces, hidden_size) or (output_rows, hidden_size) of the same dtype, and per
            sequence (heads, length, length) or None.
        """
        rows, attentions = self.attention(hidden, context, return_attentions=return_attentions)
        if output_rows is not None:
            rows, hidden = rows.index_select(0, output_rows), hidden.index_select(0, output_rows)
        (output,) = by_blocks(self._after_attention, rows, hidden, block=self.block)
        return output, attentions

    def _after_attention(self, rows: Tensor, residual: Tensor) -> tuple[Tensor]:
        hidden = self.attention_output(rows, residual)
        return (self.output(self.intermediate(hidden), hidden),)


@prepares(DebertaV2Layer)
def prepare_layer(
    layer: DebertaV2Layer, precision: Precision, positions: Tensor | None
) -> PreparedLayer:
    """Prepare a layer: cache all that is the same for all batches.

    Args:
        layer: The layer, in evaluation mode.
        precision: Precision of the computation.
        positions: (slots, hidden_size), the whole relative position table before projection, or
            None.

    Returns:
        The layer. Weights of matching dtype are shared with the module, others converted.
    """
    attention, attention_output = prepare(layer.attention, precision, positions)
    return PreparedLayer(
        attention=attention,
        attention_output=attention_output,
        intermediate=prepare(layer.intermediate, precision),
        output=prepare(layer.output, precision),
        block=rows_per_block(precision.weights),
    )


@prepares(DebertaV2Attention)
def _prepare_attention(
    attention: DebertaV2Attention, precision: Precision, positions: Tensor | None
) -> tuple[PreparedAttention, PreparedResidual]:
    return (
        prepare(attention.self, precision, positions),
        prepare(attention.output, precision),
    )


@prepares(DisentangledSelfAttention)
def _prepare_self_attention(
    attention: DisentangledSelfAttention, precision: Precision, positions: Tensor | None
) -> PreparedAttention:
    position_key, position_query = attention.project_positions(positions)
    return PreparedAttention(
        heads=attention.heads,
        scale=attention.scale,
        query_key_value=prepare_together(
            (attention.query_proj, attention.key_proj, attention.value_proj), precision
        ),
        position_key=_convert(position_key, precision.compute),
        position_query=_convert(position_query, precision.compute),
        block=QUANTIZED_BLOCK if precision.weights == torch.int8 else BLOCK,
    )


@prepares(DebertaV2Intermediate)
def _prepare_intermediate(intermediate: DebertaV2Intermediate, precision: Precision) -> Dense:
    dense: Dense = prepare(intermediate.dense, precision, intermediate.activation)
    return dense


@prepares(ResidualOutput)
def _prepare_residual(output: ResidualOutput, precision: Precision) -> PreparedResidual:
    dense = prepare(output.dense, precision)
    return PreparedResidual(dense, prepare(output.LayerNorm, precision))


@prepares(nn.LayerNorm, Dropout)
def _unchanged(module: nn.Module, precision: Precision) -> nn.Module:
    """A normalization computes in its own precision; dropout is the identity in inference."""
    return module


def _convert(table: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if table is None else table.to(dtype)


def _reachable(table: Tensor | None, slots: SlotTable | None) -> Tensor | None:
    if table is None or slots is None:
        return None
    return table[slots.start : slots.stop]


def _add(rows: Tensor, residual: Tensor) -> Tensor:
    """The sum, in the dtype of the residual connection."""
    return rows.add_(residual) if rows.dtype == residual.dtype else residual + rows
