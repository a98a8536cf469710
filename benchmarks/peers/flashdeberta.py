"""flashdeberta: a Triton kernel for NVIDIA GPUs, and Hugging Face's model around it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.measures.timing import CannotMeasureError

INSTALL = "pip install -r benchmarks/requirements-gpu.txt"


def load_attention(
    *, buckets: int, max_distance: int, scale: float
) -> Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]:
    """The kernel.

    Args:
        buckets: Number of buckets of relative positions.
        max_distance: The distance just beyond the last bucket.
        scale: Factor on the scores.

    Returns:
        A function from queries, keys and values, (sequences, heads, length, head_dim), and position
        keys and queries, (heads, slots, head_dim), to the context in the shape of the queries.

    Raises:
        CannotMeasureError: It is not installed.
    """
    try:
        from flashdeberta.ops.flash_attention import flash_attention_with_disentangled
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {INSTALL}") from None

    def attend(
        query: Tensor, key: Tensor, value: Tensor, position_key: Tensor, position_query: Tensor
    ) -> Tensor:
        return flash_attention_with_disentangled(
            query,
            key,
            value,
            None,  # the lengths: nothing is padded
            position_key[None],
            position_query[None],
            False,
            scale,
            buckets,
            max_distance,
        )

    return attend


def load_encoder(checkpoint: Path, *, device: str) -> Any:
    """Hugging Face's encoder with its kernel, without dropout.

    Raises:
        CannotMeasureError: It is not installed.
    """
    try:
        from flashdeberta import FlashDebertaV2Model
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {INSTALL}") from None
    model = FlashDebertaV2Model.from_pretrained(
        checkpoint, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    return model.eval().to(device)
