"""Layers prepared for prediction: made when they are first needed, anew when weights changed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from spacy_deberta.nn.attention.self_attention import DisentangledSelfAttention
from spacy_deberta.nn.convolution import ConvLayer
from spacy_deberta.nn.layer import (
    DebertaV2Attention,
    DebertaV2Intermediate,
    DebertaV2Layer,
    ResidualOutput,
)
from spacy_deberta.nn.ops.dropout import Dropout

from .prepared_layer import PreparedLayer, prepare_layer

# What an encoder is made of as long as nobody put something else into it.
_PARTS = frozenset(
    {
        ConvLayer,
        DebertaV2Attention,
        DebertaV2Intermediate,
        DebertaV2Layer,
        DisentangledSelfAttention,
        Dropout,
        ResidualOutput,
        nn.Conv1d,
        nn.Embedding,
        nn.LayerNorm,
        nn.Linear,
        nn.ModuleList,
    }
)


class PreparedLayers:
    """The prepared layers of one encoder, in the precision that was last asked for.

    They hold the relative positions as each layer projects them, which no batch changes, and the
    weights in the precision of the computation. Copies of the encoder start without any, and
    threads may ask at the same time: at worst, both prepare.
    """

    def __init__(self) -> None:
        self._made: tuple[Any, tuple[PreparedLayer, ...]] | None = None

    def __reduce__(self) -> tuple[type["PreparedLayers"], tuple[()]]:
        return PreparedLayers, ()

    def forget(self) -> None:
        """Prepare anew next time: for weights that were changed behind torch's back."""
        self._made = None

    def get(
        self,
        encoder: nn.Module,
        layers: nn.ModuleList,
        positions: Callable[[], Tensor | None],
        dtype: torch.dtype,
    ) -> tuple[PreparedLayer, ...] | None:
        """The prepared layers.

        Args:
            encoder: What the layers and their positions depend on.
            layers: Its layers.
            positions: Makes (slots, hidden_size), the whole table as the layers project it.
            dtype: What they compute in; `torch.qint8` for weights of 8 bits.

        Returns:
            The layers; None if there is something in the encoder that only its own modules can
            do: hooks, adapters, other layers.
        """
        state = _state(encoder)
        if state is None:
            return None
        made = self._made
        if made is None or made[0] != (dtype, state):
            # Tensors of the inference mode could not be used outside of it.
            with torch.inference_mode(False), torch.no_grad():
                table = positions()
                prepared = tuple(prepare_layer(layer, table, dtype) for layer in _checked(layers))
            made = self._made = ((dtype, state), prepared)
        return made[1]


def _checked(layers: nn.ModuleList) -> list[DebertaV2Layer]:
    return [layer for layer in layers if isinstance(layer, DebertaV2Layer)]


def _state(encoder: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """Where the weights are and how often they were changed; None if there is more than them."""
    state = []
    for module in encoder.modules():
        if module is not encoder and type(module) not in _PARTS:
            return None
        if module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__:
            return None
        for weight in module._parameters.values():
            if weight is not None:
                version = 0 if weight.is_inference() else weight._version
                state.append((weight.data_ptr(), version))
    return tuple(state)
