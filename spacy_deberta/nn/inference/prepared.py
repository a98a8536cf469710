"""Layers prepared for prediction: made when they are first needed, anew when weights changed."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spacy_deberta.errors import Warnings, warn
from spacy_deberta.nn.attention import Attentions

from . import prepared_layer  # noqa: F401  (registers how layers are prepared)
from .precision import Precision
from .preparation import is_changed, prepare, unprepared_types

# A module, or what is prepared of it: `DebertaV2Layer.forward` without its other query states.
LayerFunction = Callable[..., tuple[Tensor, Attentions | None]]
_State = tuple[tuple[Any, ...], ...]


class PreparedLayers:
    """The prepared layers of one encoder, in the precision that was last asked for.

    They hold the relative positions as each layer projects them, which no batch changes, and the
    weights in the precision of the computation. Copies of the encoder start without any, and
    threads may ask at the same time: at worst, both prepare.
    """

    def __init__(self) -> None:
        self._made: tuple[tuple[Precision, _State], tuple[LayerFunction, ...]] | None = None

    def __reduce__(self) -> tuple[type["PreparedLayers"], tuple[()]]:
        return PreparedLayers, ()

    def forget(self) -> None:
        """Prepare anew next time: for weights that changed without bumping their `_version`."""
        self._made = None

    def get(
        self,
        encoder: nn.Module,
        layers: Sequence[nn.Module],
        positions: Callable[[], Tensor | None],
        precision: Precision,
    ) -> tuple[LayerFunction, ...]:
        """The layers.

        Args:
            encoder: What the layers and their positions depend on.
            layers: Its layers.
            positions: Makes (slots, hidden_size), the whole table as the layers project it.
            precision: What they compute in.

        Returns:
            For each layer its prepared form; the module itself where there are hooks in it, or
            parts that nobody has said how to prepare.

        Warns:
            W427: There are such parts.
        """
        key = (precision, _state(encoder))
        made = self._made
        if made is None or made[0] != key:
            # Tensors of the inference mode could not be used outside of it.
            with torch.inference_mode(False), torch.no_grad():
                table = positions()
                prepared = tuple(_prepare(layer, precision, table) for layer in layers)
            _warn_of_unprepared(layers)
            made = self._made = (key, prepared)
        return made[1]


def _prepare(layer: nn.Module, precision: Precision, table: Tensor | None) -> LayerFunction:
    if unprepared_types(layer) or any(is_changed(part) for part in layer.modules()):
        return layer
    function: LayerFunction = prepare(layer, precision, table)
    return function


def _warn_of_unprepared(layers: Sequence[nn.Module]) -> None:
    unprepared = [types for layer in layers if (types := unprepared_types(layer))]
    if unprepared:
        names = sorted({type_.__name__ for types in unprepared for type_ in types})
        warn(Warnings.W427.format(count=len(unprepared), types=", ".join(names)))


def _state(encoder: nn.Module) -> _State:
    """What the modules are, where their weights are and how often these were changed."""
    state: list[tuple[Any, ...]] = []
    for module in encoder.modules():
        state.append((type(module), is_changed(module)))
        for weight in module._parameters.values():
            if weight is not None:
                version = 0 if weight.is_inference() else weight._version
                state.append((weight.data_ptr(), version))
    return tuple(state)
