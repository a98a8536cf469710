"""The annotations of the service are those of the pipeline."""

import asyncio

import httpx
import pytest
import spacy

from spacy_deberta.cli import align
from spacy_deberta.service.schemas import AnnotateResponse, PipelineResponse
from tests.conftest import SENTENCES
from tests.service.conftest import BAD_WORD, code_of, serving

ODD_TEXTS = [
    "",
    " ",
    "\n\t ",
    "👩‍👩‍👧 Zürich 🐈",
    "a\u0301",
    "\u200b",
    "x" * 2000,
    "\x00",
    "‏שלום Mira",
]


@pytest.fixture(scope="module")
def client(trained):
    with serving(trained, max_texts=200, max_queue=400) as client:
        yield client


@pytest.fixture(scope="module")
def rules_client(rules):
    with serving(rules) as client:
        yield client


def annotate(client, **body):
    response = client.post("/annotate", json=body)
    assert response.status_code == 200, response.text
    assert AnnotateResponse.model_validate(response.json(), strict=True)
    return response.json()["docs"]


def expected(doc):
    """What spaCy itself says about a document, from its own JSON."""
    values = doc.to_json()
    return {
        "text": values["text"],
        "ents": [(e["start"], e["end"], e["label"]) for e in values["ents"]],
        "tokens": [(t["start"], t["end"], t.get("tag")) for t in values["tokens"]],
    }


def received(doc):
    return {
        "text": doc["text"],
        "ents": [(e["start"], e["end"], e["label"]) for e in doc["ents"]],
        "tokens": [(t["start"], t["end"], t.get("tag")) for t in doc["tokens"]],
    }


def test_one_text_and_several(client, trained):
    texts = [*SENTENCES, *ODD_TEXTS]
    wanted = [expected(doc) for doc in trained.pipe(texts)]
    assert any(doc["ents"] for doc in wanted)
    assert [received(doc) for doc in annotate(client, texts=texts)] == wanted
    for text, values in zip(texts, wanted, strict=True):
        (doc,) = annotate(client, text=text)
        assert received(doc) == values
    assert annotate(client, texts=[]) == []


def test_two_hundred_requests_at_once(client, trained):
    texts = [f"{i} {SENTENCES[i % len(SENTENCES)]}" for i in range(200)]
    wanted = [expected(doc) for doc in trained.pipe(texts)]

    async def ask_all():
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=client.base_url, timeout=60, limits=limits, trust_env=False
        ) as many:
            requests = (many.post("/annotate", json={"text": text}) for text in texts)
            return await asyncio.gather(*requests)

    responses = asyncio.run(ask_all())
    assert {response.status_code for response in responses} == {200}
    assert [received(response.json()["docs"][0]) for response in responses] == wanted


def test_all_kinds_of_annotations(rules_client, rules):
    text = "Mira met 👩‍👩‍👧 Sanjay."
    (doc,) = annotate(rules_client, text=text)
    values = rules(text).to_json()
    assert [(e["start"], e["end"], e["label"], e["text"]) for e in doc["ents"]] == [
        (0, 4, "NAME", "Mira"),
        (15, 21, "NAME", "Sanjay"),
    ]
    assert doc["spans"] == {
        "sc": [
            {"start": 0, "end": len(text), "label": "ALL", "text": text, "score": 0.75},
            {"start": 0, "end": 4, "label": "FIRST", "text": "Mira", "score": 0.5},
        ]
    }
    assert doc["cats"] == values["cats"]
    assert doc["sents"] == values["sents"]
    keys = ("start", "end", "tag", "pos", "dep", "head")
    assert [{key: token[key] for key in keys} for token in doc["tokens"]] == [
        {key: token[key] for key in keys} for token in values["tokens"]
    ]
    assert "pieces" not in doc
    assert "fillings" not in doc


def test_pieces_are_those_of_align(client, trained, tmp_path):
    trained.to_disk(tmp_path / "pipeline")
    text = "Sanjay doesn't like Zürich 🐈."
    (doc,) = annotate(client, text=text, pieces=True)
    aligned = align(text, model=tmp_path / "pipeline").to_dict()["pieces"]
    keys = ("start", "end", "piece", "id")
    assert [{key: piece[key] for key in keys} for piece in doc["pieces"]] == [
        {key: piece[key] for key in keys} for piece in aligned
    ]
    assert [piece["tokens"] for piece in doc["pieces"]] == [list(p["tokens"]) for p in aligned]


def test_the_pipeline_is_described(client, trained):
    info = client.get("/pipeline").json()
    assert PipelineResponse.model_validate(info, strict=True)
    assert [component["name"] for component in info["components"]] == trained.pipe_names
    assert info["components"][1]["labels"] == list(trained.get_pipe("ner").labels)
    assert (info["has_pieces"], info["takes_labels"], info["fills_masks"]) == (True, False, False)
    schema = client.get("/openapi.json").json()
    assert {"/annotate", "/health", "/pipeline"} <= schema["paths"].keys()
    answers = schema["paths"]["/annotate"]["post"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"]["$ref"].endswith("Response")
    assert {"413", "422", "503", "504"} <= answers.keys()


def test_a_failing_text_fails_its_own_request_only(rules_client):
    async def ask_all():
        async with httpx.AsyncClient(base_url=rules_client.base_url, trust_env=False) as many:
            texts = [f"Text {i} is {BAD_WORD if i == 7 else 'harmless'}." for i in range(20)]
            return await asyncio.gather(
                *(many.post("/annotate", json={"text": text}) for text in texts)
            )

    responses = asyncio.run(ask_all())
    assert [r.status_code for r in responses] == [200] * 7 + [500] + [200] * 12
    assert code_of(responses[7]) == "E850"
    assert "text 0: ZeroDivisionError: as it should" in responses[7].text
    response = rules_client.post("/annotate", json={"texts": ["Good.", f"Not so {BAD_WORD}."]})
    assert (response.status_code, code_of(response)) == (500, "E850")
    assert "fails on text 1" in response.text


def test_words_of_texts_are_forgotten(client, trained):
    annotate(client, text="Nothing new.")
    before = len(trained.vocab.strings)
    annotate(client, texts=[f"word{i} Name{i}" for i in range(100)])
    assert len(trained.vocab.strings) <= before


def test_a_pipeline_without_components():
    with serving(spacy.blank("de")) as client:
        (doc,) = annotate(client, text="Sie wohnt in Zürich.")
        assert [doc["text"][t["start"] : t["end"]] for t in doc["tokens"]] == [
            *("Sie", "wohnt", "in", "Zürich", ".")
        ]
        assert (doc["ents"], doc["spans"], doc["cats"]) == ([], {}, {})
        response = client.post("/annotate", json={"text": "Ja.", "pieces": True})
        assert (response.status_code, code_of(response)) == (422, "E852")
        response = client.post("/annotate", json={"text": "Ja.", "labels": ["person"]})
        assert (response.status_code, code_of(response)) == (422, "E851")
