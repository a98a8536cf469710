"""The embedded checkpoint: found by its name, without network, and with useful predictions."""

import pytest
import spacy
import torch

from spacy_deberta import DebertaV2ForMaskedLM, DebertaV2Model, DebertaV2Tokenizer
from spacy_deberta.checkpoints import embedded_names, find_checkpoint
from spacy_deberta.models import describe_checkpoint

NAME = "deberta-v3-mini-en"
MOST_BYTES = 16_000_000


def test_it_is_found_by_its_name_and_small(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert embedded_names() == [NAME]
    files = find_checkpoint(NAME)
    assert files.has_vocabulary
    assert sum(path.stat().st_size for path in files.folder.iterdir()) <= MOST_BYTES
    assert describe_checkpoint(NAME).name == NAME


def test_a_folder_of_that_name_has_precedence(tmp_path, monkeypatch, tiny_checkpoint):
    (tmp_path / NAME).symlink_to(tiny_checkpoint, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    assert DebertaV2Model.from_pretrained(NAME).config.hidden_size == 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The president of the United [MASK] said on Monday.", "▁States"),
        ("She walked to the door and opened the [MASK].", "▁door"),
        ("He did not know what [MASK] do.", "▁to"),
    ],
)
def test_it_predicts_masked_words(text, expected):
    tokenizer = DebertaV2Tokenizer.from_pretrained(NAME)
    model = DebertaV2ForMaskedLM.from_pretrained(NAME)
    batch = tokenizer(text, return_tensors="pt", special_tokens_in_text=True)
    place = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
    with torch.no_grad():
        best = model(**batch).logits[0, place].topk(5).indices.tolist()
    assert expected in tokenizer.convert_ids_to_tokens(best)


def test_hugging_face_reads_the_same_rows():
    from transformers import AutoModel

    ids = torch.tensor([[1, 500, 600, 700, 2]])
    with torch.no_grad():
        own = DebertaV2Model.from_pretrained(NAME)(ids).last_hidden_state
        model = AutoModel.from_pretrained(find_checkpoint(NAME).folder, torch_dtype="float32")
        theirs = model.eval()(ids).last_hidden_state
    torch.testing.assert_close(own, theirs, rtol=0, atol=1e-4)


def test_a_pipeline_takes_it():
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", name="transformer", config={"model": {"name": NAME}})
    nlp.initialize()
    doc = nlp("Mira lives in Lyon.")
    assert doc._.trf_data.model_output.last_hidden_state.shape[-1] == 256
