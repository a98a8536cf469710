"""Every kernel against `reference`: values, gradients, probabilities."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_deberta.nn import ATTENTION_KERNELS, DebertaV2Config, resolve_attention
from spacy_deberta.nn.attention import BatchLayout, grouping
from spacy_deberta.nn.attention.grouping import group_similar, plan_groups
from spacy_deberta.nn.relative_positions import slot_table
from tests.nn.common import attend, close

CONFIG = DebertaV2Config(
    relative_attention=True, position_buckets=8, max_position_embeddings=24, vocab_size=9
)
HEADS, HEAD_DIM = 3, 4
OTHERS = [name for name in ATTENTION_KERNELS if name != "reference"]
LENGTHS = st.lists(st.integers(0, 40), max_size=7)


def _layout(lengths, *, relative=True):
    sums = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    longest = max(lengths, default=0)
    slots = slot_table(longest, CONFIG, torch.device("cpu")) if relative and longest else None
    return BatchLayout(tuple(lengths), torch.tensor(sums, dtype=torch.int32), HEADS, slots)


def _inputs(lengths, *, c2p, p2c, dtype=torch.float64, grad=True):
    layout = _layout(lengths, relative=c2p or p2c)
    generator = torch.Generator().manual_seed(len(lengths) + sum(lengths))

    def draw(rows):
        values = torch.randn(rows, HEADS, HEAD_DIM, generator=generator, dtype=torch.float64)
        return values.to(dtype).requires_grad_(grad)

    slots = layout.slots.stop - layout.slots.start if layout.slots else 0
    tables = [draw(slots) if wanted and slots else None for wanted in (c2p, p2c)]
    return layout, [*(draw(sum(lengths)) for _ in range(3)), *tables]


def _run(name, layout, tensors, **options):
    kernel = ATTENTION_KERNELS[name]
    return attend(kernel, tensors, kernel.plan(layout), scale=0.3, **options)


@pytest.mark.parametrize("name", OTHERS)
@given(lengths=LENGTHS, c2p=st.booleans(), p2c=st.booleans())
@settings(max_examples=60, deadline=None)
def test_values_and_gradients(name, lengths, c2p, p2c):
    results = []
    for kernel in ("reference", name):
        layout, tensors = _inputs(lengths, c2p=c2p, p2c=p2c)
        context, _ = _run(kernel, layout, tensors)
        weights = torch.linspace(-1, 1, context.numel(), dtype=context.dtype)
        (context.flatten() * weights).sum().backward()
        # Without pieces, gradients may be missing.
        grads = [x.grad if sum(lengths) else x for x in tensors if x is not None]
        results.append([context, *grads])
    for actual, expected in zip(*results, strict=True):
        close(actual, expected, 1e-10)


@pytest.mark.parametrize("name", OTHERS)
@given(lengths=LENGTHS, c2p=st.booleans(), p2c=st.booleans(), limit=st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_without_gradients(name, lengths, c2p, p2c, limit):
    layout, tensors = _inputs(lengths, c2p=c2p, p2c=p2c, grad=False)
    expected, attentions = _run("reference", layout, tensors, return_attentions=True)
    with pytest.MonkeyPatch.context() as patch:
        # Small limits split groups, down to one sequence and one head at a time.
        patch.setattr(grouping, "_SCORES_CPU", limit)
        close(_run(name, layout, tensors)[0], expected, 1e-10)
        context, probabilities = _run(name, layout, tensors, return_attentions=True)
    close(context, expected, 1e-10)
    for actual, wanted in zip(probabilities, attentions, strict=True):
        close(actual, wanted, 1e-10)


@pytest.mark.parametrize("name", ATTENTION_KERNELS)
def test_one_pair_by_hand(name):
    layout, (q, k, v, pk, pq) = _inputs([30], c2p=True, p2c=True)
    _, (probabilities,) = _run(name, layout, (q, k, v, pk, pq), return_attentions=True)
    i, rows = 28, layout.slots.rows
    scores = torch.empty(HEADS, 30, dtype=torch.float64)
    for head in range(HEADS):
        for j in range(30):
            row = rows[i - j + 29]
            content = q[i, head] @ k[j, head]
            positions = q[i, head] @ pk[row, head] + k[j, head] @ pq[row, head]
            scores[head, j] = 0.3 * (content + positions)
    close(probabilities[:, i], scores.softmax(-1), 1e-12)


@pytest.mark.parametrize("name", ATTENTION_KERNELS)
def test_sequences_do_not_meet(name):
    layout, tensors = _inputs([7, 9, 8], c2p=True, p2c=True, grad=False)
    before, _ = _run(name, layout, tensors)
    changed = [rows.clone() for rows in tensors]
    for rows in changed[:3]:
        rows[7:16] += 3.0
    after, _ = _run(name, layout, changed)
    assert torch.equal(after[:7], before[:7])
    assert torch.equal(after[16:], before[16:])
    assert not torch.allclose(after[7:16], before[7:16])


@pytest.mark.parametrize("name", ATTENTION_KERNELS)
@pytest.mark.parametrize("grad", [False, True])
def test_dropout(name, grad):
    layout, tensors = _inputs([40, 37], c2p=True, p2c=True, grad=grad)
    torch.manual_seed(0)
    _, probabilities = _run(name, layout, tensors, dropout=0.25, return_attentions=True)
    dropped = torch.cat([(p == 0).flatten() for p in probabilities]).double().mean()
    assert 0.2 < float(dropped) < 0.3
    context, _ = _run(name, layout, tensors)
    assert torch.equal(context, _run(name, layout, tensors)[0])
    assert not torch.equal(context, _run(name, layout, tensors, dropout=0.25)[0])


@pytest.mark.parametrize("lengths", [[5, 5], [200, 300, 1, 290]])
@pytest.mark.parametrize(("c2p", "p2c"), [(True, True), (True, False), (False, True), (False,) * 2])
def test_gradients_on_cpus_are_those_of_autograd(lengths, c2p, p2c):
    """With probabilities as an output, torch differentiates; with the same dropout."""
    results = []
    for return_attentions in (False, True):
        layout, tensors = _inputs(lengths, c2p=c2p, p2c=p2c)
        torch.manual_seed(3)
        options = {"dropout": 0.3, "return_attentions": return_attentions}
        context, _ = _run("strided", layout, tensors, **options)
        (context * torch.linspace(-1, 1, HEAD_DIM)).sum().backward()
        results.append([context, *(x.grad for x in tensors if x is not None)])
    for actual, expected in zip(*results, strict=True):
        close(actual, expected, 1e-10)


@pytest.mark.parametrize("name", ATTENTION_KERNELS)
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_does_not_overflow(name, dtype, grad):
    layout, tensors = _inputs([33, 40], c2p=True, p2c=True, dtype=dtype, grad=grad)
    large = [rows * 20.0 for rows in tensors]
    context, _ = _run(name, layout, large)
    assert context.dtype == dtype
    assert bool(context.isfinite().all())


@given(lengths=st.lists(st.integers(0, 300), max_size=40), limit=st.integers(1, 10**6))
def test_groups(lengths, limit):
    groups = group_similar(lengths, scores_per_group=limit, scores_if_padded=limit // 4)
    members = sorted(index for group in groups for index in group)
    assert members == [index for index, length in enumerate(lengths) if length]
    for group in groups:
        longest = max(lengths[index] for index in group)
        for index in group:
            assert longest - lengths[index] <= max(8, longest / 8)
        padded = len({lengths[index] for index in group}) > 1
        scores = len(group) * longest * (2 * longest - 1)
        assert len(group) == 1 or scores <= (limit // 4 if padded else limit)


def test_equal_lengths_are_taken_as_they_are():
    plan = plan_groups(_layout([12, 12, 12]))
    assert len(plan.groups) == 1
    assert plan.rows is plan.restore is None
    assert plan.groups[0].padding is None


def test_scores_are_bounded(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    per_head = 12 * (2 * 12 - 1)
    for limit, groups, heads in (
        (9 * per_head, 1, {3}),
        (4 * per_head, 2, {2, 3}),
        (per_head, 3, {1}),
    ):
        monkeypatch.setattr(grouping, "_SCORES_CPU", limit)
        plan = plan_groups(_layout([12, 12, 12]))
        assert len(plan.groups) == groups
        assert {group.heads for group in plan.groups} == heads


@pytest.mark.parametrize(
    ("threads", "limit", "heads"), [(2, 1, 2), (3, 1, 2), (3, 2, 3), (1, 1, 1)]
)
def test_cores_have_a_head_each_within_twice_the_memory(monkeypatch, threads, limit, heads):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(grouping, "_SCORES_CPU", limit * 12 * (2 * 12 - 1))
    assert plan_groups(_layout([12])).groups[0].heads == heads


def test_resolve():
    assert resolve_attention("auto").name == "strided"
    assert resolve_attention("reference", "cpu", torch.bfloat16).name == "reference"
    with pytest.raises(ValueError, match=r"E113.*'flash'.*auto, reference, strided, triton"):
        resolve_attention("flash")


@pytest.mark.parametrize(
    ("device", "dtype", "head_dim", "capability", "expected"),
    [
        ("cuda", torch.bfloat16, 64, (9, 0), "triton"),
        ("cuda", torch.float16, 32, (9, 0), "triton"),
        ("cuda", torch.float16, 32, (10, 0), "strided"),
        ("cuda", torch.float32, 64, (9, 0), "strided"),
        ("cuda", torch.bfloat16, 48, (9, 0), "strided"),
        ("cuda", torch.bfloat16, None, (9, 0), "strided"),
        ("cuda", torch.bfloat16, 64, (8, 0), "strided"),
        ("cpu", torch.bfloat16, 64, (9, 0), "strided"),
    ],
)
def test_auto_is_what_was_measured(device, dtype, head_dim, capability, expected, monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_attention("auto", device, dtype, head_dim).name == expected


def test_auto_on_a_machine_without_triton(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr("spacy_deberta.nn.attention.triton.support.find_spec", lambda name: None)
    assert resolve_attention("auto", "cuda", torch.bfloat16, 64).name == "strided"


@pytest.mark.parametrize(("release", "name"), [("3.3.1", "strided"), ("3.4.0+git1a", "triton")])
def test_auto_with_a_release_of_triton(release, name, monkeypatch):
    """That of PyTorch 2.4 to 2.7 lacks what the kernels are written with."""
    triton = pytest.importorskip("triton")
    monkeypatch.setattr(triton, "__version__", release)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert resolve_attention("auto", "cuda", torch.bfloat16, 64).name == name
    if name == "strided":
        with pytest.raises(ImportError, match=r"E122.*Triton is 3\.3\.1, older than 3\.4"):
            resolve_attention("triton")
