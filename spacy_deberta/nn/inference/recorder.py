"""CUDA graphs as PyTorch captures and replays them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol

import torch

Work = Callable[[], None]

# PyTorch captures one graph at a time in a process.
_CAPTURE = Lock()


class Recorder(Protocol):
    """Records work on a device, and repeats it without the host's part of it.

    Work is a function that reads and writes the same memory at every call, does not synchronize
    the device, and does not depend on values on the host that change.
    """

    def stream(self) -> AbstractContextManager[None]:
        """Context in which work is recorded and repeated, and its memory is allocated and used."""

    def record(self, work: Work) -> Work:
        """Do the work, and record it; returns a function that repeats it. Within `stream`."""


class CudaRecorder:
    """Records CUDA graphs.

    The graphs share a stream, and the memory of their intermediate results.

    Args:
        device: A CUDA device.

    Source: "CUDA semantics", section "CUDA Graphs", of PyTorch's documentation.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """See `Recorder.stream`. What was launched before comes before, what follows after."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def record(self, work: Work) -> Work:
        """See `Recorder.record`. The device is synchronized."""
        graph = torch.cuda.CUDAGraph()
        # Autocast caches converted weights until its end; the graph would read freed memory.
        with _autocast_without_cache(self._device.type), _CAPTURE:
            # Kernels are compiled, and workspaces are allocated, for this stream.
            work()
            # Other threads may allocate memory during the capture.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                work()
        return graph.replay


def _autocast_without_cache(device: str) -> AbstractContextManager[None]:
    return torch.autocast(
        device,
        dtype=torch.get_autocast_dtype(device),
        enabled=torch.is_autocast_enabled(device),
        cache_enabled=False,
    )


# By type of device.
RECORDERS: dict[str, Callable[[torch.device], Recorder]] = {"cuda": CudaRecorder}
