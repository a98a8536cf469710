"""The encoder alone: forward, and forward and backward, by length, dtype and kernel."""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.measures import machine
from benchmarks.measures.results import Case, Measurement, Results
from benchmarks.measures.settings import Settings
from benchmarks.measures.timing import (
    CannotMeasureError,
    Contenders,
    Workload,
    exclude_wrong,
    gather,
    measure,
    not_here,
    pooled,
)
from benchmarks.peers import huggingface, onnx, openvino, ours, products

# Maximum relative error of hidden states and gradients, against Hugging Face's in fp32.
TOLERANCES = {"fp32": 1e-3, "bf16": 1e-1, "int8": 1e-1}
# Enough to compare values.
CHECKED_PIECES = 128
# What takes turns with every peer.
OWN = ("ours", "products")
# Number of score tensors that Hugging Face's attention keeps for the backward pass.
KEPT_SCORES = 6


def run(settings: Settings, results: Results) -> None:
    """Measure every length up to a batch, dtype and direction."""
    _run(settings, results, cases(settings), apart=False)


def run_long(settings: Settings, results: Results) -> None:
    """Measure longer sequences, for which not every machine has the memory."""
    _run(settings, results, long_cases(settings), apart=True)


def _run(settings: Settings, results: Results, cases: Iterable[Case], *, apart: bool) -> None:
    torch.manual_seed(0)
    encoders = Encoders(settings)
    for case in cases:
        if not results.has(case):
            results.add(encoders.measure(case, apart=apart))


def cases(settings: Settings) -> Iterator[Case]:
    """Every combination, slow ones last."""
    sizes = settings.sizes
    for direction in ("forward", "forward and backward"):
        for dtype in ("fp32", "bf16"):
            for length in sizes.lengths:
                yield {"pass": direction, "dtype": dtype, "length": length}
    for length in sizes.lengths:
        yield {"pass": "forward", "dtype": "int8", "length": length}


def long_cases(settings: Settings) -> Iterator[Case]:
    """Sequences that are a batch of one."""
    for length in settings.sizes.long_lengths:
        for dtype in ("fp32", "bf16", "int8"):
            yield {"pass": "forward", "dtype": dtype, "length": length}
    for length in settings.sizes.long_lengths[:1]:
        yield {"pass": "forward and backward", "dtype": "fp32", "length": length}


class Encoders:
    """All encoders of one checkpoint, built on first use.

    Args:
        settings: The checkpoint and the sizes.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ours = ours.load_encoder(settings.checkpoint)
        self.huggingface = huggingface.load_encoder(settings.checkpoint)
        self._engines: dict[tuple[str, str], Any] = {}

    def engine(self, name: str, dtype: str) -> Callable[[Tensor], Tensor]:
        """An engine's encoder, exported or compiled once.

        Args:
            name: `"onnxruntime"` or `"openvino"`.
            dtype: `"fp32"`, `"bf16"` or `"int8"`.

        Raises:
            CannotMeasureError: It is not available.
        """
        key = (name, dtype)
        if key not in self._engines:
            try:
                self._engines[key] = self._load_engine(name, dtype)
            except CannotMeasureError as error:
                self._engines[key] = error
        if isinstance(self._engines[key], CannotMeasureError):
            raise self._engines[key]
        return self._engines[key]

    def forget_engines(self) -> None:
        """Free the memory that engines hold for the longest sequences so far: gigabytes each."""
        self._engines.clear()
        gc.collect()

    def _load_engine(self, name: str, dtype: str) -> Callable[[Tensor], Tensor]:
        path, threads = self.settings.work / "encoder.onnx", self.settings.threads
        if name == "openvino":
            return openvino.load_encoder(self.huggingface, path, dtype, threads=threads)
        load = {"fp32": onnx.load_encoder, "int8": onnx.load_int8_encoder}[dtype]
        return load(self.huggingface, path, threads=threads)

    def measure(self, case: Case, *, apart: bool = False) -> list[Measurement]:
        """Seconds of all contenders in one case, and their errors against Hugging Face's values.

        Args:
            case: The case.
            apart: Whether each peer takes turns with ours and the products alone, and no other
                peer is in memory: of a sequence of 4,096 pieces, an engine holds ten gigabytes.
        """
        backward = case["pass"] != "forward"
        length, dtype = case["length"], case["dtype"]
        few = UniformBatch(self, max(1, CHECKED_PIECES // length), length, dtype)
        if dtype == "bf16" and (why := machine.why_no_bf16()):
            return self._without_hardware(few, case, why)
        oracle = few.oracle(backward=backward)
        names = list(few.builders(backward=backward))
        peers = [name for name in names if name not in OWN]
        measured: list[Measurement] = []
        for chosen in [[*OWN, peer] for peer in peers] if apart else [names]:
            measured += self._measure_some(case, few, oracle, chosen)
            if apart:
                self.forget_engines()
        return pooled(measured)

    def _measure_some(
        self, case: Case, few: "UniformBatch", oracle: Tensor, names: Collection[str]
    ) -> list[Measurement]:
        length, sizes = case["length"], self.settings.sizes
        backward = case["pass"] != "forward"
        builders = few.builders(backward=backward)
        contenders = gather({name: builders[name] for name in names})
        checked, errors = self._check(case, contenders, oracle)
        batch = UniformBatch(self, max(1, sizes.batch_pieces // length), length, few.dtype)
        builders = batch.builders(backward=backward)
        contenders = gather({name: builders[name] for name in checked.runs})
        contenders = Contenders(contenders.runs, {**checked.absent, **contenders.absent})
        repeats = sizes.few_repeats if length <= sizes.batch_pieces else sizes.long_repeats
        return measure(contenders, case, repeats=repeats) + errors

    def _check(
        self, case: Case, contenders: Contenders, oracle: Tensor
    ) -> tuple[Contenders, list[Measurement]]:
        """Exclude contenders with incorrect results, and return the errors of all."""
        errors = []

        def check(name: str, run: Workload) -> str:
            values = run()
            if values is None:  # products have no results
                return ""
            error = relative_error(values, oracle)
            errors.append(Measurement(case=case, who=name, quantity="error", values=(error,)))
            if error <= TOLERANCES[case["dtype"]]:
                return ""
            return f"differs from Hugging Face's fp32 by {error:.1g}"

        return exclude_wrong(contenders, check), errors

    def _without_hardware(self, few: "UniformBatch", case: Case, why: str) -> list[Measurement]:
        """Emulated bf16 has no meaningful times, but the same values as the hardware."""
        builders = few.builders(backward=case["pass"] != "forward")
        measured = [not_here(why).as_measurement(case, name) for name in builders]
        if case["pass"] == "forward" and case["length"] == self.settings.sizes.lengths[0]:
            runs = gather({name: builders[name] for name in ("ours", "huggingface")})
            measured += self._check(case, runs, few.oracle(backward=False))[1]
        return measured


class UniformBatch:
    """Sequences of one length, and the workloads of all contenders.

    Args:
        encoders: The encoders.
        count: Number of sequences.
        length: Number of pieces of each.
        dtype: `"fp32"`, `"bf16"` or `"int8"`.
    """

    def __init__(self, encoders: Encoders, count: int, length: int, dtype: str) -> None:
        self.encoders = encoders
        self.dtype = dtype
        generator = torch.Generator().manual_seed(length)
        config = encoders.huggingface.config
        self.ids = torch.randint(3, config.vocab_size, (count, length), generator=generator)
        self.pieces = ours.pack(self.ids)
        self.gradient = torch.randn(count * length, config.hidden_size, generator=generator)

    def oracle(self, *, backward: bool) -> Tensor:
        """Hugging Face's result in fp32."""
        if backward:
            return huggingface.backward(self.encoders.huggingface, self.ids, self.gradient)
        return huggingface.forward(self.encoders.huggingface, self.ids)

    def builders(self, *, backward: bool) -> dict[str, Callable[[], Workload]]:
        """Builders of the workloads of all contenders."""
        return self._backward_runs() if backward else self._forward_runs()

    def _forward_runs(self) -> dict[str, Callable[[], Workload]]:
        model, theirs = self.encoders.ours, self.encoders.huggingface
        pieces, ids, dtype = self.pieces, self.ids, self.dtype
        runs: dict[str, Callable[[], Workload]] = {
            "ours": lambda: lambda: ours.ours_forward(model, pieces, dtype=dtype),
            "huggingface": lambda: lambda: huggingface.forward(theirs, ids, dtype=dtype),
            "products": lambda: self._products().forward,
        }
        if dtype == "int8":
            del runs["huggingface"]
            return {**runs, **self._engine_runs("onnxruntime", "openvino")}
        if ids.shape[1] <= 512:
            runs["ours, reference"] = lambda: (
                lambda: ours.ours_forward(model, pieces, kernel="reference", dtype=dtype)
            )
        # ONNX Runtime computes nothing in bf16 on CPUs.
        engines = ("onnxruntime", "openvino") if dtype == "fp32" else ("openvino",)
        return {**runs, **self._engine_runs(*engines)}

    def _backward_runs(self) -> dict[str, Callable[[], Workload]]:
        model, pieces, dtype = self.encoders.ours, self.pieces, self.dtype

        def reference() -> Tensor:
            return ours.ours_backward(model, pieces, self.gradient, kernel="reference", dtype=dtype)

        return {
            "ours": lambda: lambda: ours.ours_backward(model, pieces, self.gradient, dtype=dtype),
            "ours, reference": lambda: reference,
            "huggingface": self._huggingface_backward,
            "products": lambda: self._products().backward,
        }

    def _products(self) -> products.Products:
        count, length = self.ids.shape
        return products.make_products(
            self.encoders.huggingface.config, sequences=count, length=length, dtype=self.dtype
        )

    def _engine_runs(self, *names: str) -> dict[str, Callable[[], Workload]]:
        return {name: partial(self._engine_run, name) for name in names}

    def _engine_run(self, name: str) -> Workload:
        encoder = self.encoders.engine(name, self.dtype)
        return lambda: encoder(self.ids).flatten(0, 1)

    def _huggingface_backward(self) -> Workload:
        config = self.encoders.huggingface.config
        scores = config.num_hidden_layers * config.num_attention_heads * self.ids.numel()
        needed = KEPT_SCORES * 4 * scores * self.ids.shape[1] / machine.GIB
        if needed > machine.available_memory():
            raise not_here(f"it needs about {needed:.0f} GiB of memory")
        return lambda: huggingface.backward(
            self.encoders.huggingface, self.ids, self.gradient, dtype=self.dtype
        )


def relative_error(values: Tensor, expected: Tensor) -> float:
    """The norm of the difference, divided by the norm of the expected values."""
    difference = (values.float() - expected.float()).norm()
    return float(difference / expected.float().norm())
