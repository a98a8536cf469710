"""Memory with batches of many lengths, for whose shapes oneDNN caches compiled primitives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spacy_deberta.nn.inference import row_blocks
from spacy_deberta.nn.inference.primitive_cache import CAPACITY, bound_primitive_caches
from spacy_deberta.nn.inference.row_blocks import BLOCK, by_blocks, rounded

STATM = Path("/proc/self/statm")
SETTINGS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
# Prints the memory in MiB after a number of batches of different lengths, and after all of them.
SOAK = """
import os, random, sys
import torch
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, PackedPieces, Precision

precision, training = sys.argv[1], sys.argv[2] == "training"
warm_up, batches = map(int, sys.argv[3:])
torch.set_num_threads(1)
config = DebertaV2Config.from_dict({"model_type": "deberta-v2", "vocab_size": 99, "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256})
model = DebertaV2Model(config).train(training)
cpu = torch.device("cpu")
in_precision = Precision.named(precision, cpu)
lengths = list(range(1, batches + 1))
random.Random(0).shuffle(lengths)
for number, length in enumerate(lengths, start=1):
    pieces = PackedPieces.from_lengths(torch.randint(5, 99, (length,)), [length])
    with torch.set_grad_enabled(training), in_precision.active(cpu):
        rows = model.forward_packed(pieces).last_hidden_state
    if training:
        rows.float().sum().backward()
    if number in (warm_up, batches):
        with open("/proc/self/statm") as statm:
            print(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


needs_proc = pytest.mark.skipif(not STATM.exists(), reason="needs /proc")


def soak(precision, what, *counts, **settings):
    """Memory in MiB after each of two numbers of batches, in a process of its own."""
    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("needs a processor with AVX512")
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", SOAK, precision, what, *map(str, counts)],
        check=True,
        capture_output=True,
        text=True,
        env={**kept, **settings},
    )
    return [float(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_memory_stays_flat_with_batches_of_all_lengths(precision):
    first, last = soak(precision, "prediction", 200, 400)
    assert last < 1.15 * first


@pytest.mark.slow
@needs_proc
def test_training_keeps_less_than_half_of_what_onednn_would():
    _, unbounded = soak("bf16", "training", 1, 100, **dict.fromkeys(SETTINGS, "1024"))
    imports, bounded = soak("bf16", "training", 1, 100)
    assert bounded - imports < (unbounded - imports) / 2


def test_settings_of_the_user_are_kept(monkeypatch):
    monkeypatch.setenv("DNNL_PRIMITIVE_CACHE_CAPACITY", "7")
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    monkeypatch.delenv("LRU_CACHE_CAPACITY", raising=False)
    bound_primitive_caches()
    assert "ONEDNN_PRIMITIVE_CACHE_CAPACITY" not in os.environ
    assert os.environ["LRU_CACHE_CAPACITY"] == str(CAPACITY)


def test_rows_are_rounded_to_few_sizes_by_seven_or_an_eighth_at_most():
    sizes = [rounded(rows) for rows in range(BLOCK + 1)]
    assert len(set(sizes[1:])) == 40
    assert all(rows <= size <= max(rows + 7, 1.125 * rows) for rows, size in enumerate(sizes))


@pytest.mark.parametrize("has_amx", [False, True])
def test_rows_of_a_block_by_dtype(has_amx, monkeypatch):
    monkeypatch.setattr(row_blocks, "has_amx", lambda: has_amx)
    sizes = [
        row_blocks.rows_per_block(dtype) for dtype in (torch.float32, torch.bfloat16, torch.int8)
    ]
    assert sizes == [BLOCK, 256 if has_amx else BLOCK, 512]


@pytest.mark.parametrize("rows", [0, 1, 9, 33, BLOCK, BLOCK + 1, 2 * BLOCK + 9])
def test_blocks_are_of_few_sizes_and_change_no_row(rows):
    seen = []

    def function(one, other):
        seen.append(len(one))
        return one + other, 2 * one

    one, other = torch.randn(rows, 3), torch.randn(rows, 3)
    found = by_blocks(function, one, other)
    assert torch.equal(found[0], one + other)
    assert torch.equal(found[1], 2 * one)
    assert all(size in (0, BLOCK, rounded(size)) and size <= BLOCK for size in seen)
