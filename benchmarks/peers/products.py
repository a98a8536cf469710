"""The lower bound: the matrix products of the encoder alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.peers.huggingface import reachable_slots
from spacy_deberta.nn import Precision
from spacy_deberta.nn.inference.int8_product import MIDDLE, prepare_product
from spacy_deberta.nn.inference.onednn import prepare_onednn
from spacy_deberta.nn.inference.row_blocks import BLOCK, rows_per_block


@dataclass(frozen=True)
class DenseProduct:
    """Operands of a dense layer's product.

    Args:
        inputs: (rows, in).
        weight: (out, in).
        multiply: From inputs to (rows, out), with the fastest library of PyTorch.
        block: Number of rows that are multiplied at a time, the fastest one.
    """

    inputs: Tensor
    weight: Tensor
    multiply: Callable[[Tensor], Tensor]
    block: int


def make_dense_product(
    inputs: Tensor, weight: Tensor, *, dtype: str, block: int = BLOCK
) -> DenseProduct:
    """A product by oneDNN with a prepacked weight, if it is available; in int8 with its scales.

    Args:
        inputs: (rows, in).
        weight: (out, in).
        dtype: As for `make_products`.
        block: See `DenseProduct`.
    """
    if dtype == "int8":
        values = torch.randint(-127, 128, weight.shape, dtype=torch.int8)
        product = prepare_product(values, torch.ones(len(weight)), zero=MIDDLE)
        quantized = torch.randint(0, product.levels + 1, inputs.shape, dtype=torch.uint8)
        return DenseProduct(quantized, values, partial(product, dtype=weight.dtype), block)
    bias = weight.new_zeros(len(weight))
    multiply = prepare_onednn(weight, bias, None, copied=True)
    multiply = multiply or partial(functional.linear, weight=weight)
    return DenseProduct(inputs, weight, multiply, block)


@dataclass(frozen=True)
class Products:
    """Operands of all layers' products.

    For T pieces in sequences of L, width h, inner width i and R reachable positions, the products
    of a layer have 2 T h (4 h + 2 i) + 4 T L h + 4 T R h operations: projections and feed-forward,
    queries with keys and probabilities with values, and both position terms. The projected
    positions can be cached, and are not counted.

    Args:
        dense: Fused QKV, output and both of the feed-forward, with separate weights for each layer.
        attention: Queries and values as (sequences * heads, length, head_dim), and the
            probabilities.
        positions: Queries of all sequences and the position table by head.
    """

    dense: list[DenseProduct]
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
                for product in self.dense[4 * layer : 4 * layer + 4]:
                    outputs = [product.multiply(x) for x in product.inputs.split(product.block)]
                    if backward:
                        gradient = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
                        gradient @ product.weight
                        product.inputs.T @ gradient
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
        sequences: Number of sequences.
        length: Number of pieces of each.
        dtype: `"fp32"`, `"bf16"`, or `"int8"` for dense layers in int8 and the rest as the package
            computes it then.
        device: Their device.
    """
    width, inner, heads = (
        config.hidden_size,
        config.intermediate_size,
        config.num_attention_heads,
    )
    head_dim, pieces = width // heads, sequences * length
    precision = Precision.named(dtype, torch.device(device))
    options: dict[str, Any] = {"dtype": precision.compute, "device": device}
    inputs = {size: torch.randn(pieces, size, **options) for size in (width, inner)}
    # In int8 the products alone are fastest at once.
    block = BLOCK if dtype == "int8" else rows_per_block(precision.weights)
    dense = [
        make_dense_product(
            inputs[size], torch.randn(out, size, **options), dtype=dtype, block=block_of_product
        )
        for _ in range(config.num_hidden_layers)
        for size, out, block_of_product in (
            (width, 3 * width, BLOCK),
            (width, width, block),
            (width, inner, block),
            (inner, width, block),
        )
    ]
    slots = reachable_slots(length, config)
    return Products(
        dense=dense,
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
