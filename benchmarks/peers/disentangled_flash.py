"""disentangled-flash: Triton kernels for NVIDIA GPUs, autotuned at the first call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import huggingface

INSTALL = "pip install -r benchmarks/requirements-gpu.txt"


def load_attention(
    *, count: int, length: int, buckets: int, max_distance: int, scale: float, device: str
) -> Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]:
    """The kernel, for sequences of one length; see `flashdeberta.load_attention`.

    Its inputs are the reachable slots only, and its lookup tables by distance are made here, once.

    Raises:
        CannotMeasureError: It is not installed.
    """
    try:
        from disentangled_flash.position import SharedPositionPlanCache, pad_position_table
        from disentangled_flash.training._kernels import training_attention
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {INSTALL}") from None
    plan = SharedPositionPlanCache(
        position_buckets=buckets,
        max_relative_positions=max_distance,
        position_embedding_size=buckets,
    ).compact(length, device)
    mask = torch.ones(count, length, dtype=torch.bool, device=device)

    def attend(
        query: Tensor, key: Tensor, value: Tensor, position_key: Tensor, position_query: Tensor
    ) -> Tensor:
        context = training_attention(
            query,
            key,
            value,
            pad_position_table(position_key[:, plan.active_slots]),
            pad_position_table(position_query[:, plan.active_slots]),
            plan.delta_to_local,
            mask,
            score_scale=scale,
            has_padding=False,
            strict_fp32=True,
            gradient_band=plan.gradient_band,
        )
        return context.unflatten(-1, (query.shape[1], query.shape[3])).transpose(1, 2)

    return attend


def load_encoder(checkpoint: Path, *, device: str) -> Any:
    """Hugging Face's encoder with its kernels, for training and without dropout.

    Raises:
        CannotMeasureError: It is not installed, or has not replaced the encoder.
    """
    try:
        from disentangled_flash import DebertaV2OptimizedEncoder, optimize_deberta_training
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {INSTALL}") from None
    model = huggingface.load_encoder(checkpoint, device=device)
    optimize_deberta_training(model, backend="triton", assume_unpadded=True)
    if not isinstance(model.encoder, DebertaV2OptimizedEncoder):
        raise CannotMeasureError(
            "it does not support this machine and leaves Hugging Face's encoder"
        )
    return model
