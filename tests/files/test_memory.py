"""Memory that is given back to the system, by Linux's own figures."""

import mmap
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from spacy_deberta.files import memory, page_out
from tests.residency import flush, resident_bytes

SIZE = 256 * mmap.PAGESIZE

# Prints the pages that the system fills with zeros while 48 MB are used and freed again and again.
FAULTS = """
import resource, sys, torch
from spacy_deberta.files import keep_freed_memory

def use():
    blocks = [torch.ones(2**21) for _ in range(6)]

keep_freed_memory(int(sys.argv[1]))
keep_freed_memory(1)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="sets a parameter of glibc"
)
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="reads Linux's figures"
)


@pytest.fixture
def mapped(tmp_path):
    """A private mapping of a file of sevens, and its address."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "sevens"
    path.write_bytes(b"\7" * SIZE)
    flush(path)
    with path.open("rb") as file:
        content = torch.frombuffer(
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), dtype=torch.uint8
        )
    return path, content


@needs_linux
def test_pages_are_given_back_and_read_again(mapped):
    path, content = mapped
    assert int(content.sum()) == 7 * SIZE
    assert resident_bytes(path) == SIZE
    page_out(content.data_ptr(), content.data_ptr() + SIZE)
    assert resident_bytes(path) == 0
    assert int(content.sum()) == 7 * SIZE


def test_pages_that_were_written_to_keep_their_values(mapped):
    _, content = mapped
    content[:100] = 1
    page_out(content.data_ptr(), content.data_ptr() + SIZE)
    assert int(content.sum()) == 100 + 7 * (SIZE - 100)


def test_nothing_happens_on_other_systems(mapped, monkeypatch):
    _, content = mapped
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    memory._system_function.cache_clear()
    try:
        page_out(content.data_ptr(), content.data_ptr() + SIZE)
        memory.trim_heap()
    finally:
        memory._system_function.cache_clear()
    assert int(content.sum()) == 7 * SIZE


def count_faults(kept, **environment):
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, str(kept)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return int(done.stdout)


@needs_glibc
def test_freed_memory_is_kept_for_the_next_blocks():
    """Up to the largest size that was asked for.

    How many pages glibc gives back by itself depends on the blocks of before, so the control is the
    next test.
    """
    pages = 10 * 6 * 2**23 // mmap.PAGESIZE
    assert count_faults(2**28) < pages / 10


@needs_glibc
def test_what_users_set_in_the_environment_stays():
    pages = 10 * 6 * 2**23 // mmap.PAGESIZE
    assert count_faults(2**28, MALLOC_TRIM_THRESHOLD_="131072") > pages / 2
