"""The kernels with bands of scores in memory against `reference`, as those of `triton`."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_deberta.nn import resolve_attention
from tests.nn.attention import test_triton_attention as common
from tests.nn.attention.test_triton_attention import DEVICE, NEAR, OFFICIAL
from tests.nn.attention.triton_interpreter import exact_bfloat16
from tests.nn.common import attend

pytest.importorskip("triton")
from spacy_deberta.nn.attention.triton.band_attention import BandAttention

pytestmark = pytest.mark.slow
SMALL = BandAttention(block=16)


@pytest.fixture(autouse=True)
def _exact_bfloat16(monkeypatch):
    if DEVICE.type == "cpu":
        exact_bfloat16(monkeypatch)


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    terms=st.tuples(st.booleans(), st.booleans()),
    elements=st.sampled_from([1, 2**12, 2**29]),
)
@settings(max_examples=8)
def test_values_and_gradients(lengths, terms, elements):
    """Of both terms, one or none, in one part or many."""
    c2p, p2c = terms
    layout = common._layout(lengths, NEAR, relative=c2p or p2c)
    kernel = replace(SMALL, elements=elements)
    common._compare(kernel, layout, *common._draw(layout, c2p=c2p, p2c=p2c))


def test_plan_of_a_prediction():
    common.check_plan_of_a_prediction(SMALL)


def test_far_tiles_and_lengths_beyond_the_buckets():
    layout = common._layout([70, 5], NEAR, heads=2)
    common._compare(SMALL, layout, *common._draw(layout))
    layout = common._layout([700, 3], OFFICIAL)
    block = 128 if DEVICE.type == "cpu" else 64
    common._compare(BandAttention(block=block), layout, *common._draw(layout))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 2**-6), (torch.float16, 2**-9)])
def test_half_precision(dtype, bound):
    """Twice the bound of `triton`: the scores of positions are rounded when they are written."""
    layout = common._layout([50, 9], NEAR)
    tensors, weights = common._draw(layout)
    common._compare(SMALL, layout, tensors, weights, dtype=dtype, bound=bound)


def test_dropout_is_that_of_triton():
    layout = common._layout([40, 24], NEAR, heads=2)
    tensors, weights = common._draw(layout)
    found = []
    for kernel in (SMALL, common.SMALL):
        torch.manual_seed(3)
        options = {"dtype": torch.float32, "dropout": 0.25}
        found.append(common._run(kernel, layout, tensors, weights, **options))
    for actual, expected in zip(*found, strict=True):
        common.close(actual, expected, 1e-5 * max(1.0, expected.abs().max().item()))


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_sequences_do_not_meet():
    layout = common._layout([7, 17, 8], NEAR)
    tensors, weights = common._draw(layout)
    run = {"dtype": torch.float32, "grad": False}
    (before,) = common._run(SMALL, layout, tensors, weights, **run)
    changed = [x.clone() for x in tensors]
    for rows in changed[:3]:
        rows[7:24] = float("nan")
    (after,) = common._run(SMALL, layout, changed, weights, **run)
    assert torch.equal(after[:7], before[:7])
    assert torch.equal(after[24:], before[24:])


def test_it_is_chosen_by_name_and_refuses_what_it_has_no_kernels_for():
    kernel = resolve_attention("bands")
    layout = common._layout([5], NEAR)
    tensors, _ = common._draw(layout, head_dim=48)
    with pytest.raises(ValueError, match=r"E123.*'bands'.*heads of 48"):
        attend(kernel, [x.float() for x in tensors], kernel.plan(layout), scale=0.1)


def test_compiles_for_a_gpu(tmp_path):
    arguments = ["-m", "tests.nn.attention.triton_compile", "bfloat16", "64", "c2p|p2c", "0.1"]
    result = common._python(*arguments, "bands", TRITON_CACHE_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    shared = json.loads(result.stdout)
    products = {"band_kernel", "row_product_kernel", "table_product_kernel"}
    assert shared.keys() == products | {
        "forward_kernel",
        "query_gradient_kernel",
        "key_gradient_kernel",
    }
    assert max(shared.values()) <= 227 * 1024
