import pytest

from .gliners import CHECKPOINT, read_expected


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "gliner" / CHECKPOINT


@pytest.fixture(scope="module")
def expected(folder):
    return read_expected(folder)
