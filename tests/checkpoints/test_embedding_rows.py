"""Embedding tables of other sizes than the vocabulary, as in published checkpoints."""

import pytest
import torch

from spacy_deberta.checkpoints import (
    check_mask_fits,
    check_vocabulary_fits,
    find_checkpoint,
    read_config,
    read_tokenizer,
)
from spacy_deberta.models import DebertaV2ForMaskedLM, DebertaV2Model, describe_checkpoint
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer

TEXT = "Mira Okafor left [MASK] in Rotterdam."
# As 128000, 128001, 128003, 128004, 128064 and 128100 are to a vocabulary of 128000 pieces.
BEYOND = [0, 1, 3, 4, 64, 100]


@pytest.fixture
def make_rows(make_checkpoint, tiny_config, tiny_tokenizer):
    """A function that writes a checkpoint with this many more rows than pieces."""

    def make(beyond):
        size = tiny_tokenizer.vocab_size + beyond
        config = {**tiny_config, "vocab_size": size, "legacy": True}
        model = DebertaV2Model(DebertaV2Config.from_dict(config))
        model.init_weights(torch.Generator().manual_seed(beyond))
        return make_checkpoint(config=config, weights=model.state_dict())

    return make


@pytest.mark.parametrize("beyond", BEYOND)
def test_rows_are_those_of_hugging_face(beyond, make_rows):
    transformers = pytest.importorskip("transformers")
    folder = make_rows(beyond)
    files = find_checkpoint(folder)
    tokenizer = read_tokenizer(files, read_config(files))
    batch = tokenizer([TEXT], return_tensors="pt")
    theirs = transformers.DebertaV2Model.from_pretrained(folder).eval()
    with torch.no_grad():
        ours = DebertaV2Model.from_pretrained(folder)(batch["input_ids"]).last_hidden_state
        expected = theirs(batch["input_ids"]).last_hidden_state
    torch.testing.assert_close(ours, expected, atol=2e-5, rtol=0)
    assert describe_checkpoint(folder).config.vocab_size == tokenizer.vocab_size + beyond


@pytest.mark.parametrize("beyond", BEYOND)
def test_only_fill_mask_and_pretraining_need_a_mask_embedding(beyond, tiny_config, tiny_tokenizer):
    values = {**tiny_config, "vocab_size": tiny_tokenizer.vocab_size + beyond}
    config = DebertaV2Config.from_dict(values)
    check_vocabulary_fits(tiny_tokenizer, config)
    if beyond:
        check_mask_fits(tiny_tokenizer, config)
    else:
        with pytest.raises(ValueError, match=r"E319.*\[MASK\]"):
            check_mask_fits(tiny_tokenizer, config)


def test_added_tokens_need_rows_whatever_their_number(tiny_config, tiny_vocabulary):
    """The largest id counts: there may be gaps below it."""
    pieces = DebertaV2Tokenizer(tiny_vocabulary).vocab_size
    added = [AddedToken(content="remdesivir", id=pieces + 50)]
    tokenizer = DebertaV2Tokenizer(tiny_vocabulary, added_tokens=added)
    for rows in (pieces, pieces + 50):
        config = DebertaV2Config.from_dict({**tiny_config, "vocab_size": rows})
        with pytest.raises(ValueError, match=f"E310.*{pieces + 51} pieces"):
            check_vocabulary_fits(tokenizer, config)
    enough = DebertaV2Config.from_dict({**tiny_config, "vocab_size": pieces + 51})
    check_vocabulary_fits(tokenizer, enough)


def test_a_model_without_a_mask_still_decodes(make_rows, tiny_tokenizer):
    model = DebertaV2ForMaskedLM.from_pretrained(make_rows(0))
    logits = model(torch.tensor([[1, 9, 2]])).logits
    assert logits.shape == (1, 3, tiny_tokenizer.vocab_size)
