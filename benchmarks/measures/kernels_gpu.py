"""On a GPU: attention alone, and the encoder; forward and backward.

The inputs of attention are queries, keys, values and projected positions; its outputs are the
context and the gradients of all five. Written against flashdeberta 0.0.8 and disentangled-flash
1.1.1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.measures import machine
from benchmarks.measures.encoder import relative_error
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
)
from benchmarks.peers import disentangled_flash, flashdeberta, huggingface, ours
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.nn.attention import (
    ATTENTION_KERNELS,
    TRITON_KERNELS,
    AttentionInputs,
    BatchLayout,
    resolve_attention,
)
from spacy_deberta.nn.relative_positions import slot_table

LENGTHS = (128, 512, 1024, 2048, 4096)
ENCODER_LENGTHS = (128, 512, 2048)
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
BUCKETS, MAX_DISTANCE = 256, 512
# Variants of our kernels that Triton compiles.
VARIANTS: dict[str, tuple[dict[str, int], ...]] = {
    "triton": ({"block": 32}, {"block": 64}, {"block": 32, "table_block": 32}),
    "bands": ({"block": 32}, {"block": 64}, {"block": 128}, {"elements": 2**26}),
}
# Maximum relative error against fp32.
TOLERANCE = 5e-2
PEERS = {
    "attention": ("ours", "flashdeberta", "disentangled-flash", "sdpa"),
    "encoder": ("ours", "huggingface", "flashdeberta", "disentangled-flash"),
}

Attend = Callable[[list[Tensor]], Tensor]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Sizes of attention.

    Attributes:
        heads: Number of heads.
        head_dim: Width of a head.
        pieces: Pieces of a batch.
        repeats: Number of repeats.
    """

    heads: int = 12
    head_dim: int = 64
    pieces: int = 16384
    repeats: int = 30


FULL = Work()


def scale_of(rows: Tensor) -> float:
    """Factor on the scores of rows, (..., head_dim)."""
    return float((3 * rows.shape[-1]) ** -0.5)


def run(settings: Settings, results: Results) -> None:
    """Measure, or record that there is no GPU."""
    attention = [
        {"what": "attention", "dtype": dtype, "length": length}
        for dtype in DTYPES
        for length in LENGTHS
    ]
    encoder = [{"what": "encoder", "dtype": "bf16", "length": length} for length in ENCODER_LENGTHS]
    for cases, measure_case in ((attention, measure_attention), (encoder, measure_encoder)):
        for case in cases:
            if results.has(case):
                continue
            if why := machine.why_no_gpu():
                names = PEERS[str(case["what"])]
                results.add(not_here(why).as_measurement(case, name) for name in names)
            else:
                results.add(measure_case(settings, case))


@dataclass(frozen=True)
class Attention:
    """The inputs of attention, in fp32.

    Args:
        rows: Queries, keys and values, (sequences, heads, length, head_dim).
        tables: Position keys and queries, (heads, slots, head_dim).
        gradient: Of the context, in the shape of the rows.
    """

    rows: tuple[Tensor, Tensor, Tensor]
    tables: tuple[Tensor, Tensor]
    gradient: Tensor

    def prepare(self, dtype: torch.dtype, *, packed: bool = False) -> tuple[list[Tensor], Tensor]:
        """All five inputs in another dtype, with gradients, and the gradient of the context.

        Args:
            dtype: The dtype.
            packed: Whether the heads of a piece are contiguous in memory, as in our layout.
        """

        def place(values: Tensor) -> Tensor:
            values = values.to(dtype)
            return values.transpose(1, 2).contiguous().transpose(1, 2) if packed else values

        rows = [place(values) for values in self.rows]
        tables = [table.to(dtype) for table in self.tables]
        inputs = [values.detach().clone().requires_grad_() for values in (*rows, *tables)]
        return inputs, place(self.gradient)


def make_attention(count: int, length: int, *, device: str, work: Work = FULL) -> Attention:
    """Random inputs."""
    generator = torch.Generator(device).manual_seed(length)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    rows = (count, work.heads, length, work.head_dim)
    table = (work.heads, 2 * BUCKETS, work.head_dim)
    return Attention(
        (draw(*rows), draw(*rows), draw(*rows)), (draw(*table), draw(*table)), draw(*rows)
    )


def attend_plainly(inputs: list[Tensor]) -> Tensor:
    """The definition, with a gather for both position terms: the reference of all kernels."""
    query, key, value, position_key, position_query = inputs
    length = query.shape[2]
    buckets = huggingface.relative_positions(length, BUCKETS, MAX_DISTANCE).to(query.device)
    slots = (buckets + BUCKETS).clamp(0, 2 * BUCKETS - 1).expand(*query.shape[:2], length, length)
    by_query = (query @ position_key.transpose(1, 2)).gather(-1, slots)
    # The slot of query i and key j is at (i, j), and the rows here are keys.
    by_key = (key @ position_query.transpose(1, 2)).gather(-1, slots.transpose(2, 3))
    scores = query @ key.transpose(2, 3) + by_query + by_key.transpose(2, 3)
    return (scores * scale_of(query)).softmax(-1) @ value


def forward_and_backward(attend: Attend, inputs: list[Tensor], gradient: Tensor) -> Tensor:
    """Run attention and its backward pass; returns the context."""
    for values in inputs:
        values.grad = None
    context = attend(inputs)
    torch.autograd.backward(context, gradient)
    return context


def all_values(attend: Attend, inputs: list[Tensor], gradient: Tensor) -> Tensor:
    """The context and the gradients of all inputs, flattened into one tensor."""
    context = forward_and_backward(attend, inputs, gradient)
    gradients = [values.grad for values in inputs if values.grad is not None]
    return torch.cat([values.detach().float().flatten() for values in (context, *gradients)])


def forward_only(attend: Attend, inputs: list[Tensor], gradient: Tensor) -> Tensor:
    """Run attention as in prediction; returns the context."""
    with torch.no_grad():
        return attend(inputs)


PASSES = {"both": forward_and_backward, "forward": forward_only}


def measure_attention(
    settings: Settings, case: Case, *, device: str = "cuda", work: Work = FULL
) -> list[Measurement]:
    """Seconds of all contenders for attention alone.

    Args:
        settings: Unused.
        case: `dtype`, `length` and `pass`: "both", the default, or "forward".
        device: The device.
        work: Sizes.
    """
    builders = partial(attention_builders, length=case["length"], device=device, heads=work.heads)
    return _measure_builders(case, builders, device=device, work=work)


def measure_variants(
    settings: Settings, case: Case, *, device: str = "cuda", work: Work = FULL
) -> list[Measurement]:
    """Seconds of the variants of our kernels, for the same cases as `measure_attention`."""
    builders = partial(variant_builders, length=case["length"], device=device, heads=work.heads)
    return _measure_builders(case, builders, device=device, work=work)


def _measure_builders(
    case: Case, builders: Callable[[int], Mapping[str, Any]], *, device: str, work: Work
) -> list[Measurement]:
    dtype, length = DTYPES[case["dtype"]], case["length"]
    # The definition keeps all scores in memory, so values are compared on one sequence.
    small = make_attention(1, length, device=device, work=work)
    expected = all_values(attend_plainly, *small.prepare(torch.float32))

    def check(name: str, attend: Any) -> str:
        if name == "sdpa":  # has no position terms
            return ""
        found = all_values(attend, *small.prepare(dtype, packed=is_ours(name)))
        error = relative_error(found, expected)
        return "" if error <= TOLERANCE else f"differs from the definition by {error:.1g}"

    absent = exclude_wrong(gather(builders(1)), check).absent
    whole = make_attention(max(1, work.pieces // length), length, device=device, work=work)
    kernels = gather(builders(len(whole.gradient)))
    prepared = {packed: whole.prepare(dtype, packed=packed) for packed in (False, True)}
    run = PASSES[case.get("pass", "both")]
    runs: dict[str, Workload] = {
        name: partial(run, cast(Attend, attend), *prepared[is_ours(name)])
        for name, attend in kernels.runs.items()
        if name not in absent
    }
    return measure_warm(Contenders(runs, absent), case, repeats=work.repeats)


def is_ours(name: str) -> bool:
    """Whether a contender is one of our kernels."""
    return name.startswith("ours")


def attention_builders(
    count: int, *, length: int, device: str, heads: int
) -> dict[str, Callable[[], Any]]:
    """Builders of the kernels: functions from all five inputs to the context."""
    shape: dict[str, Any] = {"count": count, "length": length, "device": device}
    settings: dict[str, Any] = {"buckets": BUCKETS, "max_distance": MAX_DISTANCE}

    def spread(load: Callable[..., Any]) -> Attend:
        def attend(inputs: list[Tensor]) -> Tensor:
            kernel = loaded.get(0) or loaded.setdefault(0, load(scale=scale_of(inputs[0])))
            return cast(Tensor, kernel(*inputs))

        loaded: dict[int, Any] = {}
        load(scale=1.0)  # raises an error if it is not installed
        return attend

    def sdpa(inputs: list[Tensor]) -> Tensor:
        query, key, value = inputs[:3]
        scale = scale_of(query)
        return functional.scaled_dot_product_attention(query, key, value, scale=scale)

    flash = partial(flashdeberta.load_attention, **settings)
    disentangled = partial(disentangled_flash.load_attention, **settings, **shape)
    return {
        "ours": lambda: ours_attention(resolve_attention("auto", device), **shape, heads=heads),
        "flashdeberta": lambda: spread(flash),
        "disentangled-flash": lambda: spread(disentangled),
        "sdpa": lambda: sdpa,
        **variant_builders(count, length=length, device=device, heads=heads, plain=True),
    }


def variant_builders(
    count: int, *, length: int, device: str, heads: int, plain: bool = False
) -> dict[str, Callable[[], Any]]:
    """Builders of our kernels by name, with `plain` without other block sizes."""
    shape: dict[str, Any] = {"count": count, "length": length, "device": device, "heads": heads}

    def build(name: str, changes: Mapping[str, Any]) -> Attend:
        try:
            kernel: Any = resolve_attention(name)
        except ImportError as error:
            raise CannotMeasureError(str(error)) from error
        kernel = replace(kernel, **changes) if changes else kernel
        try:
            return ours_attention(kernel, **shape)
        except ValueError as error:
            raise not_here(str(error)) from error

    variants: dict[str, tuple[str, Mapping[str, Any]]] = {
        f"ours, {name}": (name, {})
        for name, kernel in ATTENTION_KERNELS.items()
        if not kernel.takes_query_rows
    }
    variants |= {f"ours, {name}": (name, {}) for name in TRITON_KERNELS}
    if not plain:
        variants = {
            f"ours, {name}, {changes}": (name, changes)
            for name, all_changes in VARIANTS.items()
            for changes in all_changes
        }
    return {name: partial(build, *chosen) for name, chosen in variants.items()}


def ours_attention(
    kernel: Any, *, count: int, length: int, device: str, heads: int = FULL.heads
) -> Attend:
    """A kernel of ours, with its plan; its inputs are packed rows and the reachable slots."""
    config = DebertaV2Config.from_dict(
        {
            "num_attention_heads": heads,
            "hidden_size": heads * FULL.head_dim,
            "position_buckets": BUCKETS,
            "max_relative_positions": MAX_DISTANCE,
            "relative_attention": True,
            "pos_att_type": "c2p|p2c",
            "far_positions": "huggingface",
        }
    )
    slots = slot_table(length, config, torch.device(device))
    starts = torch.arange(0, (count + 1) * length, length, dtype=torch.int32, device=device)
    plan = kernel.plan(BatchLayout((length,) * count, starts, heads, slots))

    def attend(inputs: list[Tensor]) -> Tensor:
        rows = [values.transpose(1, 2).flatten(0, 1) for values in inputs[:3]]
        tables = [table[:, slots.start : slots.stop].transpose(0, 1) for table in inputs[3:]]
        query, key, value = rows
        position_key, position_query = tables
        given = AttentionInputs(
            query=query,
            key=key,
            value=value,
            position_key=position_key,
            position_query=position_query,
            scale=scale_of(query),
        )
        context, _ = kernel(given, plan)
        return context.unflatten(0, (count, length)).transpose(1, 2)

    return attend


def measure_encoder(
    settings: Settings, case: Case, *, device: str = "cuda", work: Work = FULL
) -> list[Measurement]:
    """Seconds of all contenders for the encoder."""
    length, dtype = case["length"], case["dtype"]
    generator = torch.Generator().manual_seed(length)
    config = settings.sizes.config
    shape = (max(1, work.pieces // length), length)
    ids = torch.randint(3, config["vocab_size"], shape, generator=generator).to(device)
    gradient = torch.randn(ids.numel(), config["hidden_size"], device=device)
    checkpoint = settings.checkpoint

    def build_ours() -> Workload:
        model, pieces = ours.load_encoder(checkpoint, device=device), ours.pack(ids)
        return partial(ours.ours_backward, model, pieces, gradient, dtype=dtype)

    def build_peer(load: Callable[..., Any]) -> Workload:
        model = load(checkpoint, device=device)
        return partial(huggingface.backward, model, ids, gradient, dtype=dtype)

    oracle = huggingface.load_encoder(checkpoint, device=device)
    expected = huggingface.backward(oracle, ids[:1], gradient[:length])

    def check(name: str, run: Any) -> str:
        few = ours.pack(ids[:1]) if name == "ours" else ids[:1]
        found = run.func(run.args[0], few, gradient[:length], dtype=dtype)
        error = relative_error(found, expected)
        return "" if error <= 2 * TOLERANCE else f"differs from Hugging Face's by {error:.1g}"

    builders: dict[str, Callable[[], Workload]] = {
        "ours": build_ours,
        "huggingface": partial(build_peer, huggingface.load_encoder),
        "flashdeberta": partial(build_peer, flashdeberta.load_encoder),
        "disentangled-flash": partial(build_peer, disentangled_flash.load_encoder),
    }
    return measure_warm(exclude_wrong(gather(builders), check), case, repeats=work.repeats)


def measure_warm(contenders: Contenders, case: Case, *, repeats: int) -> list[Measurement]:
    """Time after three warm-up runs, in which kernels are compiled and tuned."""
    for run in contenders.runs.values():
        for _ in range(3):
            run()
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    return measure(contenders, case, repeats=repeats, synchronize=synchronize)
