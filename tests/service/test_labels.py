"""Components that take labels with each request, and those that fill masks."""

import pytest
import spacy
import torch

from spacy_deberta.models import DebertaV2ForMaskedLM, DebertaV2ForSequenceClassification
from spacy_deberta.nn import DebertaV2Config
from tests.conftest import SENTENCES
from tests.pipeline.gliner.gliners import make_pipeline, make_random
from tests.service.conftest import code_of, serving

NLI = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def save_head(tmp_path_factory, tiny_config, tiny_tokenizer):
    """A function that saves a checkpoint with a head."""

    def save(module_class, labels=None):
        config = DebertaV2Config.from_dict(tiny_config)
        model = module_class(config.with_labels(labels) if labels else config)
        model.init_weights(torch.Generator().manual_seed(7))
        folder = tmp_path_factory.mktemp("heads")
        model.save_pretrained(folder)
        tiny_tokenizer.save_pretrained(folder)
        return folder

    return save


def test_gliner(tmp_path, tiny_config, tiny_tokenizer):
    folder = make_random(tmp_path / "gliner", tiny_config, tiny_tokenizer)
    # Random weights: a low threshold, so that there are entities.
    nlp = make_pipeline(folder, labels=["person"], threshold=0.01)
    with serving(nlp) as client:
        texts = list(SENTENCES[:4])
        body = {"texts": texts, "labels": ["place", "company"]}
        docs = client.post("/annotate", json=body).json()["docs"]
        for doc, text in zip(docs, texts, strict=True):
            wanted = nlp.make_doc(text)._.find_entities(["place", "company"])
            assert wanted
            assert [(e["start"], e["end"], e["label"]) for e in doc["ents"]] == [
                (e.span.start_char, e.span.end_char, e.span.label_) for e in wanted
            ]
            scores = [e["score"] for e in doc["ents"]]
            assert scores == pytest.approx([e.score for e in wanted], abs=1e-5)
        (doc,) = client.post("/annotate", json={"text": texts[0]}).json()["docs"]
        assert {e["label"] for e in doc["ents"]} == {"person"}
        assert all(0 < e["score"] <= 1 for e in doc["ents"])
        info = client.get("/pipeline").json()
        assert (info["takes_labels"], info["has_pieces"]) == (True, True)
        assert 'id="labels"' in client.get("/").text
        wrong = client.post("/annotate", json={"text": "Hm.", "labels": ["place", "place"]})
        assert (wrong.status_code, code_of(wrong)) == (422, "E846")


def test_zero_shot(save_head):
    nlp = spacy.blank("en")
    folder = save_head(DebertaV2ForSequenceClassification, NLI)
    nlp.add_pipe(
        "deberta_zero_shot", config={"model": {"name": str(folder)}, "labels": ["travel", "food"]}
    )
    nlp.initialize()
    zero_shot = nlp.get_pipe("deberta_zero_shot")
    with serving(nlp) as client:
        (doc,) = client.post("/annotate", json={"text": SENTENCES[2]}).json()["docs"]
        assert doc["cats"] == pytest.approx(nlp(SENTENCES[2]).cats, abs=1e-5)
        body = {"text": SENTENCES[2], "labels": ["sport", "politics", "money"]}
        (doc,) = client.post("/annotate", json=body).json()["docs"]
        (wanted,) = zero_shot.classify([nlp.make_doc(SENTENCES[2])], labels=body["labels"])
        assert doc["cats"] == pytest.approx(wanted, abs=1e-5)


def test_masks(save_head):
    nlp = spacy.blank("en")
    folder = save_head(DebertaV2ForMaskedLM)
    nlp.add_pipe("deberta_fill_mask", config={"model": {"name": str(folder)}, "top_k": 3})
    nlp.initialize()
    text = "Mira lives in [MASK] and [MASK]."
    with serving(nlp) as client:
        (doc,) = client.post("/annotate", json={"text": text}).json()["docs"]
        wanted = nlp(text)._.fillings
        assert [[f["text"] for f in mask] for mask in doc["fillings"]] == [
            [f["text"] for f in mask] for mask in wanted
        ]
        assert {text[f["start"] : f["end"]] for mask in doc["fillings"] for f in mask} == {"[MASK]"}
        assert "[MASK]" in client.get("/").text
