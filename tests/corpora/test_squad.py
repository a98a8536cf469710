"""SQuAD's JSON: exact offsets, and errors or warnings for all invalid answers."""

import copy
import json
import warnings

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.util import registry

from spacy_deberta.corpora import get_questions, set_questions
from spacy_deberta.corpora.squad import read_paragraphs

CONTEXT = "Mira Okafor left Halden Freight in Rotterdam on Friday."
CONTENT = {
    "version": "v2.0",
    "data": [
        {
            "title": "Mira",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "who",
                            "question": "Who left?",
                            "answers": [
                                {"text": "Mira Okafor", "answer_start": 0},
                                {"text": "Okafor", "answer_start": 5},
                            ],
                        },
                        {
                            "id": "why",
                            "question": "Why did she leave?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Friday", "answer_start": 48}],
                        },
                    ],
                },
                {"context": "Nobody asks.", "qas": []},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


@pytest.fixture
def write(tmp_path):
    """Write the file after a change of it, and give its path."""

    def write_changed(change=lambda content: None, name="questions.json"):
        content = copy.deepcopy(CONTENT)
        change(content)
        path = tmp_path / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write_changed


def read(path, nlp, **settings):
    return list(registry.readers.get("spacy-deberta.SquadCorpus.v1")(path, **settings)(nlp))


def paragraph(content, index=0):
    return content["data"][0]["paragraphs"][index]


@pytest.mark.parametrize("language", ["en", "de"])
def test_xquad(language, shared_data):
    path = shared_data / "xquad" / f"xquad.{language}.json"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        examples = read(path, spacy.blank(language))
    asked = {q["id"]: (e.y, q) for e in examples for q in get_questions(e.y)}
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [p for article in articles for p in article["paragraphs"]]
    assert [example.y.text for example in examples] == [p["context"] for p in paragraphs]
    assert len(asked) == sum(len(p["qas"]) for p in paragraphs) == 1190
    for item in (item for p in paragraphs for item in p["qas"]):
        doc, question = asked[item["id"]]
        assert question["question"] == item["question"]
        for answer, theirs in zip(question["answers"], item["answers"], strict=True):
            start = theirs["answer_start"]
            assert answer == {"text": theirs["text"], "start": start}
            assert doc.text[start : start + len(theirs["text"])] == theirs["text"]


def test_damaged_offsets_of_xquad_are_counted(shared_data, tmp_path):
    content = json.loads((shared_data / "xquad" / "xquad.en.json").read_text(encoding="utf-8"))
    damaged = []
    for article in content["data"][:7]:
        item = article["paragraphs"][0]["qas"][0]
        item["answers"][0]["answer_start"] += 1
        damaged.append(item["id"])
    (tmp_path / "xquad.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"W610\] 7 of the 1190 answers") as caught:
        examples = read(tmp_path / "xquad.json", spacy.blank("en"))
    (warning,) = caught
    assert f"{', '.join(damaged[:5])}, …" in str(warning.message)
    left = [q["id"] for e in examples for q in get_questions(e.y)]
    assert len(left) == 1183
    assert not set(left) & set(damaged)


def test_documents(write, nlp):
    first, second = read(write(), nlp)
    assert [first.y.text, second.y.text] == [CONTEXT, "Nobody asks."]
    assert first.x.text == CONTEXT
    assert get_questions(first.y) == [
        {
            "id": "who",
            "question": "Who left?",
            "answers": [{"text": "Mira Okafor", "start": 0}, {"text": "Okafor", "start": 5}],
        },
        {"id": "why", "question": "Why did she leave?", "answers": []},
    ]
    assert get_questions(first.x) == [{**q, "answers": []} for q in get_questions(first.y)]
    assert get_questions(second.x) == get_questions(second.y) == []


def test_limit_and_folder(write, nlp):
    def rename(content):
        for index, item in enumerate(paragraph(content)["qas"]):
            item["id"] = f"other-{index}"

    folder = write().parent
    write(rename, name="another.json")
    (folder / "notes.txt").write_text("no questions here")
    examples = read(folder, nlp)
    assert [q["id"] for e in examples for q in get_questions(e.y)] == [
        "other-0",
        "other-1",
        "who",
        "why",
    ]
    assert len(read(folder, nlp, limit=3)) == 3
    assert len(read(folder, nlp, limit=0)) == 4


def test_one_answer_of_two_is_left_out(write, nlp):
    def shift(content):
        paragraph(content)["qas"][0]["answers"][0]["answer_start"] = 1

    with pytest.warns(UserWarning, match=r"W610\] 1 of the 2 answers in .* belong to: who\."):
        (example, _) = read(write(shift), nlp)
    answers = [q["answers"] for q in get_questions(example.y)]
    assert answers == [[{"text": "Okafor", "start": 5}], []]


def test_a_question_that_lost_its_answers_is_not_one_that_has_none(write, nlp):
    def shift(content):
        for answer in paragraph(content)["qas"][0]["answers"]:
            answer["answer_start"] -= 1

    with pytest.warns(UserWarning, match="W610"):
        (example, _) = read(write(shift), nlp)
    assert [q["id"] for q in get_questions(example.y)] == ["why"]


@given(st.text(min_size=1), st.integers(-3, 60))
def test_what_is_kept_stands_where_it_says(tmp_path_factory, text, start):
    content = copy.deepcopy(CONTENT)
    answers = [{"text": text, "answer_start": start}]
    paragraph(content)["qas"][0]["answers"] = answers
    path = tmp_path_factory.mktemp("squad") / "questions.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        first, _ = read_paragraphs(path)
    right = start >= 0 and CONTEXT[start : start + len(text)] == text
    assert [q["id"] for q in first.questions] == (["who", "why"] if right else ["why"])
    assert bool(caught) is not right


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (lambda c: c.pop("data"), "E644", "data has to be of type list, but is missing"),
        (lambda c: c.update(data=[[]]), "E644", r"data\[0\].paragraphs"),
        (lambda c: paragraph(c).update(context=3), "E644", r"data\[0\].paragraphs\[0\].context"),
        (lambda c: paragraph(c).update(context=" \n"), "E645", r"data\[0\].paragraphs\[0\]"),
        (lambda c: paragraph(c, 1).update(context=""), "E645", r"data\[0\].paragraphs\[1\]"),
        (lambda c: paragraph(c)["qas"][1].pop("question"), "E644", r"qas\[1\].question"),
        (lambda c: paragraph(c)["qas"][1].update(id=7), "E644", r"qas\[1\].id .* str, but is int"),
        (lambda c: paragraph(c)["qas"][0].update(answers={}), "E644", r"qas\[0\].answers"),
        (
            lambda c: paragraph(c)["qas"][0]["answers"][1].update(answer_start="5"),
            "E644",
            r"answers\[1\].answer_start",
        ),
        (
            lambda c: paragraph(c)["qas"][1].update(id="who"),
            "E646",
            r"'who' twice, at .*qas\[1\] and at .*qas\[0\]",
        ),
    ],
)
def test_bad_files(change, code, place, write, nlp):
    path = write(change)
    with pytest.raises(ValueError, match=rf"{code}\].*{place}") as raised:
        read(path, nlp)
    assert str(path) in str(raised.value)


def test_an_id_in_two_files(write, nlp):
    folder = write().parent
    write(name="copy.json")
    with pytest.raises(ValueError, match=r"E646.*copy\.json"):
        read(folder, nlp)


def test_no_json(tmp_path, nlp):
    path = tmp_path / "questions.json"
    with pytest.raises(ValueError, match="E643.*no such file"):
        read(path, nlp)
    with pytest.raises(ValueError, match="E643.*no path"):
        read(None, nlp)
    path.write_text('{"data": [\n}', encoding="utf-8")
    with pytest.raises(ValueError, match="E643.*questions.json.*line 2"):
        read(path, nlp)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="E643"):
        read(path, nlp)


def test_questions_go_where_documents_go(write, nlp):
    doc = read(write(), nlp)[0].y
    questions = get_questions(doc)
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (again,) = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    assert get_questions(again) == questions
    assert get_questions(Doc(nlp.vocab).from_bytes(doc.to_bytes())) == questions
    assert get_questions(doc.copy()) == questions


@pytest.mark.parametrize(
    ("questions", "reason"),
    [
        (["Who left?"], "no dictionary"),
        ([{"question": "Who left?"}], "'id' is missing"),
        ([{"id": "a", "question": None}], "'question' is missing"),
        ([{"id": "a", "question": "?"}, {"id": "a", "question": "!"}], "same id"),
        ([{"id": "a", "question": "?", "answers": ["Mira"]}], "'text' and 'start'"),
        ([{"id": "a", "question": "?", "answers": [{"text": "Mira"}]}], "'text' and 'start'"),
        ([{"id": "a", "question": "?", "answers": [{"text": "Mira", "start": 1}]}], "character 1"),
        ([{"id": "a", "question": "?", "answers": [{"text": "", "start": 0}]}], "character 0"),
        ([{"id": "a", "question": "?", "answers": [{"text": ".", "start": -1}]}], "character -1"),
    ],
)
def test_questions_that_are_none(questions, reason, nlp):
    doc = nlp.make_doc(CONTEXT)
    with pytest.raises(ValueError, match=f"E642.*{reason}"):
        set_questions(doc, questions)
    assert doc._.questions is None
    doc._.questions = questions
    if reason != "same id":
        with pytest.raises(ValueError, match="E642"):
            get_questions(doc)
