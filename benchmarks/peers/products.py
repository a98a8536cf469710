"""The floor: the matrix products of the encoder, and nothing else."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.ours import DTYPES
from benchmarks.peers.huggingface import reachable_slots


@dataclass(frozen=True)
class Products:
    """Operands of one layer's products, and how many layers there are.

    For T pieces in sequences of L, width h, inner width i and R reachable positions, a layer
    multiplies 2 T h (4 h + 2 i) + 4 T L h + 4 T R h operations: projections and feed-forward,
    queries with keys and probabilities with values, and both position terms. The projected
    positions can be kept, and are not counted.

    Args:
        linear: Inputs and weights of fused QKV, output and both of the feed-forward, each layer
            with weights of its own, (rows, in) and (in, out).
        attention: Queries and values as (sequences * heads, length, head_dim), and the
            probabilities.
        positions: Queries of all sequences and the position table by head.
    """

    linear: list[tuple[Tensor, Tensor]]
    attention: tuple[Tensor, Tensor]
    positions: tuple[Tensor, Tensor]
    layers: int

    def forward(self) -> None:
        """All products of a forward pass."""
        self._run(backward=False)

    def backward(self) -> None:
        """All products of a forward and a backward pass: two more for each of the forward's."""
        self._run(backward=True)

    def _run(self, *, backward: bool) -> None:
        with torch.no_grad():
            for layer in range(self.layers):
                for inputs, weights in self.linear[4 * layer : 4 * layer + 4]:
                    outputs = inputs @ weights
                    if backward:
                        outputs @ weights.T
                        inputs.T @ outputs
                self._attend(backward=backward)

    def _attend(self, *, backward: bool) -> None:
        rows, probabilities = self.attention
        queries, table = self.positions
        scores = torch.bmm(rows, rows.transpose(1, 2))
        torch.bmm(probabilities, rows)
        for _ in ("c2p", "p2c"):
            by_slot = torch.bmm(queries, table)
            if backward:
                torch.bmm(by_slot, table.transpose(1, 2))
                torch.bmm(queries.transpose(1, 2), by_slot)
        if backward:
            torch.bmm(rows, rows.transpose(1, 2))  # of the probabilities
            for _ in ("queries", "keys", "values"):
                torch.bmm(scores, rows)


def make_products(
    config: Any, *, sequences: int, length: int, dtype: str, device: str = "cpu"
) -> Products:
    """Operands in the sizes of a batch.

    Args:
        config: Hugging Face's.
        sequences: How many.
        length: Pieces of each.
        dtype: `"fp32"` or `"bf16"`.
        device: Where they are.
    """
    width, inner, heads = (
        config.hidden_size,
        config.intermediate_size,
        config.num_attention_heads,
    )
    head_dim, pieces = width // heads, sequences * length
    options: dict[str, Any] = {"dtype": DTYPES[dtype], "device": device}
    inputs = {size: torch.randn(pieces, size, **options) for size in (width, inner)}
    linear = [
        (inputs[size], torch.randn(size, out, **options))
        for _ in range(config.num_hidden_layers)
        for size, out in ((width, 3 * width), (width, width), (width, inner), (inner, width))
    ]
    slots = reachable_slots(length, config)
    return Products(
        linear=linear,
        attention=(
            torch.randn(sequences * heads, length, head_dim, **options),
            torch.randn(sequences * heads, length, length, **options),
        ),
        positions=(
            torch.randn(heads, pieces, head_dim, **options),
            torch.randn(heads, head_dim, slots, **options),
        ),
        layers=config.num_hidden_layers,
    )
