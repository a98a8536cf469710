"""An encoder with dense layers in int8, and what of it is saved."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .embeddings import DebertaV2Embeddings
from .encoder import DebertaV2Encoder
from .inference.half_linear import HalfPrecisionLinear
from .inference.quantized_dense import QuantizedWeight
from .inference.quantized_linear import QuantizedLinear, is_quantized, state_of
from .inference.smoothing import Examples, quantize_layers

# Rows of the word embeddings that are converted at a time.
_ROWS = 16384


def hold_in_int8(
    embeddings: DebertaV2Embeddings, encoder: DebertaV2Encoder, examples: Examples
) -> None:
    """Replace the dense layers of an encoder by quantized ones, one layer after the other.

    Word embeddings and the dense layers that are not quantized become bfloat16.

    Args:
        embeddings: Changed in place.
        encoder: Changed in place.
        examples: A batch by which the weights are quantized.

    Raises:
        ValueError: A weight is not finite (E125).
    """
    if is_quantized(encoder):
        return
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        for layer, quantized in quantize_layers(encoder.layer, encoder.positions(), examples):
            _replace(layer, quantized)
            encoder.prepared.give_back()
        table = embeddings.word_embeddings
        words = torch.empty_like(table.weight, dtype=torch.bfloat16)
        for rows, narrow in zip(table.weight.split(_ROWS), words.split(_ROWS), strict=True):
            narrow.copy_(rows)
            encoder.prepared.give_back()
    table.weight = nn.Parameter(words, requires_grad=False)


def expect_int8(
    embeddings: DebertaV2Embeddings, encoder: DebertaV2Encoder, names: set[str]
) -> None:
    """Give a module on the meta device the layers that a state in int8 fits.

    Args:
        embeddings: Changed in place.
        encoder: Changed in place.
        names: The names of its quantized dense layers, from the encoder on.
    """
    for name, part in list(encoder.named_modules()):
        if type(part) is nn.Linear and name.startswith("layer."):
            parent, _, own = name.rpartition(".")
            known = QuantizedLinear.of(part) if name in names else _half(part)
            setattr(encoder.get_submodule(parent), own, known)
    table = embeddings.word_embeddings
    table.weight = nn.Parameter(table.weight.detach().to(torch.bfloat16), requires_grad=False)


def int8_state(encoder: DebertaV2Encoder, examples: Examples) -> Iterator[tuple[str, Tensor]]:
    """What an encoder saves of its dense layers in int8.

    Args:
        encoder: The encoder, in any precision but int8.
        examples: A batch by which the weights are quantized.

    Yields:
        Names, from the encoder on, and tensors.
    """
    names = {part: name for name, part in encoder.named_modules()}
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        for _, quantized in quantize_layers(encoder.layer, encoder.positions(), examples):
            for dense, weight in quantized.items():
                if weight is None:
                    yield f"{names[dense]}.weight", dense.weight.detach().to(torch.bfloat16)
                    continue
                for name, tensor in state_of(weight, dense).items():
                    yield f"{names[dense]}.{name}", tensor
            encoder.prepared.give_back()


def _replace(layer: nn.Module, quantized: dict[nn.Linear, QuantizedWeight | None]) -> None:
    for part in list(layer.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.Linear) and child in quantized:
                weight = quantized[child]
                held = _half(child) if weight is None else QuantizedLinear.of(child, weight)
                setattr(part, name, held)


def _half(dense: nn.Linear) -> HalfPrecisionLinear:
    return HalfPrecisionLinear.of(dense, torch.bfloat16)
