"""Prediction by graphs: the same as by layers, for all batches that share one.

On the CPU, a graph is the recorded function itself, called again on the memory of the graph. The
kernel computes the formula from the tensors of the plan, because Triton's interpreter takes seconds
for a batch; `test_triton` has the real one. On a GPU, see `tests/nn/test_gpu.py`.
"""

import copy
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Event

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from spacy_deberta.nn import PackedPieces, resolve_attention
from spacy_deberta.nn.attention import ATTENTION_KERNELS, StaticKernel
from spacy_deberta.nn.attention.reference import ReferenceAttention
from spacy_deberta.nn.attention.triton.plan import TritonPlan
from spacy_deberta.nn.attention.triton.static_plan import StaticTritonPlan
from spacy_deberta.nn.inference import layer_graphs
from spacy_deberta.nn.inference.layer_graphs import BatchSize
from spacy_deberta.nn.inference.recorder import RECORDERS
from tests.nn.common import close, model_like

LENGTHS = [31, 5, 1, 0, 33]


class Again:
    """Records nothing, and repeats the work as a whole."""

    replays = 0

    def __init__(self, device):
        pass

    def stream(self):
        return nullcontext()

    def record(self, work):
        def replay():
            Again.replays += 1
            work()

        work()
        return replay


class Formula(ReferenceAttention):
    """The formula, with plans like those of the Triton kernels."""

    block = 32

    def static_plan(self, slots, *, heads, blocks, device):
        return StaticTritonPlan.allocate(
            slots, heads=heads, blocks=blocks, block=self.block, device=device
        )

    def __call__(self, inputs, plan):
        if not isinstance(plan, TritonPlan):
            return super().__call__(inputs, plan)
        lengths = plan.layout.cu_seqlens.diff().tolist()
        slots = plan.layout.slots
        if slots is not None:
            margin = plan.longest - max(lengths)
            slots = replace(slots, rows=slots.rows[margin : len(slots.rows) - margin])
        layout = replace(plan.layout, lengths=tuple(lengths), slots=slots)
        count = sum(lengths)
        rows = torch.full_like(inputs.query, float("nan"))
        parts = {name: getattr(inputs, name)[:count] for name in ("query", "key", "value")}
        rows[:count], _ = super().__call__(replace(inputs, **parts), layout)
        return rows, None


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setattr(layer_graphs, "_FEWEST", 8)
    monkeypatch.setattr(layer_graphs, "_SHORTEST", 16)
    monkeypatch.setattr(layer_graphs, "MOST_ROWS", 128)
    monkeypatch.setattr(Again, "replays", 0)
    monkeypatch.setitem(RECORDERS, "cpu", Again)
    monkeypatch.setitem(ATTENTION_KERNELS, "formula", Formula())


def _make_model(variant="v3", *, attention="formula", **changes):
    model = model_like(variant, attention=attention, num_attention_heads=1, **changes)
    model.cuda_graphs = True
    return model


@pytest.fixture
def model():
    return _make_model()


def _pieces(lengths, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return PackedPieces.from_lengths(
        torch.randint(1, 97, (sum(lengths),), generator=generator), lengths
    )


def _predict(model, pieces, **wanted):
    with torch.no_grad():
        return model.forward_packed(pieces, **wanted).last_hidden_state


def _expect(model, pieces):
    """By the formula."""
    kernel, model.attention, model.cuda_graphs = model.attention, "reference", False
    try:
        return _predict(model, pieces)
    finally:
        model.attention, model.cuda_graphs = kernel, True


def _check(model, pieces, *, replays):
    """Compare, and count the replays."""
    before = Again.replays
    close(_predict(model, pieces), _expect(model, pieces), 1e-5)
    assert Again.replays - before == replays


@given(
    batches=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), min_size=2, max_size=4)
)
@settings(max_examples=10)
def test_batches_of_one_size_or_several(batches):
    model, seen = _make_model(), Counter()
    for seed, lengths in enumerate(batches):
        size = BatchSize.of(lengths, 32)
        for _ in range(2):
            has_graph = sum(lengths) > 0 and size.rows <= 128 and seen[size]
            _check(model, _pieces(lengths, seed=seed), replays=int(bool(has_graph)))
            seen[size] += 1


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton compiles where a GPU is")
# In sequences without rows, the interpreter divides by zero; nothing is stored.
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|All-NaN):RuntimeWarning")
@pytest.mark.parametrize("variant", ["v3", "own-p2c", "no-relative-attention", "few-buckets"])
def test_triton(variant):
    model = _make_model(variant, attention="triton")
    for seed, lengths in enumerate([[34, 0, 3], [40], [33, 3]]):
        _check(model, _pieces(lengths, seed=seed), replays=seed > 0)
    model.encoder.prepared.graphs._graphs.rows.fill_(float("nan"))
    _check(model, _pieces(lengths, seed=seed), replays=1)


@pytest.mark.parametrize("variant", ["c2p", "no-terms", "no-buckets", "plain-positions"])
def test_variants(variant):
    model = _make_model(variant)
    for seed, lengths in enumerate([[20, 33], [33, 17, 3], [53]]):
        _check(model, _pieces(lengths, seed=seed), replays=seed > 0)


def test_rows_of_no_sequence_have_no_effect(model):
    pieces = _pieces(LENGTHS)
    for _ in range(2):
        expected = _predict(model, pieces)
    model.encoder.prepared.graphs._graphs.rows.fill_(float("nan"))
    assert torch.equal(_predict(model, pieces), expected)
    assert Again.replays == 2


@given(total=st.integers(1, 8192), longest=st.integers(1, 8192), block=st.sampled_from([32, 64]))
def test_a_size_holds_its_batches(total, longest, block):
    lengths = [min(longest, total), *[1] * (total - min(longest, total))]
    size = BatchSize.of(lengths, block)
    blocks = sum(-(-length // block) for length in lengths)
    assert total <= size.rows <= max(64, 1.125 * total)
    assert max(lengths) <= size.longest
    assert blocks <= size.blocks <= max(64, 2 * blocks)
    assert size.blocks % 2 == 0


def _change_in_place(model):
    with torch.no_grad():
        model.encoder.layer[1].attention.self.query_proj.weight.mul_(2)


def _train(model):
    model.train().forward_packed(_pieces([3]))
    # Fused optimizers change weights without bumping `_version`.
    model.encoder.rel_embeddings.weight.data.mul_(2)
    model.eval()


@pytest.mark.parametrize("change", [_change_in_place, _train])
def test_changed_weights_are_seen(model, change):
    pieces = _pieces(LENGTHS)
    _check(model, pieces, replays=0)
    _check(model, pieces, replays=1)
    before = _predict(model, pieces)
    change(model)
    if change is _train:
        assert model.encoder.prepared.graphs.count == 0
    assert not torch.allclose(_predict(model, pieces), before)
    model.encoder.prepared.graphs.forget()
    _check(model, pieces, replays=0)
    _check(model, pieces, replays=1)


def test_precisions_have_graphs_of_their_own(model):
    pieces = _pieces(LENGTHS)
    for _ in range(2):
        expected = _predict(model, pieces)
    with torch.autocast("cpu", torch.float16):
        halves = [_predict(model, pieces) for _ in range(2)]
    assert Again.replays == 2
    assert not torch.equal(halves[1], expected)
    close(halves[1], halves[0], 1e-2)
    for replays in (0, 1):
        _check(model, pieces, replays=replays)


def test_inference_mode_and_outside_of_it(model):
    pieces = _pieces(LENGTHS)
    expected = _expect(model, pieces)
    for _ in range(3):
        with torch.inference_mode():
            inside = model.forward_packed(pieces).last_hidden_state
            close(inside.clone(), expected, 1e-5)
        close(_predict(model, pieces), expected, 1e-5)
    assert Again.replays == 5


def test_copies_have_graphs_of_their_own(model):
    pieces = _pieces(LENGTHS)
    for _ in range(2):
        _predict(model, pieces)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.cuda_graphs
        assert copied.encoder.prepared.graphs.count == 0
        _change_in_place(copied)
        _check(copied, pieces, replays=0)
        _check(copied, pieces, replays=1)
    assert model.encoder.prepared.graphs.count == 1


def test_the_sizes_that_occurred_last_have_graphs(model, monkeypatch):
    monkeypatch.setattr(layer_graphs, "MOST_GRAPHS", 2)
    monkeypatch.setattr(layer_graphs, "_MOST_SEEN", 2)
    first, second, third = (_pieces([length]) for length in (5, 12, 30))
    for pieces in (first, first, second, second):
        _predict(model, pieces)
    _check(model, first, replays=1)
    for _ in range(2):
        _predict(model, third)  # in place of `second`
    assert model.encoder.prepared.graphs.count == 2
    for pieces, replays in ((first, 1), (third, 1), (second, 0)):
        _check(model, pieces, replays=replays)
    # Sizes that occurred once are forgotten likewise.
    for length in (50, 70):
        _check(model, _pieces([length]), replays=0)
    _check(model, second, replays=0)


def test_threads_that_find_the_graphs_in_use_compute_without_them(model, monkeypatch):
    pieces, other = _pieces(LENGTHS), _pieces(LENGTHS, seed=1)
    for _ in range(2):
        _predict(model, pieces)
    (graph,) = model.encoder.prepared.graphs._graphs.by_size.values()
    is_inside, may_end, replay = Event(), Event(), graph.replay

    def wait():
        is_inside.set()
        assert may_end.wait(60)
        replay()

    object.__setattr__(graph, "replay", wait)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(_predict, model, pieces)
        assert is_inside.wait(60)
        _check(model, other, replays=0)
        may_end.set()
        close(slow.result(), _expect(model, pieces), 1e-5)
    object.__setattr__(graph, "replay", replay)
    _check(model, other, replays=1)


def test_two_threads(model):
    batches = [_pieces(lengths, seed=1) for lengths in (LENGTHS, [7, 9], [40])] * 4
    expected = [_expect(model, pieces) for pieces in batches]
    model.cuda_graphs = True
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda pieces: _predict(model, pieces), batches))
    for one, other in zip(found, expected, strict=True):
        close(one, other, 1e-5)
    assert Again.replays > 0


def test_other_outputs_are_computed_without_graphs(model):
    pieces = _pieces(LENGTHS)
    for _ in range(2):
        expected = _predict(model, pieces)
    for wanted in ({"output_hidden_states": True}, {"output_attentions": True}):
        close(_predict(model, pieces, **wanted), expected, 1e-5)
    rows = torch.tensor([3, 0])
    close(_predict(model, pieces, output_rows=rows), expected[rows], 1e-5)
    assert _predict(model, pieces, layers=1).shape == expected.shape
    assert Again.replays == 1


def test_off_by_default(model):
    model.cuda_graphs = type(model)(model.config).cuda_graphs
    for _ in range(3):
        _predict(model, _pieces(LENGTHS))
    assert Again.replays == 0
    assert model.encoder.prepared.graphs._graphs is None


@pytest.mark.parametrize(
    ("variant", "attention", "message"),
    [("v3", "strided", "the attention kernel 'strided'"), ("v2-wide", "formula", "a convolution")],
)
def test_warns_where_there_are_none(variant, attention, message):
    model = _make_model(variant, attention=attention)
    with pytest.warns(UserWarning, match=f"W365.*{message}"):
        found = _predict(model, _pieces(LENGTHS))
    close(found, _expect(model, _pieces(LENGTHS)), 1e-5)


def test_kernels_with_static_plans():
    pytest.importorskip("triton")
    names = ("reference", "strided", "triton", "bands")
    static = [name for name in names if isinstance(resolve_attention(name), StaticKernel)]
    assert static == ["triton"]


class Operations(TorchDispatchMode):
    """Records the operations of PyTorch, with the shapes of their inputs."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        shapes = [tuple(value.shape) for value in args if torch.is_tensor(value)]
        self.seen.append((function.name(), shapes))
        return function(*args, **(kwargs or {}))


class Launches:
    """In place of a kernel: records its grid, and the addresses and numbers that it gets."""

    def __init__(self):
        self.seen = []

    def __getitem__(self, grid):
        def launch(rows, batch, context, normalizer, **options):
            addresses = [x.data_ptr() for x in batch if torch.is_tensor(x)]
            addresses += [x.data_ptr() for x in (rows.position_key, rows.position_query)]
            self.seen.append((grid, rows.query.shape, addresses, options["longest"]))
            context.zero_()

        return launch


def test_a_graph_launches_the_same_for_each_batch(model, monkeypatch):
    """Neither operations nor their sizes depend on the batch, nothing is sent to the device, and
    nothing waits for it: what a capture on a GPU requires.
    """
    attention = pytest.importorskip("spacy_deberta.nn.attention.triton.attention")
    launches, recorded = Launches(), []
    monkeypatch.setattr(attention, "forward_kernel", launches)
    monkeypatch.setattr(attention, "check_device", lambda device: None)

    def record(self, work):
        def replay():
            launches.seen.clear()
            with Operations() as operations:
                work()
            recorded.append((operations.seen, list(launches.seen)))

        return replay

    monkeypatch.setattr(Again, "record", record)
    model.attention = "triton"
    for seed, lengths in enumerate([LENGTHS, LENGTHS, [31, 5, 34], [64, 6], [1] * 5 + [63]]):
        _predict(model, _pieces(lengths, seed=seed))
    assert len(recorded) == 4
    assert recorded == [recorded[0]] * 4
    operations, kernels = recorded[0]
    assert len(kernels) == model.config.num_hidden_layers
    moves = {"aten::_to_copy", "aten::_local_scalar_dense", "aten::nonzero", "aten::_pin_memory"}
    assert not moves & {name for name, _ in operations}
