"""Weights in bfloat16, for prediction with half the memory."""

from collections.abc import Mapping

import torch
from torch import nn

from spacy_deberta.errors import Errors

from .embeddings import DebertaV2Embeddings
from .encoder import DebertaV2Encoder
from .inference.half_linear import HalfPrecisionLinear
from .inference.quantized_linear import QuantizedLinear, is_quantized

# How a model's weights can be loaded. None: every parameter is float32. The matrices of the layers
# that are loaded in int8 are quantized after loading, see `hold_in_int8`.
LOAD_PRECISIONS: Mapping[str, torch.dtype | None] = {
    "fp32": None,
    "bf16": torch.bfloat16,
    "int8": None,
}


def check_load_precision(name: str) -> None:
    """Raise E129 for a name outside `LOAD_PRECISIONS`."""
    if name not in LOAD_PRECISIONS:
        raise ValueError(Errors.E129.format(precision=name, known=", ".join(LOAD_PRECISIONS)))


def load_in(
    embeddings: DebertaV2Embeddings, encoder: DebertaV2Encoder, load_precision: str
) -> None:
    """Give an encoder's large weights the dtype that they are loaded in.

    These are the matrices of its layers and the word embeddings, 99% of an encoder. Biases and
    normalizations, the table of relative positions and the convolution stay float32, and so does
    what the layers add to.

    Args:
        embeddings: Changed in place; may be on the meta device.
        encoder: Likewise.
        load_precision: A key of `LOAD_PRECISIONS`.

    Raises:
        ValueError: If the name is unknown (E129).
    """
    check_load_precision(load_precision)
    dtype = LOAD_PRECISIONS[load_precision]
    if dtype is None:
        return
    for part in encoder.layer.modules():
        for name, child in part.named_children():
            if type(child) is nn.Linear:
                setattr(part, name, HalfPrecisionLinear.of(child, dtype))
    table = embeddings.word_embeddings
    if table.weight.dtype == torch.float32:
        table.weight = nn.Parameter(
            table.weight.detach().to(dtype), requires_grad=table.weight.requires_grad
        )


def check_trainable(embeddings: DebertaV2Embeddings, encoder: DebertaV2Encoder) -> None:
    """Raise if weights that were loaded in half precision or int8 would be trained.

    A step of training changes a weight by less than these can tell apart.

    Args:
        embeddings: The embeddings.
        encoder: The layers.

    Raises:
        ValueError: They would (E128).
    """
    parameters = [
        part.bias if isinstance(part, QuantizedLinear) else part.weight
        for part in encoder.modules()
        if isinstance(part, HalfPrecisionLinear | QuantizedLinear)
    ]
    words = embeddings.word_embeddings.weight
    if parameters and any(parameter.requires_grad for parameter in (*parameters, words)):
        precision = "int8" if is_quantized(encoder) else "bf16"
        raise ValueError(Errors.E128.format(precision=precision))
