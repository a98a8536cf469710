"""Untrusted `.bin` files: no code is run, nothing crashes, and memory is bounded.

Short here; `make fuzz` runs 5,000 for each form, as docs/reliability.md says.
"""

import os
import random
import resource
import tracemalloc
from collections import Counter

import pytest
import torch

from spacy_deberta.checkpoints import read_weights
from tests.fuzz.bin_files import FORMS, attack, write_files
from tests.fuzz.sandbox import FORBIDDEN_EVENTS, Garbage, run_seeds

LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
SEEDS = range(5_000) if LONG else range(150)
# The shortest value of a pickle takes one byte, and the Python object that it describes 50 to 200.
MEMORY_PER_BYTE = 300
# Messages, tracebacks and what zipfile takes for a directory.
MEMORY = 2_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that may die"),
]


@pytest.fixture(scope="module")
def tensors():
    draw = torch.Generator().manual_seed(3)
    shared = torch.rand(40, 8, generator=draw)
    return {
        "embeddings.word_embeddings.weight": torch.rand(300, 8, generator=draw),
        "half": torch.rand(20, 8, generator=draw).half(),
        "bf16": torch.rand(20, 8, generator=draw).bfloat16(),
        "integers": torch.arange(30).reshape(5, 6),
        "mask": torch.tensor([True, False]),
        "shared": shared,
        "a part of it": shared[3:9, ::2],
        "transposed": shared.T,
        "nothing": torch.empty(0, 4),
    }


@pytest.mark.parametrize("form", FORMS)
def test_no_code_no_crash_and_no_more_memory_than_the_file(form, tensors, tmp_path):
    paths = write_files(tmp_path / "files", tensors, form=form)
    whole = {path: path.read_bytes() for path in paths}
    read = read_weights(paths)
    assert all(read[key].equal(tensor) for key, tensor in tensors.items())
    proof = tmp_path / "proof"

    def run(seed):
        rng = random.Random(f"{form}-{seed}")
        for path, content in whole.items():
            path.unlink()
            path.write_bytes(content)
        target = rng.choice(paths)
        target.write_bytes(attack(rng, whole[target], proof))
        size = sum(path.stat().st_size for path in paths)
        tracemalloc.start()
        try:
            for tensor in read_weights(paths).values():
                tensor.to(torch.float64, copy=True).sum().item()
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            if proof.exists():
                raise Garbage("code was run")
            if peak > MEMORY + MEMORY_PER_BYTE * size:
                raise Garbage(f"{peak:,} bytes for {size:,}")

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    outcomes = run_seeds(
        run,
        SEEDS,
        writable=tmp_path,
        seconds=120.0,
        memory=256 * 2**20,
        forbidden=(*FORBIDDEN_EVENTS, "pickle.find_class"),
    )
    counts = Counter(outcome.kind for outcome in outcomes)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(form, dict(counts), f"peak of a child {after:,} kB, before {before:,}")
    failures = [outcome for outcome in outcomes if outcome.failed]
    assert not failures, "\n".join(f"{o.kind}, seed {o.seed}: {o.detail}" for o in failures[:20])
    assert counts["coded"] > len(SEEDS) / 2
