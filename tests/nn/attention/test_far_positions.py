"""Sequences of more than 512 pieces with the authors' rule, which Hugging Face lacks."""

import math

import pytest
import torch

from spacy_deberta.nn import ATTENTION_KERNELS
from tests import huggingface
from tests.nn.common import close, model_like, padded_batch


def _plain_slot(distance):
    """The authors' rule for one distance of the official models."""
    distance = max(-511, min(511, distance))
    if abs(distance) <= 128:
        return distance + 256
    steps = math.ceil(math.log(abs(distance) / 128) / math.log(511 / 128) * 127)
    return int(math.copysign(steps + 128, distance)) + 256


@pytest.mark.slow
@pytest.mark.parametrize("attention", ATTENTION_KERNELS)
def test_attention_by_the_formula(attention):
    length, heads, width = 600, 4, 8
    model = model_like(attention=attention)
    ids, _ = padded_batch([length])
    with torch.no_grad():
        output = model(ids, output_hidden_states=True, output_attentions=True)
        part = model.encoder.layer[0].attention.self
        rows = output.hidden_states[0][0]
        table = model.encoder.LayerNorm(model.encoder.rel_embeddings.weight)
        q, k = (f(rows).view(length, heads, width) for f in (part.query_proj, part.key_proj))
        pq, pk = (f(table).view(-1, heads, width) for f in (part.query_proj, part.key_proj))
        slots = torch.tensor([[_plain_slot(i - j) for j in range(length)] for i in range(length)])
        scores = torch.einsum("ihd,jhd->hij", q, k)
        scores += torch.einsum("ihd,ijhd->hij", q, pk[slots])
        scores += torch.einsum("jhd,ijhd->hij", k, pq[slots])
        expected = (scores / math.sqrt(3 * width)).softmax(-1)
    close(output.attentions[0][0], expected, 1e-5)


@pytest.mark.parametrize("attention", ATTENTION_KERNELS)
def test_whole_model_with_clamped_distances(monkeypatch, attention):
    modeling = pytest.importorskip("transformers.models.deberta_v2.modeling_deberta_v2")
    buckets = modeling.make_log_bucket_position
    monkeypatch.setattr(
        modeling,
        "make_log_bucket_position",
        lambda distances, size, most: buckets(distances.clamp(1 - most, most - 1), size, most),
    )
    ids, mask = padded_batch([600])
    with torch.no_grad():
        expected = huggingface.shared_model()(ids, attention_mask=mask).last_hidden_state
        actual = model_like(attention=attention)(ids, mask).last_hidden_state
        other = model_like(far_positions="huggingface")(ids, mask).last_hidden_state
    close(actual, expected, 1e-5)
    assert (other - expected).abs().max() > 1e-3, "the two rules have to differ here"
