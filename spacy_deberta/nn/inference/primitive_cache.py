"""How many of its compiled functions oneDNN keeps.

oneDNN compiles a function, a primitive, for every shape of a product, half a megabyte each, and
keeps 1024 of them for the process; PyTorch's layer above keeps as many again in every thread.
Dense layers in prediction have few shapes (see `row_blocks`). Attention in bf16 and training have
others in every batch, most of which are never used again. The layers of an encoder have the same
shapes within a batch: that is what there is to keep.
"""

import os

# The shapes of dense layers in prediction and of one batch. What a batch has more is compiled
# for every layer: with room for 64 of 140, a small encoder takes about a twentieth more time.
CAPACITY = 256
# The names of oneDNN, of which one counts, and of PyTorch.
_SETTINGS = (
    ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY"),
    ("LRU_CACHE_CAPACITY",),
)


def bound_primitive_caches() -> None:
    """Bound both caches, in this process and in those that it starts.

    They are bounded by the environment alone, which they read when they are first used: what is set
    there already stays as it is, and so do caches that are in use.
    """
    for names in _SETTINGS:
        if not any(name in os.environ for name in names):
            os.environ[names[0]] = str(CAPACITY)
