"""Whether there is memory for a model, asked before any of it is taken."""

import os

import torch

from spacy_deberta.errors import Errors
from spacy_deberta.nn.config import DebertaV2Config

_FLOAT32_BYTES = 4


def check_memory(parameters: int) -> None:
    """Make sure that new parameters fit into the memory of this machine.

    Args:
        parameters: How many, in float32. On the meta device they take no memory, and what another
            device has is that device's business.

    Raises:
        ValueError: They are more than the machine has memory for (E126).
    """
    needed, available = parameters * _FLOAT32_BYTES, _physical_bytes()
    if torch.get_default_device().type == "cpu" and available and needed > available:
        raise ValueError(
            Errors.E126.format(
                parameters=parameters, needed=needed / 2**30, available=available / 2**30
            )
        )


def count_weights(config: DebertaV2Config, *, keep_positions: bool = False) -> int:
    """Count the parameters of an encoder, biases and normalizations left out.

    Args:
        config: What the encoder is made of.
        keep_positions: See `DebertaV2Model`.

    Returns:
        The number, by arithmetic alone.
    """
    hidden, width = config.hidden_size, config.embedding_dim
    rows = config.vocab_size + config.type_vocab_size
    if config.position_biased_input or keep_positions:
        rows += config.max_position_embeddings
    projections = 4 if config.share_att_key else 4 + len(config.pos_att_type)
    layer = hidden * (projections * hidden + 2 * config.intermediate_size)
    table = 2 * config.position_span * hidden if config.relative_attention else 0
    convolution = config.conv_kernel_size * hidden * hidden // max(1, config.conv_groups)
    widening = width * hidden if width != hidden else 0
    return rows * width + widening + config.num_hidden_layers * layer + table + convolution


def _physical_bytes() -> int | None:
    """The memory of the machine, in bytes; None where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
