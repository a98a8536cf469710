"""Dense layers whose weights are held in int8, without float32 ones."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .precision import compute_dtype
from .quantized_dense import QuantizedWeight


class QuantizedLinear(nn.Linear):
    """`nn.Linear` with an int8 weight, for prediction. The bias is float32. Made by `of`.

    Its state is that of `QuantizedWeight`: `weight`, `weight_scale`, `input_factor` and
    `input_zero`.
    """

    weight_scale: Tensor
    input_factor: Tensor
    input_zero: Tensor

    @classmethod
    def of(cls, dense: nn.Linear, quantized: QuantizedWeight | None = None) -> "QuantizedLinear":
        """Make one with the bias of a dense layer.

        Args:
            dense: The layer, on any device.
            quantized: Its weight; None for one that will be loaded, on the meta device.
        """
        made = cls(dense.in_features, dense.out_features, device="meta")
        del made.weight
        if quantized is None:
            values = torch.empty(dense.weight.shape, dtype=torch.int8, device="meta")
            with torch.device("meta"):
                quantized = QuantizedWeight(values, torch.empty(len(values)))
        made.register_buffer("weight", quantized.values)
        made.register_buffer("weight_scale", quantized.scales)
        factors = quantized.factors
        if factors is None:
            factors = torch.ones(dense.in_features, device=quantized.scales.device)
        zero = torch.full((1,), quantized.zero, dtype=torch.uint8, device=factors.device)
        # Layers with the same input have the same factors, but each its own tensor to be saved.
        made.register_buffer("input_factor", factors.clone())
        made.register_buffer("input_zero", zero)
        made.bias = dense.bias
        return made

    @property
    def quantized(self) -> QuantizedWeight:
        """The weight."""
        factors = None if bool((self.input_factor == 1).all()) else self.input_factor.float()
        zero = int(self.input_zero)
        return QuantizedWeight(self.weight, self.weight_scale.float(), factors, zero)

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, in_features) to (rows, out_features), with the weight dequantized."""
        weight = self.quantized.dequantize().to(compute_dtype(rows))
        return functional.linear(rows, weight, self.bias)


def is_quantized(module: nn.Module) -> bool:
    """Whether any dense layer of a module is held in int8."""
    return any(isinstance(part, QuantizedLinear) for part in module.modules())


def state_of(quantized: QuantizedWeight, dense: nn.Linear) -> dict[str, Any]:
    """The state of a dense layer with this weight, without its bias."""
    state = QuantizedLinear.of(dense, quantized).state_dict()
    return {name: tensor for name, tensor in state.items() if name != "bias"}
