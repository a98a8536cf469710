"""Pooling of a sequence to one row."""

from torch import Tensor, nn

from .config import DebertaV2Config
from .ops.activations import resolve_activation
from .ops.dropout import Dropout


class ContextPooler(nn.Module):
    """Dense layer and activation on the first piece of a sequence.

    Args:
        config: Has width, dropout and activation.

    Source: `pooler.dense.*` of the checkpoints with a sequence classifier.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.pooler_dim, config.pooler_dim)
        self.dropout = Dropout(config.pooler_dropout)
        self.activation = resolve_activation(config.pooler_hidden_act, field="pooler_hidden_act")

    def forward(self, cls_rows: Tensor) -> Tensor:
        """Pool.

        Args:
            cls_rows: (sequences, pooler_width), the row of the first piece of every sequence.

        Returns:
            (sequences, pooler_width).
        """
        return self.activation(self.dense(self.dropout(cls_rows)))
