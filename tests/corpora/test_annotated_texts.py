"""Rows as other programs write them → documents."""

import csv
import gzip

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.training import offsets_to_biluo_tags

from spacy_deberta.corpora import AnnotatedText, Fields, make_doc, read_annotations, read_rows
from spacy_deberta.corpora.annotated_texts import LabelledSpan

NLP = spacy.blank("en")
TEXT = "Mira Okafor left Porto."
SPANS = [(0, 11, "PERSON"), (17, 22, "GPE")]
# What spaCy 2 and 3, Prodigy and two versions of doccano write for the same two spans.
ENTITY_ROWS = {
    "spaCy": {"text": TEXT, "entities": [list(span) for span in SPANS]},
    "spaCy 2": [TEXT, {"entities": [list(span) for span in SPANS]}],
    "Prodigy": {
        "text": TEXT,
        "_input_hash": 1,
        "tokens": [{"text": "Mira", "start": 0, "end": 4, "id": 0}],
        "spans": [
            {"start": s, "end": e, "label": label, "token_start": 0} for s, e, label in SPANS
        ],
        "answer": "accept",
    },
    "doccano": {"id": 1, "text": TEXT, "label": [list(span) for span in SPANS]},
    "doccano, relations": {
        "id": 1,
        "text": TEXT,
        "entities": [
            {"id": i, "label": label, "start_offset": s, "end_offset": e}
            for i, (s, e, label) in enumerate(SPANS)
        ],
        "relations": [],
    },
    "Doc.to_json": {
        "text": TEXT,
        "ents": [{"start": s, "end": e, "label": label} for s, e, label in SPANS],
    },
}
CATEGORY_ROWS = [
    ({"text": TEXT, "cats": {"travel": 1, "food": 0}}, {"travel": 1, "food": 0}),
    ({"text": TEXT, "label": "travel"}, {"travel": 1}),
    ({"text": TEXT, "labels": ["travel", "food"]}, {"travel": 1, "food": 1}),
    ({"text": TEXT, "options": [{"id": "travel"}], "accept": ["travel"]}, {"travel": 1}),
    ({"text": TEXT, "label": 3}, {"3": 1}),
    ({"text": TEXT, "label": []}, {}),
]


def read(path, **fields):
    return list(read_annotations(read_rows(path), Fields(**fields)))


def spans_of(text):
    return [(span.start, span.end, span.label) for span in text.spans]


@pytest.mark.parametrize("row", ENTITY_ROWS.values(), ids=ENTITY_ROWS)
@pytest.mark.parametrize("name", ["data.jsonl", "data.json", "data.jsonl.gz"])
def test_spans_of_all_programs(row, name, tmp_path):
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(srsly.json_dumps(row).encode()))
    elif name.endswith(".json"):
        srsly.write_json(path, [row])
    else:
        srsly.write_jsonl(path, [row])
    (text,) = read(path)
    assert (text.text, spans_of(text), text.categories) == (TEXT, SPANS, None)


@pytest.mark.parametrize(("row", "categories"), CATEGORY_ROWS)
def test_categories_of_all_programs(row, categories, tmp_path):
    srsly.write_jsonl(tmp_path / "data.jsonl", [row])
    (text,) = read(tmp_path / "data.jsonl")
    assert (text.spans, text.categories) == (None, categories)


def test_rejected_rows_are_left_out(tmp_path):
    rows = [{"text": TEXT, "label": "A", "answer": answer} for answer in ("reject", "ignore")]
    srsly.write_jsonl(tmp_path / "data.jsonl", rows)
    assert not read(tmp_path / "data.jsonl")


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_tables(suffix, delimiter, tmp_path):
    path = tmp_path / f"data{suffix}"
    rows = [
        {"sentence": 'He said "no", twice.\nThen left.', "topic": "a|b", "toxic": "0.25"},
        {"sentence": "[1] is a footnote", "topic": "", "toxic": "1"},
    ]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    options = {"labels": ("topic",), "number_per_category": ("toxic",), "separator": "|"}
    texts = read(path, text="sentence", **options)
    assert [text.text for text in texts] == [row["sentence"] for row in rows]
    assert [text.categories for text in texts] == [{"a": 1, "b": 1, "toxic": 0.25}, {"toxic": 1}]


def test_empty_columns_of_a_spreadsheet(tmp_path):
    (tmp_path / "data.csv").write_text("text,label,,\na,b,,", encoding="utf-8")
    (text,) = read(tmp_path / "data.csv")
    assert (text.text, text.categories) == ("a", {"b": 1})


def test_a_table_with_a_row_for_each_span(tmp_path):
    path = tmp_path / "data.csv"
    lines = ["text,start,end,label", f"{TEXT},0,11,PERSON", "Other,0,5,X", f"{TEXT},17,22,GPE"]
    path.write_text("\n".join(lines), encoding="utf-8")
    first, other = read(path)
    assert (first.text, spans_of(first)) == (TEXT, SPANS)
    assert (other.text, spans_of(other)) == ("Other", [(0, 5, "X")])


@pytest.mark.parametrize(
    ("name", "content", "code", "what"),
    [
        ("data.jsonl", '{"text": "a"}\nno', "E532", "line 2"),
        ("data.jsonl", '{"text": 3}', "E532", "no text in 'text'"),
        ("data.jsonl", '["a", "b"]', "E532", "no object"),
        ("data.jsonl", '{"text": "a", "entities": "b"}', "E532", "no list of spans"),
        ("data.jsonl", '{"text": "a", "entities": [[0, 1]]}', "E532", "no [start, end, label]"),
        ("data.jsonl", '{"text": "a", "entities": [[0, "x", "A"]]}', "E532", "[0, 'x', 'A']"),
        ("data.jsonl", '{"text": "a", "cats": {"A": 7}}', "E532", "from 0 to 1"),
        ("data.jsonl", '{"text": "a", "labels": [1, 2]}', "E532", "no categories"),
        ("data.json", '{"text": "a"}', "E532", "not a list of rows"),
        ("data.csv", "text,label\na,b,c", "E532", "3 columns"),
        ("data.csv", "text,label,label\na,b,c", "E532", "column 'label' twice"),
        ("data.csv", 'text,label\n"a,b', "E532", "line 2"),
        ("data.xlsx", "", "E531", ".jsonl"),
        ("data", "", "E531", ".jsonl"),
        ("data.csv", None, "E701", "No such file"),
    ],
)
def test_wrong_files(name, content, code, what, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=code) as caught:
        read(path)
    assert what in str(caught.value)


def test_named_fields_have_to_be_there(tmp_path):
    (tmp_path / "data.csv").write_text("text,label\na,b", encoding="utf-8")
    for fields in ({"labels": ("topic",)}, {"number_per_category": ("topic",)}):
        with pytest.raises(ValueError, match="E532.*no field 'topic'"):
            read(tmp_path / "data.csv", **fields)


def test_a_token_that_two_spans_cut():
    spans = (LabelledSpan(0, 1, "X"), LabelledSpan(0, 2, "X"))
    doc, problems = make_doc(NLP, AnnotatedText("here", "111 2", spans))
    assert [token.ent_iob_ for token in doc] == ["", "O"]
    assert len(problems) == 2


@given(st.data())
def test_spans_become_the_tags_that_spacy_gives_them(data):
    text = data.draw(st.text("ab 1-.\n", max_size=20))
    index = st.integers(-1, len(text) + 1)
    drawn = data.draw(st.lists(st.tuples(index, index), max_size=3, unique=True))
    spans = tuple(LabelledSpan(start, end, "X") for start, end in drawn)
    doc, problems = make_doc(NLP, AnnotatedText("here", text, spans))
    assert doc.text == text
    fits = {
        (start, end)
        for start, end in drawn
        if 0 <= start < end <= len(text) and text[start:end] == text[start:end].strip()
    }
    found = {(ent.start_char, ent.end_char) for ent in doc.ents}
    # Every span is in the document, or a problem, or was longer by whitespace.
    assert len(drawn) <= len(problems) + len(found) + len(set(drawn) - fits)
    if len(drawn) == 1 and fits:
        ((start, end),) = drawn
        tags = offsets_to_biluo_tags(doc, [(start, end, "X")])
        inside = [tag not in ("O", "-") for tag in tags]
        assert [token.ent_iob_ in ("B", "I") for token in doc] == inside
        assert [token.ent_iob_ == "" for token in doc] == [tag == "-" for tag in tags]
