"""Disentangled self-attention: the projections around a kernel."""

from torch import Tensor, nn

from spacy_deberta.nn.config import DebertaV2Config
from spacy_deberta.nn.ops.dropout import Dropout

from .interface import AttentionContext, AttentionInputs, Attentions


class DisentangledSelfAttention(nn.Module):
    """Projections of pieces and relative positions, with an attention kernel.

    Args:
        config: Decides which terms there are, and whether they share the content's projections.

    Source: He et al. 2021 (arXiv 2006.03654), section 3.1;
        `deberta.encoder.layer.*.attention.self.*` of the checkpoints.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = (config.num_attention_heads, config.head_dim)
        self.scale = config.score_scale
        self.share_att_key = config.share_att_key
        self.c2p = config.relative_attention and "c2p" in config.pos_att_type
        self.p2c = config.relative_attention and "p2c" in config.pos_att_type
        self.query_proj = nn.Linear(width, width)
        self.key_proj = nn.Linear(width, width)
        self.value_proj = nn.Linear(width, width)
        if not self.share_att_key:
            if self.c2p:
                self.pos_key_proj = nn.Linear(width, width)
            if self.p2c:
                self.pos_query_proj = nn.Linear(width, width)
        self.pos_dropout = Dropout(config.hidden_dropout_prob)
        self.dropout = Dropout(config.attention_probs_dropout_prob)

    def forward(
        self,
        hidden: Tensor,
        context: AttentionContext,
        *,
        query_states: Tensor | None = None,
        return_attentions: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """Attend from `query_states` to `hidden`.

        Args:
            hidden: (total_pieces, hidden_size), for keys and values.
            context: State shared by the layers.
            query_states: (query_rows, hidden_size), for queries, with the context layout's number
                of query rows; None for `hidden`.
            return_attentions: Whether to return the attention probabilities.

        Returns:
            (query_rows, hidden_size), and per sequence (heads, length, length) or None.
        """
        states = hidden if query_states is None else query_states
        position_key, position_query = self.project_positions(context.positions)
        inputs = AttentionInputs(
            query=self.query_proj(states).unflatten(-1, self.heads),
            key=self.key_proj(hidden).unflatten(-1, self.heads),
            value=self.value_proj(hidden).unflatten(-1, self.heads),
            position_key=position_key,
            position_query=position_query,
            scale=self.scale,
            dropout=self.dropout.p if self.training else 0.0,
            return_attentions=return_attentions,
        )
        rows, attentions = context.kernel(inputs, context.plan)
        return rows.flatten(1), attentions

    def project_positions(self, positions: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Project relative positions to keys and queries.

        Args:
            positions: (reachable_slots, hidden_size), or None.

        Returns:
            Position keys for the content-to-position term and position queries for the
            position-to-content term, each (reachable_slots, heads, head_dim), or None without
            that term.
        """
        if positions is None or not (self.c2p or self.p2c):
            return None, None
        # One dropout mask for both terms, and a new one in the next layer.
        positions = self.pos_dropout(positions)
        position_key = position_query = None
        if self.c2p:
            project = self.key_proj if self.share_att_key else self.pos_key_proj
            position_key = project(positions).unflatten(-1, self.heads)
        if self.p2c:
            project = self.query_proj if self.share_att_key else self.pos_query_proj
            position_query = project(positions).unflatten(-1, self.heads)
        return position_key, position_query
