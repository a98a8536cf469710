"""Which weights are quantized, and how outliers of the input are moved to the weight first.

Few channels of an encoder's rows are many times as large as the others, and a row has one scale. A
factor for each channel divides the row and multiplies the weight. How much of an outlier is moved
is chosen for each layer by the error that is expected on examples, and a layer whose error stays
large is not quantized.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from spacy_deberta.nn.attention import AttentionContext

from .int8_product import input_range
from .precision import Precision
from .preparation import prepare
from .quantized_dense import QuantizedWeight, check_weights, quantize_weight

# How much of the size of an input channel is moved to the weight: 0 leaves all, 1 moves all.
_STRENGTHS = (0.0, 0.35, 0.5, 0.65)
# Integers for zero, of 256: rows after GELU are hardly negative, and leave the others to positive
# values.
_ZEROS = (128, 32, 16)
# Nothing is moved for less than this: factors take a pass over the input.
_SMALLEST_GAIN = 0.1
# Relative error of a dense layer's output above which it is not quantized. Rows and weights without
# outliers have 0.011.
_LARGEST_ERROR = 0.025
# Channels that are always zero have a factor all the same.
_SMALLEST = 1e-5


@dataclass(frozen=True)
class Examples:
    """A batch of examples.

    Attributes:
        embedded: (total_pieces, hidden_size) float32, the output of the embeddings.
        context: The state shared by the layers, for prepared ones.
        after_first: From the output of the first layer to the input of the second one.
    """

    embedded: Tensor
    context: AttentionContext
    after_first: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class QuantizedPrecision(Precision):
    """A precision with the quantized weights of some modules.

    Attributes:
        quantized: By dense layer; None for one that is computed like all else.
    """

    quantized: Mapping[nn.Linear, QuantizedWeight | None] = field(default_factory=dict)


def quantize_layers(
    layers: Iterable[nn.Module], table: Tensor | None, examples: Examples
) -> Iterator[tuple[nn.Module, dict[nn.Linear, QuantizedWeight | None]]]:
    """Quantize one layer after the other, each by its input for the examples.

    Args:
        layers: The layers.
        table: (slots, hidden_size), the whole relative position table before projection, or None.
        examples: The examples.

    Yields:
        The layer, and its weights as in `QuantizedPrecision`.

    Raises:
        ValueError: A weight is not finite (E125).
    """
    hidden = examples.embedded
    exact = Precision(hidden.dtype, hidden.dtype)
    for index, layer in enumerate(layers):
        function = prepare(layer, exact, table)
        quantized, hidden = _quantize_layer(layer, function, hidden, examples.context)
        if index == 0:
            hidden = examples.after_first(hidden)
        yield layer, quantized


def _quantize_layer(
    layer: Any, exact: Any, hidden: Tensor, context: AttentionContext
) -> tuple[dict[nn.Linear, QuantizedWeight | None], Tensor]:
    """Quantize the dense layers of a layer, as its examples have it.

    Args:
        layer: A `DebertaV2Layer`.
        exact: The same, prepared in float32.
        hidden: (total_pieces, hidden_size), the input of the layer for the examples.
        context: Their shared state.

    Returns:
        The weights, see `QuantizedPrecision`, and the output of the layer for the examples.

    Raises:
        ValueError: A weight is not finite (E125).
    """
    rows, _ = exact.attention(hidden, context, return_attentions=False)
    attended = exact.attention_output(rows, hidden)
    inner = exact.intermediate(attended)
    own = layer.attention.self
    quantized: dict[nn.Linear, QuantizedWeight | None] = {}
    for inputs, dense in (
        (hidden, (own.query_proj, own.key_proj, own.value_proj)),
        (rows, (layer.attention.output.dense,)),
        (attended, (layer.intermediate.dense,)),
        (inner, (layer.output.dense,)),
    ):
        weight = torch.cat([part.weight.detach().float() for part in dense])
        check_weights(weight)
        factors, zero, error = choose_factors(weight, inputs.float())
        for part in dense:
            kept = not error <= _LARGEST_ERROR
            quantized[part] = None if kept else quantize_weight(part.weight, factors, zero=zero)
    return quantized, exact.output(inner, attended)


def choose_factors(weight: Tensor, inputs: Tensor) -> tuple[Tensor | None, int, float]:
    """Choose how an input is quantized, with the smallest expected error.

    Args:
        weight: (outputs, inputs) float32.
        inputs: (rows, inputs) float32.

    Returns:
        Factors and zero as in `QuantizedWeight`, and the expected relative error of the output.

    Source: The factors are those of SmoothQuant (Xiao et al. 2022, arXiv 2211.10438), formula 4.
    """
    highest, columns = _sizes(inputs), _sizes(weight)
    chosen: list[tuple[float, int, Tensor | None]] = []
    for strength in _STRENGTHS:
        factors = columns ** (1 - strength) / highest**strength if strength else None
        moved = weight if factors is None else weight / factors
        rows = inputs if factors is None else inputs * factors
        of_weight = (moved.abs().amax(dim=1) / 127).square().sum() * rows.square().sum()
        norm_of_weight = moved.square().sum()
        high, low = rows.amax(dim=1), rows.amin(dim=1)
        for zero in _ZEROS:
            levels, zero_point = input_range(zero)
            steps = torch.maximum(high / (levels - zero_point), low / -zero_point)
            of_rows = steps.square().sum() * norm_of_weight
            # The error of rounding is evenly distributed within a step.
            chosen.append((float((of_rows + of_weight) / 12), zero, factors))
    error, zero, factors = min(chosen, key=lambda choice: choice[0])
    plain = min(chosen[: len(_ZEROS)], key=lambda choice: choice[0])
    if error**0.5 > (1 - _SMALLEST_GAIN) * plain[0] ** 0.5:
        error, zero, factors = plain
    return factors, zero, error**0.5 / float((inputs @ weight.T).norm())


def _sizes(rows: Tensor) -> Tensor:
    sizes = rows.abs().amax(dim=0)
    return sizes.clamp_min(max(_SMALLEST * float(sizes.max()), torch.finfo(torch.float32).tiny))
