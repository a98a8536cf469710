"""Bound on the size of oneDNN's primitive cache.

oneDNN compiles a primitive for every shape of a product, half a megabyte each, and caches 1024 of
them per process; PyTorch's layer above caches as many again per thread. Dense layers in inference
have few shapes (see `row_blocks`). Attention in bf16 and training have new shapes in every batch,
most of which never recur. The layers of an encoder have the same shapes within a batch: only those
are worth caching.
"""

import os

# Enough for the shapes of dense layers in inference and of one batch. Shapes beyond the capacity
# are recompiled in every layer: with 64 entries for 140 shapes, a small encoder is about 5% slower.
CAPACITY = 256
# Environment variables of oneDNN (alternatives) and of PyTorch.
_SETTINGS = (
    ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY"),
    ("LRU_CACHE_CAPACITY",),
)


def bound_primitive_caches() -> None:
    """Bound both caches, in this process and its children.

    They are configured only by environment variables, read on first use. Variables already set are
    kept, and caches already in use don't change.
    """
    for names in _SETTINGS:
        if not any(name in os.environ for name in names):
            os.environ[names[0]] = str(CAPACITY)
