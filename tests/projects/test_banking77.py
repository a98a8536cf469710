"""The converter and the baseline of textcat_banking77."""

import csv
from collections import Counter

import pytest
import spacy
import typer
from spacy.tokens import DocBin

from benchmarks.downstream.data import load_script

pytestmark = pytest.mark.slow

convert = load_script("textcat_banking77/scripts/convert.py")
baseline = load_script("textcat_banking77/scripts/baseline.py")


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *rows])


@pytest.fixture
def files(tmp_path):
    train = [(f'question "{i}",\nplease', "abc"[i % 3]) for i in range(62)]
    write_csv(tmp_path / "train.csv", train)
    write_csv(tmp_path / "test.csv", [("one", "a"), ("two", "b"), ("three", "a")])
    return tmp_path


def read(path, nlp):
    return list(DocBin().from_disk(path).get_docs(nlp.vocab))


def test_every_tenth_question_of_a_category_is_for_development():
    questions = [convert.Question(str(i), "ab"[i % 2]) for i in range(45)]
    train, dev = convert.split_questions(questions)
    assert [q.text for q in dev] == ["18", "19", "38", "39"]
    assert sorted([*train, *dev], key=lambda q: int(q.text)) == questions
    assert convert.split_questions(questions) == (train, dev)


def test_texts_and_categories_come_through(files):
    convert.main(files / "train.csv", files / "test.csv", files / "corpus")
    nlp = spacy.blank("en")
    docs = [read(files / "corpus" / f"{name}.spacy", nlp) for name in ("train", "dev", "test")]
    assert [len(part) for part in docs] == [56, 6, 3]
    texts = [doc.text for part in docs[:2] for doc in part]
    assert sorted(texts) == sorted(f'question "{i}",\nplease' for i in range(62))
    assert [doc.text for doc in docs[2]] == ["one", "two", "three"]
    assert docs[2][1].cats == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_categories_take_turns():
    questions = [convert.Question(str(i), category) for i, category in enumerate("aaabbc")]
    mixed = convert.mix(questions)
    assert [(q.text, q.category) for q in mixed] == [
        ("0", "a"),
        ("3", "b"),
        ("5", "c"),
        ("1", "a"),
        ("4", "b"),
        ("2", "a"),
    ]


def test_all_categories_are_in_training_and_development(shared_data):
    questions = convert.read_questions(shared_data / "banking77" / "train.csv")
    train, dev = convert.split_questions(questions)
    assert len(train) + len(dev) == len(questions) == 10003
    of_train, of_dev = (Counter(q.category for q in part) for part in (train, dev))
    assert len(of_train) == len(of_dev) == 77
    assert all(of_train[name] >= 9 * of_dev[name] for name in of_train)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\n", "columns text,category"),
        ("text,category\na,b\nc\n", "line 3"),
        ("text,category\n,b\n", "line 2"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content, message):
    path = tmp_path / "train.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(typer.BadParameter, match=message):
        convert.read_questions(path)


def test_a_category_only_in_the_test_file_is_refused(files):
    write_csv(files / "test.csv", [("one", "d")])
    with pytest.raises(typer.BadParameter, match=r"\['d'\]"):
        convert.main(files / "train.csv", files / "test.csv", files / "corpus")


def test_the_baseline_is_the_share_of_the_most_frequent_category(files):
    write_csv(files / "train.csv", [("x", "b")] * 3 + [("y", "a")] * 2)
    convert.main(files / "train.csv", files / "test.csv", files / "corpus")
    docs = read(files / "corpus" / "test.spacy", spacy.blank("en"))
    category = baseline.majority(read(files / "corpus" / "train.spacy", spacy.blank("en")))
    assert category == "b"
    scores = baseline.score(docs, category)
    assert scores["accuracy"] == pytest.approx(1 / 3)
    # F is 0 for a and 2 * 1/3 / (1/3 + 1) for b.
    assert scores["cats_macro_f"] == pytest.approx(0.25)
