"""Training state of a whole model: initialization, dropout, freezing, training steps."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn

from spacy_deberta.errors import Errors

from .attention.self_attention import DisentangledSelfAttention
from .config import DebertaV2Config
from .config_checks import is_rate
from .embeddings import DebertaV2Embeddings
from .encoder import DebertaV2Encoder


class HasEncoder(Protocol):
    """The interface of `models.DebertaV2Model` that is used here."""

    config: DebertaV2Config
    attention: str
    embeddings: DebertaV2Embeddings
    encoder: DebertaV2Encoder


@torch.no_grad()
def init_weights(
    module: nn.Module, config: DebertaV2Config, *, generator: torch.Generator | None = None
) -> None:
    """Initialize all weights of a module, for training from scratch.

    Matrices are drawn from a normal distribution with standard deviation `initializer_range`.
    Biases and the padding row are zero, layer normalization is the identity. The convolution keeps
    torch's own initialization, as in the authors' code. Modules on the meta device are left out.

    Args:
        module: A model, or a head of it. Changed in place.
        config: Has the range.
        generator: Source of random numbers; None for torch's global one.

    Source: `init_weights` of microsoft/DeBERTa.
    """
    for part in module.modules():
        if any(parameter.is_meta for parameter in part.parameters(recurse=False)):
            continue
        if isinstance(part, (nn.Linear, nn.Embedding)):
            part.weight.normal_(0.0, config.initializer_range, generator=generator)
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            part.weight[part.padding_idx].zero_()
        if isinstance(part, nn.LayerNorm):
            part.weight.fill_(1.0)
        if isinstance(part, nn.Conv1d):
            nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
            bound = 1 / math.sqrt(part.weight[0].numel())
            if part.bias is not None:
                part.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(bias := getattr(part, "bias", None), nn.Parameter):
            bias.zero_()


def set_dropout(module: nn.Module, config: DebertaV2Config, rate: float | None) -> None:
    """Set the rate of every dropout of an encoder.

    Args:
        module: The encoder, or a part of it. Changed in place.
        config: Has the rates that None stands for.
        rate: In [0, 1); None for the rates of the configuration.

    Raises:
        ValueError: If the rate is invalid (E116).
    """
    if rate is not None and not is_rate(rate):
        raise ValueError(Errors.E116.format(rate=rate))
    hidden = config.hidden_dropout_prob if rate is None else rate
    attention = config.attention_probs_dropout_prob if rate is None else rate
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = hidden
    for part in module.modules():
        if isinstance(part, DisentangledSelfAttention):
            part.dropout.p = attention


@contextmanager
def training_step(module: nn.Module) -> Iterator[None]:
    """Context manager for a forward or backward pass in training mode.

    On exit, the module is in evaluation mode. On the CPU, gradients of word embeddings are sparse
    tensors with the gathered rows; on a GPU, dense gradients cost no time.

    Args:
        module: An encoder, with or without a head.
    """
    tables = [
        part.word_embeddings for part in module.modules() if isinstance(part, DebertaV2Embeddings)
    ]
    module.train()
    for table in tables:
        table.sparse = table.weight.device.type == "cpu"
    try:
        yield
    finally:
        module.eval()
        for table in tables:
            table.sparse = False


def weights_changed(module: nn.Module) -> None:
    """Report a weight update that did not bump `_version`, as by fused optimizers.

    Args:
        module: An encoder, with or without a head. The layers prepared for inference are
            dropped.
    """
    for part in module.modules():
        if isinstance(part, DebertaV2Encoder):
            part.prepared.forget()


def freeze(model: HasEncoder, *, embeddings: bool, layers: int) -> None:
    """Freeze the embeddings, the lowest layers, both or nothing.

    The relative position table is frozen with the embeddings: every layer reads it, so a trainable
    table would need gradients through all layers. The convolution is frozen with the first
    layer.

    Args:
        model: A `DebertaV2Model`. Changed in place; everything else becomes trainable.
        embeddings: Whether to freeze the embeddings.
        layers: Number of layers to freeze, from the input.

    Raises:
        ValueError: If there are fewer layers (E114).
    """
    encoder = model.encoder
    if not 0 <= layers <= len(encoder.layer):
        raise ValueError(Errors.E114.format(layers=layers, available=len(encoder.layer)))
    for part in (model.embeddings, encoder.rel_embeddings, encoder.LayerNorm):
        if part is not None:
            part.requires_grad_(not embeddings)
    for index, layer in enumerate(encoder.layer):
        layer.requires_grad_(index >= layers)
    if encoder.conv is not None:
        encoder.conv.requires_grad_(layers == 0)
