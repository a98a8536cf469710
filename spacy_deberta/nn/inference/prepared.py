"""Cache of inference-only layers: built on first use, rebuilt after weight changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spacy_deberta.errors import Warnings, warn

from .layer_graphs import LayerGraphs
from .precision import Precision
from .preparation import is_changed, prepare, unprepared_types
from .prepared_layer import LayerFunction
from .quantized_dense import QuantizedWeight
from .quantized_linear import QuantizedLinear, is_quantized
from .smoothing import Examples, QuantizedPrecision, quantize_layers

_State = tuple[Any, ...]


class PreparedLayers:
    """The prepared layers of one encoder, in the precision last requested.

    They cache each layer's projections of the relative positions, which are the same for all
    batches, and the converted weights. Copies of an encoder start with an empty cache. Concurrent
    calls are safe: at worst, both threads prepare.

    Attributes:
        give_back: Called when a layer was quantized, to give back the memory of its weights that
            are mapped from a file. Copies of an encoder start without, as their weights are not
            mapped.
        graphs: CUDA graphs of these layers.
    """

    def __init__(self) -> None:
        self.give_back: Callable[[], None] = _keep
        self.graphs = LayerGraphs()
        self._cached: tuple[tuple[Precision, _State], tuple[LayerFunction, ...]] | None = None

    def __reduce__(self) -> tuple[type["PreparedLayers"], tuple[()]]:
        return PreparedLayers, ()

    def forget(self) -> None:
        """Clear the cache, for weights that changed without bumping their `_version`."""
        self._cached = None
        self.graphs.forget()

    def get(
        self,
        encoder: nn.Module,
        layers: Sequence[nn.Module],
        positions: Callable[[], Tensor | None],
        precision: Precision,
        examples: Callable[[], Examples] | None = None,
    ) -> tuple[LayerFunction, ...]:
        """Return the layers for inference, from the cache if valid.

        Args:
            encoder: The module whose weights the layers and positions depend on.
            layers: Its layers.
            positions: Returns the whole relative position table, (slots, hidden_size), before
                projection.
            precision: Precision of the computation.
            examples: Returns a batch by which weights are quantized, the same every time.

        Returns:
            For each layer its prepared form; the module itself if it has hooks or modules without
            a preparation function.

        Warns:
            W427: A layer has modules without a preparation function.
        """
        key = (precision, _state(encoder))
        cached = self._cached
        if cached is None or cached[0] != key:
            self.graphs.forget()
            # Inference tensors could not be used outside of inference mode.
            with torch.inference_mode(False), torch.no_grad():
                table = positions()
                prepared = tuple(self._prepare_all(layers, precision, table, examples))
            _warn_of_unprepared(layers)
            cached = self._cached = (key, prepared)
        return cached[1]

    def _prepare_all(
        self,
        layers: Sequence[nn.Module],
        precision: Precision,
        table: Tensor | None,
        examples: Callable[[], Examples] | None,
    ) -> Iterator[LayerFunction]:
        if precision.weights != torch.int8 or any(map(_is_unusual, layers)):
            for layer in layers:
                yield _prepare(layer, precision, table)
            return
        quantized: Iterable[tuple[nn.Module, dict[nn.Linear, QuantizedWeight | None]]]
        if any(map(is_quantized, layers)):
            quantized = ((layer, _held_weights(layer)) for layer in layers)
        elif examples is None:
            quantized = ((layer, {}) for layer in layers)
        else:
            quantized = quantize_layers(layers, table, examples())
        with torch.autocast("cpu", enabled=False):
            for layer, weights in quantized:
                own = QuantizedPrecision(precision.compute, torch.int8, weights)
                yield _prepare(layer, own, table)
                self.give_back()


def _keep() -> None:
    """Keep all weights in memory."""


def _held_weights(layer: nn.Module) -> dict[nn.Linear, QuantizedWeight | None]:
    """The weights of a layer that is held in int8."""
    return {
        part: part.quantized if isinstance(part, QuantizedLinear) else None
        for part in layer.modules()
        if isinstance(part, nn.Linear)
    }


def _is_unusual(layer: nn.Module) -> bool:
    return bool(unprepared_types(layer)) or any(is_changed(part) for part in layer.modules())


def _prepare(layer: nn.Module, precision: Precision, table: Tensor | None) -> LayerFunction:
    if _is_unusual(layer):
        return layer
    function: LayerFunction = prepare(layer, precision, table)
    return function


def _warn_of_unprepared(layers: Sequence[nn.Module]) -> None:
    unprepared = [types for layer in layers if (types := unprepared_types(layer))]
    if unprepared:
        names = sorted({type_.__name__ for types in unprepared for type_ in types})
        warn(Warnings.W427.format(count=len(unprepared), types=", ".join(names)))


def _state(encoder: nn.Module) -> _State:
    """Cache key of an encoder: types, hooks, and addresses and versions of its weights.

    It is made for every batch: `Module.modules` takes most of the time of a short text's key.
    """
    state: list[Any] = []
    modules: list[nn.Module | None] = [encoder]
    while modules:
        module = modules.pop()
        if module is None:
            continue
        state.append(type(module))
        state.append(is_changed(module))
        modules.extend(module._modules.values())
        for weights in (module._parameters, module._buffers):
            for weight in weights.values():
                if weight is not None:
                    state.append(weight.data_ptr())
                    state.append(0 if weight.is_inference() else weight._version)
    return tuple(state)
