"""The converter and the baseline of spancat_restaurant8k."""

import json

import pytest
import spacy
from spacy.tokens import DocBin

from benchmarks.downstream.data import load_script

pytestmark = pytest.mark.slow

convert = load_script("spancat_restaurant8k/scripts/convert.py")
baseline = load_script("spancat_restaurant8k/scripts/baseline.py")


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def record(text, *labels):
    """One utterance in the format of the files; labels are slot, start and end."""
    content = {"userInput": {"text": text}}
    if labels:
        content["labels"] = [
            {
                "slot": slot,
                "valueSpan": {**({"startIndex": start} if start else {}), "endIndex": end},
            }
            for slot, start, end in labels
        ]
    return content


def read(tmp_path, *records):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    return convert.read_utterances(path)


def spans(doc):
    return [(span.text, span.label_) for span in doc.spans["sc"]]


def test_a_span_without_a_start_begins_with_the_utterance(tmp_path, nlp):
    (utterance,) = read(tmp_path, record("7 pm for 4", ("time", 0, 4), ("people", 9, 10)))
    assert utterance.slots == (convert.Slot(0, 4, "time"), convert.Slot(9, 10, "people"))
    doc, trimmed, widened = convert.make_doc(nlp, utterance)
    assert spans(doc) == [("7 pm", "time"), ("4", "people")]
    assert (trimmed, widened) == (0, 0)


def test_an_utterance_without_labels_is_kept(tmp_path, nlp):
    (utterance,) = read(tmp_path, record("Hello?"))
    doc, *_ = convert.make_doc(nlp, utterance)
    assert doc.text == "Hello?"
    assert "sc" in doc.spans
    assert not doc.spans["sc"]


def test_spans_inside_tokens_are_widened_and_counted(tmp_path, nlp):
    text = "at 13:00pm for my wife and I."
    (utterance,) = read(tmp_path, record(text, ("time", 3, 8), ("people", 15, 28)))
    doc, trimmed, widened = convert.make_doc(nlp, utterance)
    assert spans(doc) == [("13:00pm", "time"), ("my wife and I.", "people")]
    assert (trimmed, widened) == (0, 2)


def test_white_space_is_not_part_of_a_span(tmp_path, nlp):
    (utterance,) = read(tmp_path, record("the quarter to 6 time", ("time", 3, 17)))
    doc, trimmed, widened = convert.make_doc(nlp, utterance)
    assert spans(doc) == [("quarter to 6", "time")]
    assert (trimmed, widened) == (1, 0)


def test_a_span_may_have_two_labels_and_cross_another(tmp_path, nlp):
    labels = [("time", 0, 10), ("date", 0, 10), ("people", 8, 14)]
    (utterance,) = read(tmp_path, record("in an hour two", *labels))
    doc, *_ = convert.make_doc(nlp, utterance)
    assert spans(doc) == [("in an hour", "time"), ("in an hour", "date"), ("hour two", "people")]


@pytest.mark.parametrize("span", [{}, {"endIndex": 9}, {"startIndex": 4, "endIndex": 4}])
def test_an_invalid_span_is_refused(span):
    label = {"slot": "time", "valueSpan": span}
    with pytest.raises(ValueError, match="not one of 'at 7 pm'"):
        convert.read_slot("at 7 pm", label)


def test_copies_of_an_utterance_are_in_the_same_part():
    texts = [str(i % 30) for i in range(90)]
    train, dev = convert.split_utterances(convert.Utterance(text, ()) for text in texts)
    assert [u.text for u in dev] == ["9", "19", "29"] * 3
    assert len(train) == 81


def test_no_span_of_the_data_is_lost(shared_data, tmp_path, nlp, capsys):
    folder = shared_data / "restaurant8k"
    convert.main(folder / "train_0.json", folder / "test.json", tmp_path)
    printed = " ".join(capsys.readouterr().out.split())
    raw = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("train_0", "test")}
    docs = {
        name: list(DocBin().from_disk(tmp_path / f"{name}.spacy").get_docs(nlp.vocab))
        for name in ("train", "dev", "test")
    }
    assert len(docs["train"]) + len(docs["dev"]) == len(raw["train_0"])
    assert not {doc.text for doc in docs["train"]} & {doc.text for doc in docs["dev"]}
    assert [doc.text for doc in docs["test"]] == [r["userInput"]["text"] for r in raw["test"]]
    unequal = 0
    for doc, content in zip(docs["test"], raw["test"], strict=True):
        labels = content.get("labels", [])
        assert [span.label_ for span in doc.spans["sc"]] == [label["slot"] for label in labels]
        for span, label in zip(doc.spans["sc"], labels, strict=True):
            start, end = label["valueSpan"].get("startIndex", 0), label["valueSpan"]["endIndex"]
            value = doc.text[start:end].strip()
            assert value in span.text
            unequal += value != span.text
    assert unequal == 6
    assert "1 without the white space at their edges, 6 widened to whole tokens" in printed


def make_docs(nlp, tmp_path, *records):
    return [convert.make_doc(nlp, utterance)[0] for utterance in read(tmp_path, *records)]


def test_the_dictionary_has_what_is_mostly_a_slot(nlp, tmp_path):
    docs = make_docs(
        nlp,
        tmp_path,
        record("Tonight at 7", ("date", 0, 7), ("time", 11, 12)),
        record("7 people, tonight", ("people", 0, 1), ("date", 10, 17)),
        record("not 7, not 7 and not tonight"),
    )
    assert baseline.make_dictionary(docs, nlp.vocab) == {"tonight": "date"}


def test_the_baseline_finds_the_dictionary_in_other_texts(nlp, tmp_path):
    matcher = baseline.make_matcher(nlp.vocab, {"tonight": "date", "7": "time", "7 pm": "time"})
    docs = make_docs(
        nlp,
        tmp_path,
        record("TONIGHT, 7 pm", ("date", 0, 7), ("time", 9, 13)),
        record("7 of us", ("people", 0, 1)),
    )
    scores = baseline.score(docs, matcher)
    assert scores["spans_sc_p"] == pytest.approx(2 / 3)
    assert scores["spans_sc_r"] == pytest.approx(2 / 3)
