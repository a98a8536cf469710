"""A pipeline on a CUDA device."""

import numpy as np
import pytest
import spacy

from benchmarks.gpu.waits import count_waits
from tests.pipeline.pipelines import FACTORIES, TRAIN_DATA, make_examples, make_pipeline, rows

pytestmark = pytest.mark.gpu
TEXTS = [text for text, _ in TRAIN_DATA]


@pytest.fixture
def on_gpu():
    pytest.importorskip("cupy")
    spacy.require_gpu()
    yield
    spacy.require_cpu()


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("factory", FACTORIES)
def test_training_on_a_gpu_and_using_it_on_a_cpu(
    factory, precision, tiny_checkpoint, tmp_path, on_gpu
):
    spacy.util.fix_random_seed(0)
    nlp = make_pipeline(tiny_checkpoint, factory=factory, precision=precision)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    optimizer.learn_rate = 0.003
    history = []
    for _ in range(60):
        losses = nlp.update(make_examples(nlp), sgd=optimizer, losses={}, drop=0.1)
        history.append(losses["ner"])
    assert np.mean(history[-3:]) < 0.5 * np.mean(history[:3])
    expected = [array.get() for array in rows(nlp, TEXTS)]
    nlp.to_disk(tmp_path)
    spacy.require_cpu()
    for found, wanted in zip(rows(spacy.load(tmp_path), TEXTS), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-3 if precision == "fp32" else 0.2)


@pytest.mark.parametrize("own_device", [False, True])
def test_a_batch_waits_for_the_gpu_once_at_most(own_device, tiny_checkpoint, request):
    """Counted by the profiler; with `device`, CuPy is not needed."""
    if not own_device:
        request.getfixturevalue("on_gpu")
    device = "cuda" if own_device else None
    nlp = make_pipeline(tiny_checkpoint, heads=(), device=device)
    nlp.initialize(lambda: make_examples(nlp))
    assert count_waits(nlp, TEXTS * 8, batch_size=8) <= 1
