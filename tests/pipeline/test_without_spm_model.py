"""Checkpoints of transformers 5 in pipelines, with only a tokenizer.json."""

import json

import numpy as np
import pytest
import spacy
import torch

from spacy_deberta import DebertaV2Model, DebertaV2Tokenizer
from spacy_deberta.layers import get_tokenizer
from tests.pipeline.checkpoints import make_pipeline

FOLDERS = ("sequence_classifier", "added_tokens", "wordpiece")
TEXTS = (
    "The orchestra tours Kraków 🎻.",
    "ﬁne ½ price — ｆｕｌｌ width",
    " [E1] Ada [/E1]\n e\u0301",
)


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, shared_data):
    return shared_data / "transformers5" / request.param


@pytest.fixture(scope="module")
def nlp(folder):
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy-deberta.DebertaV2Model.v1", "name": str(folder)}
    model["get_spans"] = {"@span_getters": "spacy-deberta.piece_windows.v1"}
    nlp.add_pipe("deberta", config={"model": model})
    nlp.initialize()
    return nlp


def rows_of(nlp):
    return [doc._.trf_data.model_output.last_hidden_state[0] for doc in nlp.pipe(TEXTS)]


def test_rows_are_those_of_the_model_on_its_own(nlp, folder):
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder)
    model = DebertaV2Model.from_pretrained(folder).eval()
    for text, rows in zip(TEXTS, rows_of(nlp), strict=True):
        with torch.no_grad():
            expected = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        # One row of zeros follows where a token has no piece.
        np.testing.assert_allclose(rows[: len(expected)], expected, atol=1e-5)


def test_a_saved_pipeline_is_the_same(nlp, folder, tmp_path):
    nlp.to_disk(tmp_path)
    (saved,) = tmp_path.rglob("tokenizer.json")
    assert saved.read_bytes() == (folder / "tokenizer.json").read_bytes()
    assert not list(tmp_path.rglob("spm.model"))
    loaded = spacy.load(tmp_path)
    copied = spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    for other in (loaded, copied):
        tokenizer = get_tokenizer(other.get_pipe("deberta").model)
        assert tokenizer.engine == "tokenizers"
        assert isinstance(tokenizer, type(get_tokenizer(nlp.get_pipe("deberta").model)))
        for rows, expected in zip(rows_of(other), rows_of(nlp), strict=True):
            np.testing.assert_array_equal(rows, expected)


def test_scores_are_those_of_transformers_5(shared_data):
    folder = shared_data / "transformers5" / "sequence_classifier"
    nlp, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    cases = json.loads((folder / "expected.json").read_text(encoding="utf8"))["cases"]
    # In Hugging Face's tokenizer, a document can inject control tokens.
    cases = [case for case in cases if "[SEP]" not in case["text"] and case["text"]]
    assert len(cases) > 4
    for case in cases:
        expected = torch.tensor(case["logits"][0]).softmax(-1).tolist()
        scores = nlp(case["text"]).cats
        np.testing.assert_allclose([*scores.values()], expected, atol=1e-4)


def test_the_engine_by_hand(shared_data):
    folder = shared_data / "transformers5" / "sequence_classifier"
    with pytest.raises(ValueError, match=r"E235.*tokenizer\.json"):
        make_pipeline(
            "deberta_sequence_classifier",
            model={"name": str(folder), "tokenizer": "sentencepiece"},
        )
    with pytest.raises(ValueError, match="E234"):
        make_pipeline("deberta_sequence_classifier", model={"tokenizer": "slow"})
