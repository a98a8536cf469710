"""CUDA graphs of prepared layers, for batches of similar size."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import torch
from torch import Tensor

from spacy_deberta.errors import Warnings, warn
from spacy_deberta.nn.attention import (
    AttentionContext,
    AttentionKernel,
    StaticKernel,
    StaticPlan,
)
from spacy_deberta.nn.config import DebertaV2Config
from spacy_deberta.nn.relative_positions import slot_table

from .prepared_layer import LayerFunction
from .recorder import RECORDERS, Recorder, Work
from .row_blocks import rounded

ValueT = TypeVar("ValueT")

# The default of `max_batch_pieces`.
MOST_ROWS = 8192
MOST_GRAPHS = 32
# Sizes that occurred once are remembered for some time, so that rare ones are never recorded.
_MOST_SEEN = 256
# Fewer rows or blocks take the device as long.
_FEWEST = 64
# Shorter tables of distances cost as much.
_SHORTEST = 512


@dataclass(frozen=True)
class BatchSize:
    """Size of a batch, rounded up, so that batches of similar size have the same one.

    Args:
        rows: Number of pieces; at most an eighth too many.
        longest: Maximum length, a power of two.
        blocks: Number of blocks, a power of two. Empty ones take the kernels little time.
    """

    rows: int
    longest: int
    blocks: int

    @classmethod
    def of(cls, lengths: Sequence[int], block: int) -> "BatchSize":
        """The size of a batch.

        Args:
            lengths: Number of pieces of every sequence.
            block: Rows per block.
        """
        blocks = sum(-(-length // block) for length in lengths)
        return cls(
            rows=rounded(sum(lengths), least=_FEWEST),
            longest=_power_of_two(max(lengths, default=0), least=_SHORTEST),
            blocks=_power_of_two(blocks, least=_FEWEST),
        )


@dataclass(frozen=True)
class _Graph:
    """A graph, and the plan that it reads."""

    plan: StaticPlan
    replay: Work


class _Graphs:
    """The graphs of some layers, and the rows that they read and write.

    Args:
        layers: The prepared layers. Graphs have the addresses of their weights.
        kernel: The attention kernel.
        recorder: Records the graphs.
        embedded: (total_pieces, hidden_size), any input of the first layer.

    Attributes:
        rows: (MOST_ROWS, hidden_size), the input of the first layer and then the output of the
            last one. A batch has the first rows.
    """

    def __init__(
        self,
        layers: Sequence[LayerFunction],
        kernel: StaticKernel,
        recorder: Recorder,
        embedded: Tensor,
    ) -> None:
        self.layers = layers
        self.kernel = kernel
        self.recorder = recorder
        # Inference tensors could not be refilled outside of inference mode.
        with torch.inference_mode(False), recorder.stream():
            self.rows = embedded.new_zeros(MOST_ROWS, embedded.shape[1])
        self.product_precision = torch.get_float32_matmul_precision()
        self.by_size: OrderedDict[BatchSize, _Graph] = OrderedDict()
        self._seen: OrderedDict[BatchSize, None] = OrderedDict()

    def fits(self, layers: Sequence[LayerFunction], kernel: StaticKernel, embedded: Tensor) -> bool:
        """Whether the graphs compute the same as these layers from these embeddings."""
        return (
            self.layers is layers
            and self.kernel == kernel
            and self.rows.dtype == embedded.dtype
            and self.rows.device == embedded.device
            and self.product_precision == torch.get_float32_matmul_precision()
        )

    def find(self, size: BatchSize, config: DebertaV2Config) -> _Graph | None:
        """The graph for a size; recorded when the size occurs for the second time, else None."""
        graph = self.by_size.get(size)
        if graph is None and size not in self._seen:
            _remember(self._seen, size, None, most=_MOST_SEEN)
            return None
        if graph is None:
            graph = self._record(size, config)
            del self._seen[size]
        _remember(self.by_size, size, graph, most=MOST_GRAPHS)
        return graph

    def _record(self, size: BatchSize, config: DebertaV2Config) -> _Graph:
        device = self.rows.device
        slots = slot_table(size.longest, config, device) if config.relative_attention else None
        rows = self.rows[: size.rows]
        with torch.inference_mode(False), torch.no_grad(), self.recorder.stream():
            plan = self.kernel.static_plan(
                slots, heads=config.num_attention_heads, blocks=size.blocks, device=device
            )
            context = AttentionContext(self.kernel, plan.plan, None, slots)

            def work() -> None:
                hidden = rows
                for layer in self.layers:
                    hidden, _ = layer(hidden, context)
                rows.copy_(hidden)

            return _Graph(plan, self.recorder.record(work))


class LayerGraphs:
    """The CUDA graphs of one encoder.

    A batch of a size that occurred before is computed by a graph: the host launches one graph in
    place of all kernels of all layers. There are graphs for the sizes that occurred last. They
    belong to prepared layers, and end with them. One thread uses them at a time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._graphs: _Graphs | None = None

    def forget(self) -> None:
        """Free all graphs."""
        self._graphs = None

    @property
    def count(self) -> int:
        """Number of graphs."""
        graphs = self._graphs
        return 0 if graphs is None else len(graphs.by_size)

    def run(
        self,
        layers: Sequence[LayerFunction],
        embedded: Tensor,
        lengths: Sequence[int],
        kernel: AttentionKernel,
        config: DebertaV2Config,
    ) -> Tensor | None:
        """Run prepared layers by a graph.

        Args:
            layers: The layers, the same object until they change.
            embedded: (total_pieces, hidden_size), input of the first layer, without gradients.
            lengths: Number of pieces of every sequence.
            kernel: The attention kernel.
            config: Config of the encoder.

        Returns:
            (total_pieces, hidden_size), the output of the last layer. None if there is no graph:
            for another size or device, a kernel that is no `StaticKernel` or a model with a
            convolution, or because another thread uses the graphs.

        Warns:
            W365: There are no graphs for this kernel or model.
        """
        make_recorder = RECORDERS.get(embedded.device.type)
        if make_recorder is None:
            return None
        if not isinstance(kernel, StaticKernel) or config.conv_kernel_size:
            what = "models with a convolution"
            if not isinstance(kernel, StaticKernel):
                what = f"the attention kernel '{kernel.name}'"
            warn(Warnings.W365.format(what=what))
            return None
        size = BatchSize.of(lengths, kernel.block)
        if not 0 < len(embedded) <= size.rows <= MOST_ROWS:
            return None
        if not self._lock.acquire(blocking=False):
            return None
        try:
            graphs = self._graphs
            if graphs is None or not graphs.fits(layers, kernel, embedded):
                recorder = make_recorder(embedded.device)
                graphs = self._graphs = _Graphs(layers, kernel, recorder, embedded)
            graph = graphs.find(size, config)
            if graph is None:
                return None
            output = torch.empty_like(embedded)
            rows = graphs.rows[: len(embedded)]
            with graphs.recorder.stream():
                graph.plan.fill(lengths)
                rows.copy_(embedded)
                graph.replay()
                output.copy_(rows)
            return output
        finally:
            self._lock.release()


def _remember(
    recent: OrderedDict[BatchSize, ValueT], size: BatchSize, value: ValueT, *, most: int
) -> None:
    """Add an entry as the last one, and remove the first one if there are too many."""
    recent[size] = value
    recent.move_to_end(size)
    if len(recent) > most:
        recent.popitem(last=False)


def _power_of_two(number: int, *, least: int) -> int:
    """Round up to a power of two."""
    return max(least, 1 << max(number - 1, 0).bit_length())
