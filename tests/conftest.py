"""Paths of the real data, and small models for all tests."""

import os
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.real_data import read_docs

# Without a GPU, Triton kernels run in its interpreter. Triton reads this when it is imported.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

SHARED = Path(os.environ.get("SPACY_DEBERTA_SHARED", Path(__file__).parents[2] / "shared"))

# Timing varies with the load of the machine: a slow example is not a failure.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# Enough different words for a vocabulary of some hundred pieces.
SENTENCES = (
    "Mira Okafor left Halden Freight in Rotterdam on Friday after nine years.",
    "The committee adopted the report of the European Parliament without a vote.",
    "I waited forty minutes for a lukewarm soup, and the waiter never apologised.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "Can you send me the slides before Monday? We meet Sanjay at the station in Lyon.",
    "Nobody expected the small team from Porto to win the cup in extra time!",
    "The camera of the new phone is superb, but its battery dies before lunch.",
    "In 1869 Dmitri Mendeleev published a table of sixty-three known elements.",
    "Prices rose by 2.5% in March, the bank in Frankfurt said on Thursday.",
    "She grew up in a village near Cusco and studied medicine in Montréal.",
)


def pytest_collection_modifyitems(items):
    """Skip tests whose requirements are missing."""
    has_stock = find_spec("spacy_transformers") is not None
    lacking = {
        "gpu": (torch.cuda.is_available(), "needs a CUDA device"),
        "stock": (has_stock, "needs spacy-transformers"),
        "without_stock": (not has_stock, "needs an environment without spacy-transformers"),
    }
    for item in items:
        for mark, (is_there, reason) in lacking.items():
            if item.get_closest_marker(mark) and not is_there:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def the_same_precision_everywhere(monkeypatch):
    """Compute in float32 by default, also on processors with bf16 instructions."""
    monkeypatch.setattr("spacy_deberta.nn.ops.processor.has_bf16", lambda: False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip if there is none."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("needs the folder of real data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def v3_vocabulary(shared_data) -> Path:
    """The original SentencePiece model of microsoft/deberta-v3-*."""
    return shared_data / "deberta_v3_tokenizer" / "spm.model"


@pytest.fixture(scope="session")
def v3_tokenizer(v3_vocabulary):
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    return DebertaV2Tokenizer(vocab_file=v3_vocabulary)


@pytest.fixture(scope="session")
def real_docs(shared_data):
    """A function from the name of a corpus to its documents."""
    return cache(lambda corpus: read_docs(shared_data, corpus))


@pytest.fixture(scope="session")
def tiny_vocabulary(tmp_path_factory) -> Path:
    """A SentencePiece model in DeBERTa's layout, trained on a few sentences."""
    from spacy_deberta.tokenization import train_vocabulary

    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    train_vocabulary(SENTENCES, path, vocab_size=400)
    return path


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_vocabulary):
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    return DebertaV2Tokenizer(vocab_file=tiny_vocabulary)


@pytest.fixture(scope="session")
def tiny_config():
    """The values of a config.json in the layout of v3, small."""
    return {
        "model_type": "deberta-v2",
        "vocab_size": 450,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "relative_attention": True,
        "position_buckets": 256,
        "max_relative_positions": -1,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": "p2c|c2p",
        "layer_norm_eps": 1e-7,
        "position_biased_input": False,
        "type_vocab_size": 0,
        "pad_token_id": 0,
        "initializer_range": 0.2,
    }


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer) -> Path:
    """A checkpoint folder with random weights."""
    import torch

    from spacy_deberta.checkpoints import save_checkpoint
    from spacy_deberta.models import DebertaV2Model
    from spacy_deberta.nn import DebertaV2Config

    config = DebertaV2Config.from_dict(tiny_config)
    model = DebertaV2Model(config)
    model.init_weights(torch.Generator().manual_seed(7))
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_checkpoint(
        folder, config=tiny_config, weights=model.state_dict(), tokenizer=tiny_tokenizer
    )
    return folder


@pytest.fixture
def map_small_files(monkeypatch):
    """Map the weights of small files, too."""
    monkeypatch.setattr("spacy_deberta.models.loading.filling.MIN_MAPPED_BYTES", 0)


@pytest.fixture(scope="module")
def chromium():
    """Headless Chromium by Playwright, or a skip: `make browser` installs both."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
