"""Compile the Triton kernels like a call of the attention, without a GPU.

Run as a module: the interpreter must be off before Triton is imported. Arguments: the type, the
size of the heads, the terms, the rate of dropout, and the kernel if it is not `triton`. Prints the
bytes of shared memory by kernel.
"""

import json
import os
import sys

TARGET = ("cuda", 90, 32)


class NoDevice:
    """The driver functions that Triton calls before it compiles."""

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0

    def get_current_target(self):
        from triton.backends.compiler import GPUTarget

        return GPUTarget(*TARGET)


def compile_kernels(dtype, head_dim, terms, dropout, name="triton"):
    """Shared memory of every kernel of one call, forward and backward, by its name."""
    import torch
    import triton

    from spacy_deberta.nn.attention import BatchLayout, resolve_attention
    from spacy_deberta.nn.attention.triton import calls
    from spacy_deberta.nn.relative_positions import SlotTable
    from tests.nn.common import attend

    triton.runtime.driver.set_active(NoDevice())
    run, shared = triton.JITFunction.run, {}

    def compile_only(self, *args, warmup, **options):
        kernel = run(self, *args, warmup=True, **options)
        shared[self.__name__] = kernel.metadata.shared

    triton.JITFunction.run = compile_only
    calls.INTERPRETED = True  # the tensors are on the CPU, and never read
    rows = torch.arange(2 * 20 - 1).clamp(5, 33) - 5
    layout = BatchLayout(
        (20,), torch.tensor([0, 20], dtype=torch.int32), 12, SlotTable(rows, 5, 34)
    )
    kernel = resolve_attention(name)
    tensors = [
        torch.zeros(count, 12, head_dim, dtype=getattr(torch, dtype), requires_grad=True)
        for count in (20, 20, 20, 29, 29)
    ]
    for place, term in ((3, "c2p"), (4, "p2c")):
        if term not in terms.split("|"):
            tensors[place] = None
    context, _ = attend(kernel, tensors, kernel.plan(layout), scale=0.1, dropout=dropout)
    context.sum().backward()
    return shared


if __name__ == "__main__":
    assert os.environ.get("TRITON_INTERPRET", "0") == "0"
    dtype, head_dim, terms, dropout, *names = sys.argv[1:]
    print(json.dumps(compile_kernels(dtype, int(head_dim), terms, float(dropout), *names)))
