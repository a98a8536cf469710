"""What the processor at hand has instructions for."""

import torch


def has_bf16() -> bool:
    """Whether it multiplies matrices of bfloat16 faster than those of float32.

    Two to three times as fast with AVX512's instructions for it, more with the tiles of AMX.
    """
    return _has("_is_amx_tile_supported") or _has("_is_avx512_bf16_supported")


def has_vnni() -> bool:
    """Whether it adds products of 8 bits up in 32 bits, so that no sum overflows."""
    return _has("_is_vnni_supported")


def _has(name: str) -> bool:
    # Not every release of torch that we support has them.
    ask = getattr(torch.cpu, name, None)
    return ask is not None and bool(ask())
