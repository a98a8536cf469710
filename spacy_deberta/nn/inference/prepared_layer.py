"""A layer as prediction needs it: nothing in it is computed a second time, nothing is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spacy_deberta.nn.attention import AttentionContext, Attentions
from spacy_deberta.nn.layer import DebertaV2Layer
from spacy_deberta.nn.relative_positions import SlotTable

from .prepared_dense import Dense, prepare_dense, prepare_together
from .row_blocks import by_blocks


@dataclass(frozen=True)
class PreparedLayer:
    """The weights of a layer in the precision that it predicts in.

    Attributes:
        heads: Number of attention heads, and the width of each.
        scale: What scores are multiplied with.
        query_key_value: Makes queries, keys and values, each (rows, hidden_size).
        position_key: (slots, heads, head_dim), the projected table; None without that term.
        position_query: The same for the position-to-content term.
        attention_output: The dense layer behind attention.
        attention_norm: Normalizes its output with the residual connection.
        intermediate: First half of the feed-forward network, with its activation.
        output: Second half.
        output_norm: Normalizes its output with the residual connection.
    """

    heads: tuple[int, int]
    scale: float
    query_key_value: Callable[[Tensor], tuple[Tensor, ...]]
    position_key: Tensor | None
    position_query: Tensor | None
    attention_output: Dense
    attention_norm: nn.LayerNorm
    intermediate: Dense
    output: Dense
    output_norm: nn.LayerNorm

    def __call__(
        self,
        hidden: Tensor,
        context: AttentionContext,
        *,
        return_attentions: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """Run the layer: as `DebertaV2Layer.forward`, without gradients.

        Args:
            hidden: (total_pieces, hidden_size), in the dtype of the residual connections.
            context: What the layers share. Its positions are not looked at.
            return_attentions: Whether to return the probabilities.

        Returns:
            (total_pieces, hidden_size) of the same dtype, and per sequence (heads, length,
            length) or None.
        """
        query, key, value = (
            rows.unflatten(-1, self.heads) for rows in by_blocks(self.query_key_value, hidden)
        )
        rows, attentions = context.kernel(
            query,
            key,
            value,
            _reachable(self.position_key, context.slots),
            _reachable(self.position_query, context.slots),
            context.plan,
            scale=self.scale,
            return_attentions=return_attentions,
        )
        (output,) = by_blocks(self._after_attention, rows.flatten(1), hidden)
        return output, attentions

    def _after_attention(self, rows: Tensor, residual: Tensor) -> tuple[Tensor]:
        hidden = self.attention_norm(_add(self.attention_output(rows), residual))
        return (self.output_norm(_add(self.output(self.intermediate(hidden)), hidden)),)


def prepare_layer(
    layer: DebertaV2Layer, positions: Tensor | None, dtype: torch.dtype
) -> PreparedLayer:
    """Compute what does not change between batches.

    Args:
        layer: The layer, in evaluation mode.
        positions: (slots, hidden_size), the whole table of relative positions as the layers
            project it, or None.
        dtype: What matrix products are computed in; `torch.qint8` for weights of 8 bits.

    Returns:
        The layer. Weights that have this dtype already are shared with it, the others converted.
    """
    attention = layer.attention.self
    position_key, position_query = attention.project_positions(positions)
    compute_dtype = layer.intermediate.dense.weight.dtype if dtype == torch.qint8 else dtype
    return PreparedLayer(
        heads=attention.heads,
        scale=attention.scale,
        query_key_value=prepare_together(
            (attention.query_proj, attention.key_proj, attention.value_proj), dtype
        ),
        position_key=_convert(position_key, compute_dtype),
        position_query=_convert(position_query, compute_dtype),
        attention_output=prepare_dense(layer.attention.output.dense, dtype),
        attention_norm=layer.attention.output.LayerNorm,
        intermediate=prepare_dense(layer.intermediate.dense, dtype, layer.intermediate.activation),
        output=prepare_dense(layer.output.dense, dtype),
        output_norm=layer.output.LayerNorm,
    )


def _convert(table: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if table is None else table.to(dtype)


def _reachable(table: Tensor | None, slots: SlotTable | None) -> Tensor | None:
    if table is None or slots is None:
        return None
    return table[slots.start : slots.stop]


def _add(rows: Tensor, residual: Tensor) -> Tensor:
    """Their sum in the dtype of the residual connection."""
    return rows.add_(residual) if rows.dtype == residual.dtype else residual + rows
