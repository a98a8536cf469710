"""Count how often the CPU waits for the GPU."""

from collections.abc import Callable, Sequence
from typing import Any

from torch.profiler import ProfilerActivity, profile

from benchmarks.measures import machine
from benchmarks.measures.timing import not_here

# Calls of the CUDA runtime that wait, whoever makes them: PyTorch, CuPy or a kernel.
CALLS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


def count_waits(nlp: Any, texts: Sequence[str], batch_size: int) -> float:
    """Waits for each batch in `nlp.pipe`.

    Args:
        nlp: A pipeline whose only component is the encoder's.
        texts: The texts.
        batch_size: Documents of a batch.

    Returns:
        The number of waits, without those of the profiler, divided by that of batches.

    Raises:
        CannotMeasureError: There is no GPU.
    """
    if why := machine.why_no_gpu():
        raise not_here(why)

    def work() -> None:
        for _ in nlp.pipe(texts, batch_size=batch_size):
            pass

    work()
    batches = -(-len(texts) // batch_size)
    return (_count(work) - _count(lambda: None)) / batches


def _count(work: Callable[[], None]) -> int:
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as recorded:
        work()
    return sum(event.name in CALLS for event in recorded.events() or ())
