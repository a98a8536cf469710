"""`spacy-deberta.TextPairCorpus.v1`."""

import lzma

import pytest
import spacy
import srsly

from spacy_deberta.corpora import text_pair_corpus_v1

PAIRS = [("A plane, taking off.", 'He said "no".', 0.5), ("One", "Two", 1.0)]


def read(path, **options):
    examples = list(text_pair_corpus_v1(path, **options)(spacy.blank("en")))
    assert all(eg.predicted._.text_pair is None for eg in examples)
    pairs = [(eg.text, eg.reference._.text_pair) for eg in examples]
    return [(first, pair["text"], pair["score"]) for first, pair in pairs]


def test_all_layouts(tmp_path):
    # As STS-B is published.
    lines = '"A plane, taking off.","He said ""no"".",2.5\nOne,Two,5.0\n'
    (tmp_path / "sts.csv").write_text(lines, encoding="utf-8")
    assert read(tmp_path / "sts.csv", header=False, max_score=5) == PAIRS
    assert read(tmp_path / "sts.csv", header=False, max_score=5, limit=1) == PAIRS[:1]
    (tmp_path / "sts.csv.xz").write_bytes(lzma.compress(lines.encode()))
    assert read(tmp_path / "sts.csv.xz", header=False, max_score=5) == PAIRS
    # As `datasets` writes it.
    rows = [dict(zip(("sentence1", "sentence2", "score"), pair, strict=True)) for pair in PAIRS]
    srsly.write_jsonl(tmp_path / "sts.jsonl", rows)
    assert read(tmp_path / "sts.jsonl") == PAIRS
    rows = [{"anchor": first, "positive": second} for first, second, _ in PAIRS]
    srsly.write_json(tmp_path / "nli.json", rows)
    names = {"first": "anchor", "second": "positive", "score": None}
    assert read(tmp_path / "nli.json", **names) == [(*pair[:2], 1.0) for pair in PAIRS]


def test_real_pairs(shared_data):
    pairs = read(shared_data / "stsb" / "stsb-en-dev.csv", header=False, max_score=5)
    assert len(pairs) == 1500
    assert pairs[1] == ("A young child is riding a horse.", "A child is riding a horse.", 0.95)


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"sentence1": "a", "score": 1}, {}),
        ({"sentence1": "a", "sentence2": 1, "score": 1}, {}),
        ({"sentence1": "a", "sentence2": "b"}, {}),
        ({"sentence1": "a", "sentence2": "b", "score": "high"}, {}),
        ({"sentence1": "a", "sentence2": "b", "score": 4}, {}),
        ({"sentence1": "a", "sentence2": "b", "score": -1}, {"max_score": 5}),
    ],
)
def test_wrong_rows(row, options, tmp_path):
    srsly.write_jsonl(tmp_path / "pairs.jsonl", [row])
    with pytest.raises(ValueError, match="E664.*line 1"):
        read(tmp_path / "pairs.jsonl", **options)


def test_wrong_options(tmp_path):
    with pytest.raises(ValueError, match="E664.*no path"):
        text_pair_corpus_v1(None)
    for options in ({"max_score": 0}, {"limit": -1}, {"header": "no"}, {"first": 1}):
        with pytest.raises(ValueError, match="E413|E205"):
            text_pair_corpus_v1(tmp_path / "pairs.csv", **options)
