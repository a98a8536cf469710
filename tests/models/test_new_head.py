"""A pull request that adds a head: one class, one `HeadSpec`, and nothing else."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from spacy import registry
from torch import Tensor, nn

import spacy_deberta
from spacy_deberta.checkpoints import KerasModel, find_checkpoint, read_config, read_weights
from spacy_deberta.layers import encode_texts, initialize_head, join_sequences
from spacy_deberta.models import (
    HEADS,
    DebertaV2Model,
    DebertaV2WithHead,
    HeadSpec,
    convert_checkpoint,
    describe_checkpoint,
    find_heads,
)
from spacy_deberta.nn import ModelOutput
from tests.conftest import SENTENCES
from tests.nn.common import close


# This would be models/reading_time.py.
@dataclass(frozen=True, eq=False)
class ReadingTimeOutput(ModelOutput):
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


class DebertaV2ForReadingTime(DebertaV2WithHead):
    """Reading time of each piece in milliseconds."""

    piece_fields = frozenset({"labels", "logits"})

    def __init__(self, config, *, attention="auto"):
        super().__init__(config, attention=attention)
        self.reading_time = nn.Linear(config.hidden_size, config.num_labels)
        self._init_head()

    def forward_packed(
        self, pieces, *, labels=None, output_hidden_states=False, output_attentions=False
    ):
        encoded = self.deberta.forward_packed(
            pieces, output_hidden_states=output_hidden_states, output_attentions=output_attentions
        )
        logits = self.reading_time(encoded.last_hidden_state)
        return ReadingTimeOutput(
            loss=None if labels is None else nn.functional.mse_loss(logits, labels),
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


# This would be the entry in models/heads.py.
SPEC = HeadSpec(
    module_class=DebertaV2ForReadingTime,
    modules=({"reading_time": "reading time head"},),
    rows="pieces",
    labels="outputs",
    keras=KerasModel(
        name="tf_deberta_v2_for_reading_time", layers=("deberta", "dropout", "reading_time")
    ),
)


@pytest.fixture
def head(monkeypatch):
    monkeypatch.setitem(HEADS, "reading_time", SPEC)
    return SPEC


@pytest.fixture
def folder(head, tiny_checkpoint, tiny_tokenizer, tmp_path):
    torch.manual_seed(3)
    labels = {"id2label": {0: "first", 1: "again", 2: "total"}}
    model = DebertaV2ForReadingTime.from_pretrained(tiny_checkpoint, config_overrides=labels)
    model.save_pretrained(tmp_path / "saved")
    tiny_tokenizer.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def test_it_is_exported(head):
    assert spacy_deberta.DebertaV2ForReadingTime is DebertaV2ForReadingTime
    assert "DebertaV2ForReadingTime" in spacy_deberta.__all__


@pytest.mark.filterwarnings("error")
def test_it_is_loaded_and_saved(folder):
    files = find_checkpoint(folder)
    config = read_config(files)
    assert config.extra["architectures"] == ("DebertaV2ForReadingTime",)
    found = find_heads(read_weights(files.weights), config)
    assert found.fits(SPEC)
    assert str(found) == "reading_time (reading time head); it is a DebertaV2ForReadingTime"
    assert describe_checkpoint(folder).heads == {"reading_time": "reading time head"}
    model = DebertaV2ForReadingTime.from_pretrained(folder)
    weights = read_weights(files.weights)
    assert model.reading_time.weight.equal(weights["reading_time.weight"])
    # Other classes leave the head out.
    DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("left", [False, True])
def test_padding_is_put_back(folder, left):
    model = DebertaV2ForReadingTime.from_pretrained(folder)
    ids = torch.arange(5, 17).reshape(2, 6)
    mask = torch.tensor([[1] * 6, [0, 0, 1, 1, 1, 1] if left else [1, 1, 1, 1, 0, 0]])
    labels = torch.ones(2, 6, 3)
    output = model(ids, mask, labels=labels)
    real = mask.bool()
    assert output.logits.shape == (2, 6, 3)
    assert not output.logits[~real].any()
    alone = model(ids[1:][:, real[1]]).logits[0]
    close(output.logits[1][real[1]], alone, 3e-6)
    close(output.loss, ((output.logits - 1)[real] ** 2).mean(), 1e-6)


def test_it_is_converted(folder, tmp_path):
    pytest.importorskip("h5py")
    made = convert_checkpoint(folder, tmp_path / "tf", to="tensorflow")
    assert (made.architecture, made.left_out) == ("DebertaV2ForReadingTime", {})
    back = convert_checkpoint(tmp_path / "tf", tmp_path / "back", to="huggingface")
    assert back.architecture == "DebertaV2ForReadingTime"
    expected = DebertaV2ForReadingTime.from_pretrained(folder).state_dict()
    found = DebertaV2ForReadingTime.from_pretrained(tmp_path / "back").state_dict()
    assert all(found[key].equal(tensor) for key, tensor in expected.items())


def test_it_runs_in_a_pipeline(folder):
    make = registry.architectures.get("spacy-deberta.DebertaV2WithHead.v1")
    model = make("reading_time", name=str(folder))
    initialize_head(model)
    tokenizer = spacy_deberta.DebertaV2Tokenizer.from_pretrained(folder)
    texts = encode_texts(tokenizer, SENTENCES[:3])
    scores = model.predict(join_sequences(tokenizer, texts).sequences)
    ours = DebertaV2ForReadingTime.from_pretrained(folder)
    with torch.no_grad():
        expected = [
            ours(torch.tensor([tokenizer(text)["input_ids"]])).logits[0].numpy()
            for text in SENTENCES[:3]
        ]
    assert np.allclose(scores, np.concatenate(expected), atol=1e-6)
