"""Methods of components with arguments of other kinds than they take."""

import pytest
import spacy

from tests.pipeline.pipelines import make_examples, make_pipeline
from tests.pipeline.test_settings import HEADS

TEXT = "Mira left the [MASK] team."
# Each takes a pipeline's component and what is given as its documents.
METHODS = {
    "deberta_fill_mask": {"fill": lambda pipe, docs: pipe.fill(docs)},
    "deberta_question_answering": {
        "answer_all": lambda pipe, docs: pipe.answer_all(docs, [["Who left?"]])
    },
    "deberta_zero_shot": {"classify": lambda pipe, docs: pipe.classify(docs, labels=["travel"])},
}
SINGLE = {
    "deberta_fill_mask": lambda pipe, doc: pipe.fill_mask(doc),
    "deberta_gliner": lambda pipe, doc: pipe.find_entities(doc, ["person"]),
    "deberta_question_answering": lambda pipe, doc: pipe.answer(doc, "Who left?"),
    "deberta_multiple_choice": lambda pipe, doc: pipe.choose(doc, ["Mira", "Sanjay"]),
}
NO_DOCS = {
    "one document": lambda doc: doc,
    "one text": lambda doc: doc.text,
    "bytes": lambda doc: doc.text.encode(),
    "texts": lambda doc: [doc.text],
    "a span": lambda doc: [doc[:]],
    "a document and None": lambda doc: [doc, None],
    "None": lambda doc: None,
    "a number": lambda doc: 5,
}


def _calls():
    for factory in HEADS:
        calls = {
            "predict": lambda pipe, docs: pipe.predict(docs),
            "set_annotations": lambda pipe, docs: pipe.set_annotations(docs, None),
            **METHODS.get(factory, {}),
        }
        for name, call in calls.items():
            yield pytest.param(factory, call, id=f"{factory}-{name}")


@pytest.mark.parametrize("given", NO_DOCS.values(), ids=NO_DOCS)
@pytest.mark.parametrize(("factory", "call"), [*_calls()])
def test_a_head_takes_a_list_of_documents(factory, call, given):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory, name="the_head")
    with pytest.raises(ValueError, match="E626.*'the_head'"):
        call(pipe, given(nlp.make_doc(TEXT)))


@pytest.mark.parametrize("given", [*NO_DOCS.values()][1:], ids=[*NO_DOCS][1:])
@pytest.mark.parametrize(("factory", "call"), SINGLE.items(), ids=SINGLE)
def test_a_method_for_one_document(factory, call, given):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    with pytest.raises(ValueError, match="E626"):
        call(pipe, given(nlp.make_doc(TEXT)))


@pytest.mark.parametrize("given", NO_DOCS.values(), ids=NO_DOCS)
def test_an_encoder_takes_a_list_of_documents(given, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=())
    pipe = nlp.get_pipe("transformer")
    doc = nlp.make_doc(TEXT)
    with pytest.raises(ValueError, match="E626.*'transformer'"):
        pipe.predict(given(doc))
    with pytest.raises(ValueError, match="E626"):
        pipe.set_annotations(given(doc), None)


def test_generators_and_tuples_of_documents_are_lists():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_multiple_choice")
    docs = [nlp.make_doc(TEXT)] * 2
    assert pipe.predict(tuple(docs)) == pipe.predict(doc for doc in docs) == [None, None]


@pytest.mark.parametrize("k", ["3", None, 1.5, True, 0, -1, [3], 2**64], ids=repr)
def test_the_number_of_fillings_is_a_whole_number(k):
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta_fill_mask")
    with pytest.raises(ValueError, match="E413.*'k'"):
        nlp.make_doc(TEXT)._.fill_mask(k)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"labels": ["travel", ""]}, "E627"),
        ({"labels": [" \t"]}, "E627"),
        ({"labels": "travel"}, "E624"),
        ({"labels": [3]}, "E624"),
        ({"labels": ["travel"], "multi_label": "yes"}, "E413.*'multi_label'"),
        ({"labels": ["travel"], "multi_label": 1}, "E413.*'multi_label'"),
        ({"labels": ["travel"], "hypothesis_template": ""}, "E621"),
        ({"labels": ["travel"], "hypothesis_template": 5}, "E621"),
    ],
    ids=str,
)
def test_arguments_of_a_zero_shot_classifier(arguments, code, tiny_checkpoint):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_zero_shot", config={"model": {"name": str(tiny_checkpoint)}})
    with pytest.raises(ValueError, match=code):
        pipe.classify([nlp.make_doc(TEXT)], **arguments)


@pytest.mark.parametrize("factory", ["deberta_sequence_classifier", "deberta_zero_shot"])
def test_an_empty_label_is_refused_everywhere(factory):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    with pytest.raises(ValueError, match="E627"):
        pipe.initialize(lambda: make_examples(nlp), labels=["travel", ""])
    if factory == "deberta_zero_shot":
        with pytest.raises(ValueError, match="E627"):
            pipe.add_label("")
        with pytest.raises(ValueError, match="E627"):
            spacy.blank("en").add_pipe(factory, config={"labels": [""]})


@pytest.mark.parametrize("lists", [[], [["Who?"]], [["Who?"], ["Who?"], ["Who?"]]], ids=len)
def test_a_list_of_questions_for_each_document(lists):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_question_answering")
    with pytest.raises(ValueError, match=f"E628.*2 documents.*for {len(lists)}"):
        pipe.answer_all([nlp.make_doc(TEXT)] * 2, lists)


@pytest.mark.parametrize("questions", [[[3]], [[None]], [[["Who?"]]], [None], 5], ids=repr)
def test_a_question_is_a_string(questions, tiny_checkpoint):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_question_answering")
    with pytest.raises(ValueError, match="E624|E647"):
        pipe.answer_all([nlp.make_doc(TEXT)], questions)
