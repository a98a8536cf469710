"""Memory that is given back to the system, by Linux's own figures."""

import mmap
from pathlib import Path

import pytest

from spacy_deberta.files import memory, page_out
from tests.residency import flush, resident_bytes

SIZE = 256 * mmap.PAGESIZE

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
