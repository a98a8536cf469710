"""What training sets on a whole model: fresh weights, dropout, what is frozen, its steps."""

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
    """A `models.DebertaV2Model`, as far as this room needs it."""

    config: DebertaV2Config
    attention: str
    embeddings: DebertaV2Embeddings
    encoder: DebertaV2Encoder


@torch.no_grad()
def init_weights(
    module: nn.Module, config: DebertaV2Config, *, generator: torch.Generator | None = None
) -> None:
    """Give all weights of a module fresh values, for training from scratch.

    Matrices are drawn from a normal distribution of the configured range, biases and the row of
    the padding are zero, layer normalization is the identity. The convolution keeps torch's own
    initialization, as in the authors' code.

    Args:
        module: A model, or a head of it. Changed in place.
        config: Says the range.
        generator: Where the numbers come from; None for torch's global one.

    Source: `init_weights` of microsoft/DeBERTa.
    """
    for part in module.modules():
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
        config: Says the rates that None stands for.
        rate: From 0 up to (but without) 1; None for the rates of the configuration.

    Raises:
        ValueError: If the rate is none (E116).
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
    """Within a block, a module is in training mode: a forward pass, or its backward pass.

    After it, the module is in evaluation mode. On the CPU, the gradients of word embeddings come as
    the rows that were read, as sparse tensors; on a GPU, zeros for all rows cost no time.

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
    """Say that weights were changed without bumping their `_version`, as fused optimizers do.

    Args:
        module: An encoder, with or without a head. What its encoders have prepared for prediction
            is dropped.
    """
    for part in module.modules():
        if isinstance(part, DebertaV2Encoder):
            part.prepared.forget()


def freeze(model: HasEncoder, *, embeddings: bool, layers: int) -> None:
    """Choose what training leaves alone: nothing, the embeddings, the lowest layers, or both.

    The table of relative positions goes with the embeddings: every layer reads it, so that a
    trainable one would send gradients all the way down again. The convolution goes with the first
    layer.

    Args:
        model: A `DebertaV2Model`. Changed in place; what isn't frozen becomes trainable.
        embeddings: Whether to freeze the embeddings.
        layers: How many layers to freeze, counted from the input.

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
