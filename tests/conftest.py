"""Paths of the real data, and what every test starts from."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SPACY_DEBERTA_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_collection_modifyitems(items):
    """Skip the tests marked `gpu` on a machine that has none."""
    import torch

    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip where the checkout stands alone."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("needs the folder of real data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def v3_vocabulary(shared_data) -> Path:
    """The genuine SentencePiece model of microsoft/deberta-v3-*."""
    return shared_data / "deberta_v3_tokenizer" / "spm.model"
