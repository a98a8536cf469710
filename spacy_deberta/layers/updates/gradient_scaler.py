"""Loss scaling for fp16, so that small gradients do not underflow."""

from collections.abc import Sequence

import torch


class GradientScaler:
    """Scales gradients before the backward pass of an fp16 encoder, and unscales before the update.

    thinc's `PyTorchGradScaler` unscales at every backward pass, so accumulated gradients are
    unscaled several times. Here they are unscaled once, at the update.

    Source:
        Dynamic loss scaling, Micikevicius et al. 2018, section 3.2; PyTorch's default constants.
    """

    def __init__(self) -> None:
        self.scale = 2.0**16
        self._growth_factor = 2.0
        self._backoff_factor = 0.5
        self._growth_interval = 2000
        self._good_updates = 0

    def unscale(self, gradients: Sequence[torch.Tensor]) -> bool:
        """Divide accumulated gradients by the scale, in place, and adapt the scale.

        Args:
            gradients: All gradients of the update, any shapes.

        Returns:
            Whether to make the update; False if a gradient overflowed.
        """
        overflow = not all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
        if overflow:
            self.scale *= self._backoff_factor
            self._good_updates = 0
            return False
        for gradient in gradients:
            gradient.div_(self.scale)
        self._good_updates += 1
        if self._good_updates == self._growth_interval:
            self.scale *= self._growth_factor
            self._good_updates = 0
        return True
