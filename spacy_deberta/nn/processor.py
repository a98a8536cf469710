"""What the processor at hand has instructions for."""

import torch


def has_amx() -> bool:
    """Whether it multiplies matrices of bfloat16 in tiles: four times as fast as float32."""
    return _has("_is_amx_tile_supported")


def has_vnni() -> bool:
    """Whether it adds products of 8 bits up in 32 bits, so that no sum overflows."""
    return _has("_is_vnni_supported")


def _has(name: str) -> bool:
    # Not every release of torch that we support has them.
    ask = getattr(torch.cpu, name, None)
    return ask is not None and bool(ask())
