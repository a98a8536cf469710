"""Stages 3 and 4: attention kernels against others, their variants, and CUDA graphs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.gpu.run import Run
from benchmarks.measures import graphs_gpu, kernels_gpu
from benchmarks.measures.kernels_gpu import Work
from benchmarks.measures.results import Measurement, Results

# The most important ones first.
LENGTHS = (512, 128, 2048, 1024, 4096, 256)
ENCODER_LENGTHS = (512, 128)
VARIANT_LENGTHS = (512, 2048)
# fp16, because the interpreter of Triton computes with bf16 as if it were integers.
QUICK, QUICK_LENGTHS, QUICK_DTYPE = Work(heads=1, head_dim=32, pieces=32, repeats=1), (16,), "fp16"


def run(run: Run, results: Results) -> None:
    """Measure attention alone, then the encoder."""
    for length in QUICK_LENGTHS if run.quick else LENGTHS:
        for passes in kernels_gpu.PASSES:
            case = {"what": "attention", "length": length, "pass": passes}
            _measure(run, results, kernels_gpu.measure_attention, case)
    for length in () if run.quick else ENCODER_LENGTHS:
        _measure(run, results, kernels_gpu.measure_encoder, {"what": "encoder", "length": length})


def run_variants(run: Run, results: Results) -> None:
    """Measure block sizes of our kernels."""
    for length in QUICK_LENGTHS if run.quick else VARIANT_LENGTHS:
        case = {"what": "variants", "length": length, "pass": "both"}
        _measure(run, results, kernels_gpu.measure_variants, case)


def run_graphs(run: Run, results: Results) -> None:
    """Measure the encoder with and without CUDA graphs."""
    for batch in list(graphs_gpu.BATCHES)[: 1 if run.quick else None]:
        _measure(run, results, graphs_gpu.measure_graphs, {"what": "graphs", "batch": batch})


def _measure(
    run: Run, results: Results, measure: Callable[..., list[Measurement]], case: dict[str, Any]
) -> None:
    case["dtype"] = QUICK_DTYPE if run.quick else "bf16"
    work = QUICK if run.quick else Work()
    measured = partial(measure, run.settings, case, device=run.device, work=work)
    run.measure(results, case, measured)
