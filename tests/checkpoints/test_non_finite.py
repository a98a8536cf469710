"""Weights with NaN or infinity, in every format, mapped or read."""

import pytest
import spacy
import torch

from spacy_deberta.models import (
    DebertaV2ForMaskedLM,
    DebertaV2Model,
    convert_checkpoint,
    describe_checkpoint,
)
from spacy_deberta.models.loading import filling
from tests.checkpoints.folders import prefixed

DENSE = "encoder.layer.1.output.dense.weight"
WORDS = "embeddings.word_embeddings.weight"
IDS = torch.tensor([[5, 6, 7]])


@pytest.fixture(params=[0, 10**9], ids=["mapped", "read"])
def mapped(request, monkeypatch):
    monkeypatch.setattr(filling, "MIN_MAPPED_BYTES", request.param)
    return request.param == 0


def with_value(weights, key, value, *, row=0, dtype=torch.float32):
    changed = {name: tensor.to(dtype) for name, tensor in weights.items()}
    changed[key] = changed[key].clone()
    changed[key][row, 0] = value
    return changed


def load_and_run(folder, ids=IDS, **options):
    with torch.no_grad():
        return DebertaV2Model.from_pretrained(folder, **options)(ids).last_hidden_state


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin", "legacy bin"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite(form, value, mapped, make_checkpoint, weights):
    folder = make_checkpoint(weights=with_value(weights, DENSE, value), form=form)
    with pytest.raises(ValueError, match=f"E328.*{DENSE}"):
        load_and_run(folder)
    assert not load_and_run(folder, allow_non_finite=True).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype, mapped, make_checkpoint, weights):
    changed = with_value(weights, DENSE, float("inf"), dtype=dtype)
    with pytest.raises(ValueError, match=f"E328.*{DENSE}"):
        load_and_run(make_checkpoint(weights=changed))


def test_large_numbers_are_finite(mapped, make_checkpoint, weights):
    """Their sum is not."""
    changed = with_value(weights, WORDS, 3e38, row=10)
    changed[WORDS][11, 0] = 3e38
    load_and_run(make_checkpoint(weights=changed))


def test_rows_of_a_mapped_table_are_checked_when_they_are_looked_up(
    mapped, make_checkpoint, weights
):
    folder = make_checkpoint(weights=with_value(weights, WORDS, float("nan"), row=50))
    if mapped:
        model = DebertaV2Model.from_pretrained(folder)
        with torch.no_grad():
            assert model(IDS).last_hidden_state.isfinite().all()
            for _ in range(2):
                with pytest.raises(ValueError, match=f"E328.*{WORDS}"):
                    model(torch.tensor([[5, 50]]))
    else:
        with pytest.raises(ValueError, match=f"E328.*{WORDS}"):
            DebertaV2Model.from_pretrained(folder)


def test_what_reads_the_whole_table_checks_it(mapped, make_checkpoint, weights):
    """Training reads all embeddings, and so does a masked language model that scores all pieces."""
    changed = with_value(weights, WORDS, float("nan"), row=50)
    with pytest.raises(ValueError, match=f"E328.*{WORDS}"):
        DebertaV2Model.from_pretrained(make_checkpoint(weights=changed)).train()(IDS)
    folder = make_checkpoint("prefixed", weights=prefixed(changed))
    with pytest.raises(ValueError, match=f"E328.*{WORDS}"):
        DebertaV2ForMaskedLM.from_pretrained(folder)(IDS)


def test_unused_weights_are_not_checked(mapped, make_checkpoint, weights):
    extra = {"classifier.weight": torch.full((3, 32), float("nan"))}
    assert load_and_run(make_checkpoint(weights={**weights, **extra})).isfinite().all()


def test_info_names_them_and_conversion_refuses_them(make_checkpoint, weights, tmp_path):
    folder = make_checkpoint(weights=with_value(weights, DENSE, float("nan")))
    assert describe_checkpoint(folder).non_finite == (DENSE,)
    assert describe_checkpoint(make_checkpoint("good")).non_finite == ()
    with pytest.raises(ValueError, match=f"E328.*{DENSE}"):
        convert_checkpoint(folder, tmp_path / "converted", to="tensorflow")
    assert not (tmp_path / "converted").exists()


def test_pipelines(mapped, make_checkpoint, weights, tmp_path):
    folder = make_checkpoint(weights=with_value(weights, DENSE, float("nan")))
    block = {"@architectures": "spacy-deberta.DebertaV2Model.v1", "name": str(folder)}
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config={"model": {**block, "allow_non_finite": True}})
    nlp.initialize()
    nlp.to_disk(tmp_path / "pipeline")
    data = nlp.to_bytes()
    spacy.load(tmp_path / "pipeline")("a text")
    strict = {"components": {"deberta": {"model": {"allow_non_finite": False}}}}
    with pytest.raises(ValueError, match="E328"):
        spacy.load(tmp_path / "pipeline", config=strict)("a text")
    other = spacy.blank("en")
    other.add_pipe("deberta", config={"model": block})
    with pytest.raises(ValueError, match="E328"):
        other.from_bytes(data)
