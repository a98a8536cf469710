"""The choice of "auto", and prediction with int8 quantization."""

import numpy as np
import pytest
import spacy
import torch

from spacy_deberta.nn import Precision
from tests.pipeline.pipelines import TRAIN_DATA, make_examples, make_pipeline

CPU = torch.device("cpu")
TEXTS = [text for text, _ in TRAIN_DATA]


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_is_bf16_where_it_is_fast(has_bf16, expected, monkeypatch):
    monkeypatch.setattr("spacy_deberta.nn.ops.processor.has_bf16", lambda: has_bf16)
    assert Precision.named("auto", CPU) == Precision.named(expected, CPU)
    for name, dtype in (
        ("fp32", torch.float32),
        ("bf16", torch.bfloat16),
        ("fp16", torch.float16),
    ):
        assert Precision.named(name, CPU) == Precision(compute=dtype, weights=dtype)
    rest = Precision.named("auto", CPU).compute
    assert Precision.named("int8", CPU) == Precision(rest, torch.int8)
    assert Precision.named("int8", CPU).of_training == Precision.named("fp32", CPU)


def test_a_processor_is_asked_for_what_it_has():
    for name in ("has_bf16", "has_vnni"):
        from spacy_deberta.nn.ops import processor

        assert isinstance(getattr(processor, name)(), bool)


def _in_fp32(nlp, checkpoint):
    """The same weights, in a pipeline that predicts in float32."""
    exact = make_pipeline(checkpoint, factory="deberta", precision="fp32")
    return exact.from_bytes(nlp.to_bytes())


def _rows(nlp):
    return np.concatenate([doc._.trf_data.tensors[0][0] for doc in nlp.pipe(TEXTS)])


def test_weights_of_8_bits_are_for_prediction_only(tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, factory="deberta", precision="int8")
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    found = _rows(nlp)
    exact = _rows(_in_fp32(nlp, tiny_checkpoint))
    error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert 0 < error < 0.1
    # The float32 weights are trained and saved; the copy predicts in int8 again.
    losses: dict[str, float] = {}
    nlp.update(make_examples(nlp), sgd=optimizer, losses=losses)
    nlp.update(make_examples(nlp), sgd=optimizer, losses=losses)
    assert not np.array_equal(_rows(nlp), found)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    np.testing.assert_allclose(_rows(loaded), _rows(nlp), atol=1e-5)
    assert np.linalg.norm(_rows(loaded) - _rows(_in_fp32(loaded, tiny_checkpoint))) > 0


def test_bf16_and_int8_hardly_change_what_is_found(tiny_checkpoint):
    rows = {}
    for precision in ("fp32", "bf16", "int8"):
        nlp = make_pipeline(tiny_checkpoint, factory="deberta", precision=precision)
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        rows[precision] = _rows(nlp)
        assert rows[precision].dtype == np.float32
    size = np.linalg.norm(rows["fp32"])
    for precision in ("bf16", "int8"):
        assert 0 < np.linalg.norm(rows[precision] - rows["fp32"]) / size < 0.1
