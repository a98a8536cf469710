"""Dense layers whose weights are held in half precision, whatever is computed in."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .precision import compute_dtype


class HalfPrecisionLinear(nn.Linear):
    """`nn.Linear` with a weight narrower than its input, widened for each product.

    The bias is float32. Made by `of`.
    """

    @classmethod
    def of(cls, dense: nn.Linear, dtype: torch.dtype) -> "HalfPrecisionLinear":
        """Make one with the parameters of a dense layer.

        Args:
            dense: The layer, on any device.
            dtype: Dtype of the new weight.
        """
        half = cls(dense.in_features, dense.out_features, device="meta")
        weight = dense.weight
        half.weight = nn.Parameter(weight.detach().to(dtype), requires_grad=weight.requires_grad)
        half.bias = dense.bias
        return half

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, in_features) to (rows, out_features), computed in the dtype of the rows."""
        return functional.linear(rows, self.weight.to(compute_dtype(rows)), self.bias)
