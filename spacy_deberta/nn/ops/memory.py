"""Check of available memory before a model is allocated."""

import os

import torch

from spacy_deberta.errors import Errors
from spacy_deberta.nn.config import DebertaV2Config

_FLOAT32_BYTES = 4


def check_memory(parameters: int) -> None:
    """Check that new parameters fit into the machine's memory.

    Args:
        parameters: Number of float32 parameters. Only the CPU is checked: the meta device takes no
            memory, and other devices report their own errors.

    Raises:
        ValueError: They need more than the machine's memory (E126).
    """
    needed, available = parameters * _FLOAT32_BYTES, _physical_bytes()
    if torch.get_default_device().type == "cpu" and available and needed > available:
        raise ValueError(
            Errors.E126.format(
                parameters=parameters, needed=needed / 2**30, available=available / 2**30
            )
        )


def count_weights(config: DebertaV2Config, *, keep_positions: bool = False) -> int:
    """Count the parameters of an encoder, without biases and normalizations.

    Args:
        config: The encoder's config.
        keep_positions: See `DebertaV2Model`.

    Returns:
        The number, without building the encoder.
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
    """The machine's memory in bytes; None if the system doesn't report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
