"""One transformer layer. The nesting of its modules gives the checkpoints' parameter names."""

from torch import Tensor, nn

from .attention import AttentionContext, Attentions
from .attention.self_attention import DisentangledSelfAttention
from .config import DebertaV2Config
from .ops.activations import resolve_activation
from .ops.dropout import Dropout
from .ops.recomputation import recomputed


class ResidualOutput(nn.Module):
    """Dense layer, dropout, residual connection, layer normalization.

    Args:
        config: Has the dropout rate.
        width: Input width.

    Source: `attention.output.*` and `output.*` of the checkpoints' layers.
    """

    def __init__(self, config: DebertaV2Config, *, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, rows: Tensor, residual: Tensor) -> Tensor:
        """(rows, width) and a residual (rows, hidden_size) to (rows, hidden_size)."""
        return self.LayerNorm(self.dropout(self.dense(rows)) + residual)


class DebertaV2Attention(nn.Module):
    """Self-attention with its residual connection.

    Args:
        config: The model's config.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.self = DisentangledSelfAttention(config)
        self.output = ResidualOutput(config, width=config.hidden_size)

    def forward(
        self,
        hidden: Tensor,
        context: AttentionContext,
        *,
        query_states: Tensor | None = None,
        output_rows: Tensor | None = None,
        return_attentions: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """As `DisentangledSelfAttention.forward`; the residual is the query states.

        Only `output_rows` of the result are computed, if they are given: see `DebertaV2Layer`.
        """
        rows, attentions = self.self(
            hidden, context, query_states=query_states, return_attentions=return_attentions
        )
        residual = hidden if query_states is None else query_states
        if output_rows is not None:
            rows = rows.index_select(0, output_rows)
            residual = residual.index_select(0, output_rows)
        return self.output(rows, residual), attentions


class DebertaV2Intermediate(nn.Module):
    """First half of the feed-forward network.

    Args:
        config: Has the width and the activation.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = resolve_activation(config.hidden_act, field="hidden_act")

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, hidden_size) to (rows, intermediate_size)."""
        return self.activation(self.dense(rows))


class DebertaV2Layer(nn.Module):
    """Self-attention and a feed-forward network, each normalized after its residual connection.

    Args:
        config: The model's config.

    Source: He et al. 2021 (arXiv 2006.03654), section 3.1; `deberta.encoder.layer.*`.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.attention = DebertaV2Attention(config)
        self.intermediate = DebertaV2Intermediate(config)
        self.output = ResidualOutput(config, width=config.intermediate_size)

    def forward(
        self,
        hidden: Tensor,
        context: AttentionContext,
        *,
        query_states: Tensor | None = None,
        output_rows: Tensor | None = None,
        return_attentions: bool = False,
        keep_activations: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """Run the layer.

        Args:
            hidden: (total_pieces, hidden_size), for keys and values.
            context: State shared by the layers, made by `DebertaV2Encoder.context`.
            query_states: (query_rows, hidden_size), for queries and the residual connection, with
                the context layout's number of query rows; None for `hidden`. Used by the enhanced
                mask decoder.
            output_rows: (output_rows,) int64, the rows that are computed after attention; None for
                all.
            return_attentions: Whether to return the attention probabilities.
            keep_activations: Whether to keep the activations of the feed-forward network instead
                of recomputing them in the backward pass. For gradient checkpointing of the whole
                layer.

        Returns:
            (query_rows, hidden_size) or (output_rows, hidden_size), and per sequence (heads,
            length, length) or None.
        """
        rows, attentions = self.attention(
            hidden,
            context,
            query_states=query_states,
            output_rows=output_rows,
            return_attentions=return_attentions,
        )
        return self._feed_forward(rows, keep_activations), attentions

    def _feed_forward(self, rows: Tensor, keep_activations: bool) -> Tensor:
        if keep_activations:
            return self.output(self.intermediate(rows), rows)
        before = self.intermediate.dense(rows)
        with recomputed(self.intermediate.activation, before) as activated:
            return self.output(activated, rows)
