"""CUDA graphs of the encoder, against kernels that the host launches one by one."""

import random
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.measures.encoder import relative_error
from benchmarks.measures.kernels_gpu import DTYPES, FULL, TOLERANCE, Work, measure_warm
from benchmarks.measures.results import Case, Measurement
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import Workload, exclude_wrong, gather, not_here
from spacy_deberta import DebertaV2Config, DebertaV2Model
from spacy_deberta.nn import PackedPieces

# Number of sequences, and their mean length. The shorter the work, the more the host takes.
BATCHES = {
    "one short text": (1, 24),
    "32 short texts": (32, 24),
    "128 short texts": (128, 24),
    "1 long text": (1, 400),
    "16 long texts": (16, 400),
}
# Batches of a run, of different lengths, as in `nlp.pipe`.
_COUNT = 8


def measure_graphs(
    settings: Settings, case: Case, *, device: str = "cuda", work: Work = FULL
) -> list[Measurement]:
    """Seconds of prediction with and without graphs, for some batches.

    Args:
        settings: Has the shape of the encoder, whose weights are random.
        case: `dtype`, and `batch`: one of `BATCHES`.
        device: The device.
        work: Width of a head, and repeats.
    """
    values = settings.sizes.config
    heads = values["hidden_size"] // work.head_dim
    torch.manual_seed(0)
    config = DebertaV2Config.from_dict({**values, "num_attention_heads": heads})
    model = DebertaV2Model(config, attention="triton").to(device).eval()
    batches = make_batches(*BATCHES[case["batch"]], vocabulary=config.vocab_size, device=device)

    def predict(*, graphs: bool) -> Tensor:
        model.cuda_graphs = graphs
        with torch.no_grad(), torch.autocast(device, DTYPES[case["dtype"]]):
            rows = [model.forward_packed(pieces).last_hidden_state for pieces in batches]
        return torch.cat(rows)

    expected = predict(graphs=False)

    def build_graphs() -> Workload:
        run = partial(predict, graphs=True)
        for _ in range(2):
            run()
        if not model.encoder.prepared.graphs.count:
            raise not_here(f"there are no graphs on '{device}'")
        return run

    def check(name: str, run: Workload) -> str:
        error = relative_error(run(), expected)
        return "" if error <= TOLERANCE else f"differs by {error:.1g}"

    builders: dict[str, Callable[[], Workload]] = {
        "ours": lambda: partial(predict, graphs=False),
        "ours, graphs": build_graphs,
    }
    return measure_warm(exclude_wrong(gather(builders), check), case, repeats=work.repeats)


def make_batches(count: int, length: int, *, vocabulary: int, device: str) -> list[PackedPieces]:
    """Batches of sequences of half to one and a half times a length."""
    draw = random.Random(0)
    batches = []
    for _ in range(_COUNT):
        lengths = [draw.randint(length // 2, 3 * length // 2) for _ in range(count)]
        ids = torch.randint(3, vocabulary, (sum(lengths),))
        batches.append(PackedPieces.from_lengths(ids, lengths).to(device))
    return batches
