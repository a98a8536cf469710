"""Instruction sets of the CPU."""

import torch


def has_bf16() -> bool:
    """Whether bfloat16 matrix products are faster than float32 ones.

    Two to three times as fast with AVX512-BF16, more with AMX tiles.
    """
    return has_amx() or _has("_is_avx512_bf16_supported")


def has_amx() -> bool:
    """Whether products in bfloat16 and int8 are computed on AMX tiles."""
    return _has("_is_amx_tile_supported")


def has_vnni() -> bool:
    """Whether int8 products are accumulated in 32 bits, so that no sum overflows."""
    return _has("_is_vnni_supported")


def _has(name: str) -> bool:
    # Not every supported release of torch has these functions.
    ask = getattr(torch.cpu, name, None)
    return ask is not None and bool(ask())
