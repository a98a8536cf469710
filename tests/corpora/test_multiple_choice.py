"""Questions with choices from TSV and JSONL; errors name file and line."""

import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.util import registry

from spacy_deberta.corpora.multiple_choice import Columns, read_choice_questions

LINE = "o\tI feel sickly. I think\tI will sing.\tI will rest.\tI will fly.\tI win.\t1"


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


@pytest.fixture
def write(tmp_path):
    """Write lines to a file, and give its path."""

    def write_lines(*lines, name="questions.tsv"):
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write_lines


def read(path, **settings):
    reader = registry.readers.get("spacy-deberta.MultipleChoiceCorpus.v1")
    return reader(path=path, **settings)


def as_rows(examples):
    return [
        (eg.reference.text, list(eg.reference._.choices), eg.reference._.right_choice)
        for eg in examples
    ]


def test_codah_is_read_as_it_is(nlp, shared_data):
    path = shared_data / "codah" / "full_data.tsv"
    examples = list(read(path)(nlp))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(examples) == len(lines) == 2776
    for example, line in zip(examples, lines, strict=True):
        _, prompt, *choices, answer = line.split("\t")
        assert example.reference.text == prompt.strip()
        assert example.reference._.choices == [choice.strip() for choice in choices]
        assert example.reference._.right_choice == int(answer)


def test_the_predicted_document_knows_choices_but_not_the_right_one(nlp, write):
    (example,) = read(write(LINE))(nlp)
    assert example.predicted._.choices == ["I will sing.", "I will rest.", "I will fly.", "I win."]
    assert example.predicted._.right_choice is None
    assert example.reference._.right_choice == 1
    assert example.predicted._.choices is not example.reference._.choices


def test_other_columns(nlp, write):
    path = write("answer\tB\tA\tquestion", "1\tsecond\tfirst\tWhich?", "", "0\tx\ty\tWhat?\r")
    settings = {"header": True, "question_column": -1, "choice_columns": [2, 1]}
    rows = [("Which?", ["first", "second"], 1), ("What?", ["y", "x"], 0)]
    assert as_rows(read(path, answer_column=0, **settings)(nlp)) == rows
    unknown = as_rows(read(path, answer_column=None, **settings)(nlp))
    assert unknown == [(text, choices, None) for text, choices, _ in rows]


def test_jsonl_with_an_index_a_text_or_no_answer(nlp, write):
    rows = [
        {"prompt": "Which?", "choices": ["first", "second"], "answer": 1},
        {"question": "What?", "choices": ["a", "b", "c"], "answer": "c", "id": 7},
        {"question": "", "choices": ["a\u2028b"], "answer": None},
    ]
    path = write(*(json.dumps(row, ensure_ascii=False) for row in rows), name="questions.jsonl")
    assert as_rows(read(path)(nlp)) == [
        ("Which?", ["first", "second"], 1),
        ("What?", ["a", "b", "c"], 2),
        ("", ["a\u2028b"], None),
    ]


def test_the_limit(nlp, write):
    path = write(*[LINE] * 5)
    assert [len(list(read(path, limit=limit)(nlp))) for limit in (0, 3, 9)] == [5, 3, 5]


texts = st.text(st.characters(exclude_characters="\t\n\r", codec="utf-8")).map(str.strip)


@pytest.mark.slow
@given(question=texts, choices=st.lists(texts.filter(bool), min_size=1, max_size=5), data=st.data())
def test_both_formats_give_the_same(tmp_path_factory, question, choices, data):
    answer = data.draw(st.integers(0, len(choices) - 1))
    folder = tmp_path_factory.mktemp("questions")
    (folder / "a.tsv").write_text("\t".join([question, *choices, str(answer)]), encoding="utf-8")
    values = {"question": question, "choices": choices, "answer": answer}
    (folder / "a.jsonl").write_text(json.dumps(values), encoding="utf-8")
    columns = Columns(question=0, choices=tuple(range(1, len(choices) + 1)), answer=-1)
    (found,) = read_choice_questions(folder / "a.tsv", columns=columns)
    (same,) = read_choice_questions(folder / "a.jsonl")
    assert found == same
    assert (found.text, list(found.choices), found.right) == (question, choices, answer)


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("o\tA question\tone\ttwo", "E655", "it has 4 columns and no column 4"),
        ("o\tA question\tone\t \tthree\tfour\t0", "E655", "choice 1, counted from 0, is empty"),
        (LINE[:-1] + "4", "E656", "the answer is 4, but has to be .* from 0 to 3"),
        (LINE[:-1] + "-1", "E656", "the answer is '-1'"),
        (LINE[:-1] + "I win.", "E656", "the answer is 'I win.'"),
        (LINE[:-1], "E656", "the answer is ''"),
    ],
)
def test_a_malformed_line_of_tsv(nlp, write, line, code, reason):
    path = write(LINE, "", line)
    with pytest.raises(ValueError, match=f"{code}.*questions.tsv, line 3: .*{reason}"):
        list(read(path)(nlp))


GOOD = {"question": "What?", "choices": ["a", "b"], "answer": 0}


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"question": 3}, "E655", "a string as 'prompt' or 'question'"),
        ({"prompt": "Which?"}, "E655", "a string as 'prompt' or 'question'"),
        ({"choices": []}, "E655", "no list of choices"),
        ({"choices": "ab"}, "E655", "no list of choices"),
        ({"choices": None}, "E655", "no list of choices"),
        ({"choices": ["a", ""]}, "E655", "choice 1, counted from 0, is empty"),
        ({"answer": 2}, "E656", "the answer is 2, but has to be .* from 0 to 1"),
        ({"answer": "c"}, "E656", "the answer is 'c'"),
        ({"answer": True}, "E656", "the answer is True"),
        ({"answer": "a", "choices": ["a", "a"]}, "E656", "exactly one of them"),
    ],
)
def test_a_malformed_line_of_jsonl(nlp, write, change, code, reason):
    path = write(json.dumps(GOOD), json.dumps({**GOOD, **change}), name="questions.jsonl")
    with pytest.raises(ValueError, match=f"{code}.*questions.jsonl, line 2: .*{reason}"):
        list(read(path)(nlp))


@pytest.mark.parametrize("line", ["[1]", "{", '{"question": "What?", "choices": ["a"]}', "3"])
def test_invalid_lines_of_jsonl(nlp, write, line):
    with pytest.raises(ValueError, match=r"E655.*line 1"):
        list(read(write(line, name="questions.jsonl"))(nlp))


def test_files_that_can_not_be_read(nlp, tmp_path):
    with pytest.raises(ValueError, match=r"E654.*the config gives no path"):
        read(None)
    with pytest.raises(ValueError, match=r"E654.*none of .tsv, .jsonl"):
        list(read(tmp_path / "questions.csv")(nlp))
    with pytest.raises(ValueError, match=r"E654.*No such file"):
        list(read(tmp_path / "questions.tsv")(nlp))
    (tmp_path / "questions.tsv").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"E654.*utf-8"):
        list(read(tmp_path / "questions.tsv")(nlp))
