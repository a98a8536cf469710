"""`deberta_multiple_choice`, compared with Hugging Face; pipelines, training and bad input."""

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.training import Example

import spacy_deberta
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pipeline.multiple_choice import Choice

QUESTIONS = (
    ("I waited forty minutes for a lukewarm soup, and", ["the waiter smiled", "Lyon", "not one!"]),
    ("Nobody expected the small team from Porto", ["to win the cup", "prices"]),
    (
        "In 1869 Dmitri Mendeleev published",
        ["a table of elements", "a cup", "oxygen", "in Lyon", "x"],
    ),
    ("", ["an answer to nothing", "light"]),
    ("Only one", ["choice"]),
)
COLORS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_config, tiny_tokenizer):
    """A checkpoint with the head, random weights."""
    model = spacy_deberta.DebertaV2ForMultipleChoice(DebertaV2Config.from_dict(tiny_config))
    model.init_weights(torch.Generator().manual_seed(3))
    path = tmp_path_factory.mktemp("multiple_choice") / "checkpoint"
    model.save_pretrained(path)
    tiny_tokenizer.save_pretrained(path)
    return path


def make_pipeline(name=None, *, settings=None, **model):
    nlp = spacy.blank("en")
    model = {"name": None if name is None else str(name), **model}
    nlp.add_pipe(
        "deberta_multiple_choice", name="choice", config={"model": model, **(settings or {})}
    )
    return nlp


@pytest.fixture(scope="module")
def nlp(folder):
    nlp = make_pipeline(folder)
    nlp.initialize()
    return nlp


def make_docs(nlp, questions=QUESTIONS):
    docs = []
    for text, choices in questions:
        doc = nlp.make_doc(text)
        doc._.choices = choices
        docs.append(doc)
    return docs


def make_examples(nlp, questions):
    examples = []
    for text, choices, right in questions:
        (predicted,) = make_docs(nlp, [(text, choices)])
        reference = predicted.copy()
        reference._.right_choice = right
        examples.append(Example(predicted, reference))
    return examples


@pytest.fixture(scope="module")
def theirs(folder):
    """From a text and choices to the logits of Hugging Face."""
    transformers = pytest.importorskip("transformers")
    return hugging_face(transformers, folder)


def hugging_face(transformers, folder):
    model = transformers.DebertaV2ForMultipleChoice.from_pretrained(folder).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(folder)

    @torch.no_grad()
    def logits(text, choices):
        inputs = tokenizer([text] * len(choices), choices, return_tensors="pt", padding=True)
        return model(**{key: value.unsqueeze(0) for key, value in inputs.items()}).logits[0]

    return logits


def test_scores_are_those_of_hugging_face(nlp, theirs):
    docs = list(nlp.pipe(make_docs(nlp)))
    for doc, (text, choices) in zip(docs, QUESTIONS, strict=True):
        expected = theirs(text, choices).softmax(-1)
        assert doc._.chosen["scores"] == pytest.approx(expected.tolist(), abs=1e-5)
        assert doc._.chosen["index"] == int(expected.argmax())
    # The scores are not all equal.
    assert max(max(doc._.chosen["scores"]) for doc in docs[:3]) > 0.5


def test_a_method_of_documents_gives_choices_best_first(nlp, theirs):
    text, choices = QUESTIONS[2]
    found = nlp.make_doc(text)._.choose(choices)
    assert all(isinstance(choice, Choice) for choice in found)
    expected = theirs(text, choices).softmax(-1)
    assert [choice.index for choice in found] == expected.argsort(descending=True).tolist()
    assert [choice.text for choice in found] == [choices[choice.index] for choice in found]
    for choice in found:
        assert choice.score == pytest.approx(float(expected[choice.index]), abs=1e-5)
    assert nlp.make_doc(text)._.chosen is None


words = st.lists(st.sampled_from(["a", "soup,", "Lyon!", "waiter", "2.5%", "é"]), max_size=60)


@pytest.mark.slow
@settings(max_examples=20)
@given(texts=st.lists(words.map(" ".join), min_size=1, max_size=4), data=st.data())
def test_long_texts_are_read_in_windows(nlp, tiny_tokenizer, texts, data):
    short = make_short(nlp)
    choices = data.draw(st.lists(st.sampled_from(["one", "a longer choice", "é"]), min_size=1))
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs:
        doc._.choices = choices
    for text, scores in zip(texts, short.predict(docs), strict=True):
        logits = [mean_over_windows(short, tiny_tokenizer, text, choice) for choice in choices]
        assert scores == pytest.approx(torch.tensor(logits).softmax(-1).tolist(), abs=1e-5)


def make_short(nlp, max_length=32, overlap=8):
    """The same component with short windows."""
    from spacy_deberta.pipeline.multiple_choice import MultipleChoice

    model = nlp.get_pipe("choice").model
    return MultipleChoice(nlp.vocab, model, "short", max_length=max_length, overlap=overlap)


def mean_over_windows(pipe, tokenizer, text, choice):
    """The definition: the minimum number of windows of equal length that share 8 pieces."""
    first, second = (tokenizer.encode_batch([part]).ids.tolist() for part in (text, choice))
    room = 32 - 3 - len(second)
    overlap = min(8, room // 2)
    count = 1
    while len(first) > room and count * (room - overlap) + overlap < len(first):
        count += 1
    length = -(-(len(first) + (count - 1) * overlap) // count)
    starts = [i * (len(first) - length) // max(count - 1, 1) for i in range(count)]
    module = pipe.model.layers[1].shims[0].module
    logits = []
    for start in starts:
        window = first[start : start + length]
        ids = tokenizer.build_inputs_with_special_tokens(window, second)
        assert len(ids) <= 32
        with torch.no_grad():
            logits.append(float(module(input_ids=torch.tensor([[ids]])).logits))
    return float(np.mean(logits))


def test_a_choice_that_leaves_no_room_is_refused(nlp):
    short = make_short(nlp, max_length=12, overlap=0)
    with pytest.raises(ValueError, match=r"E650.*Photosynthesis.*at most 12.*\[components.short\]"):
        short.choose(nlp.make_doc("What?"), ["light", "Photosynthesis turns light into sugar"])


def test_documents_without_choices_are_unchanged(nlp):
    docs = [nlp.make_doc("No question."), *make_docs(nlp), nlp.make_doc("")]
    found = list(nlp.pipe(docs, batch_size=2))
    assert [doc._.chosen is None for doc in found] == [True, *[False] * len(QUESTIONS), True]
    assert nlp.get_pipe("choice").predict([]) == []
    assert nlp("No question.")._.chosen is None


@pytest.mark.parametrize("choices", [[], "abc", None, {"a": 1}])
def test_a_question_without_choices_is_refused(nlp, choices):
    doc = nlp.make_doc("What?")
    with pytest.raises(ValueError, match="E651"):
        doc._.choose(choices)
    if choices is not None:
        doc._.choices = choices
        with pytest.raises(ValueError, match="E651"):
            nlp(doc)


@pytest.mark.parametrize("empty", ["", "  ", None, 3])
def test_empty_choices_are_refused(nlp, empty):
    with pytest.raises(ValueError, match="E653.*Choice 1"):
        nlp.make_doc("What?")._.choose(["this", empty])


@pytest.mark.parametrize("right", [2, -1, True, "0", 1.0])
def test_an_invalid_right_choice_is_refused(nlp, right):
    examples = make_examples(nlp, [("What?", ["this", "that"], right)])
    with pytest.raises(ValueError, match="E652.*from 0 to 1"):
        nlp.update(examples, losses={})


def test_the_chosen_one_survives_a_docbin(nlp):
    docs = list(nlp.pipe(make_docs(nlp)))
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    read = list(DocBin().from_bytes(data).get_docs(nlp.vocab))
    for doc, other in zip(docs, read, strict=True):
        assert list(other._.chosen["scores"]) == doc._.chosen["scores"]
        again = nlp(other)._.chosen  # of choices that have become a tuple
        assert again["scores"] == pytest.approx(doc._.chosen["scores"], abs=1e-5)


def easy_questions(count=24):
    """The right choice is the color in the text, at any position."""
    for i in range(count):
        color = COLORS[i % 3]
        choices = [COLORS[(i // 3 + j) % 3] for j in range(3)]
        if i % 4 == 0:  # questions have different numbers of choices
            choices = [choice for choice in choices if choice != COLORS[(i + 1) % 3]]
        yield f"The wall is {color}, what is it", choices, choices.index(color)


SCRATCH = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def from_scratch(vocabulary):
    return {"from_scratch": {"vocabulary": str(vocabulary), **SCRATCH}}


@pytest.fixture(scope="module")
def trained(tiny_vocabulary):
    spacy.util.fix_random_seed(0)
    nlp = make_pipeline(**from_scratch(tiny_vocabulary))
    examples = make_examples(nlp, easy_questions())
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.003
    losses = [nlp.update(examples, sgd=optimizer, losses={})["choice"] for _ in range(60)]
    return nlp, losses


@pytest.mark.slow
def test_training_from_scratch_beats_chance(trained):
    nlp, losses = trained
    examples = make_examples(nlp, easy_questions())
    assert losses[-1] < 0.3 * losses[0]
    assert nlp.evaluate(examples)["choice_acc"] > 0.9  # chance is 0.375


def test_the_loss_is_that_of_hugging_face(nlp, theirs):
    questions = [(text, choices, len(choices) - 1) for text, choices in QUESTIONS]
    batch = nlp.get_pipe("choice").training_batch(make_examples(nlp, questions))
    logits = torch.from_numpy(nlp.get_pipe("choice").model.predict(batch.sequences))
    expected = [-theirs(text, choices).log_softmax(-1)[right] for text, choices, right in questions]
    assert float(batch.loss(logits)) == pytest.approx(
        float(sum(expected)) / len(expected), abs=1e-5
    )


def test_examples_without_a_right_choice_have_no_loss(nlp):
    component = nlp.get_pipe("choice")
    examples = make_examples(nlp, [("What?", ["this", "that"], None)])
    assert component.training_batch(examples) is None
    assert component.update(examples) == {"choice": 0.0}
    assert not component.has_gold(examples)
    assert component.has_gold(make_examples(nlp, [("What?", ["this", "that"], 0)]))


def test_the_score_counts_questions_that_have_an_answer(nlp):
    examples = make_examples(nlp, [(*QUESTIONS[0], 0), (*QUESTIONS[1], 1), (*QUESTIONS[4], None)])
    chosen = [nlp(doc)._.chosen["index"] for doc in make_docs(nlp)[:2]]
    expected = ((chosen[0] == 0) + (chosen[1] == 1)) / 2
    assert nlp.evaluate(examples)["choice_acc"] == expected
    assert nlp.evaluate(examples[2:])["choice_acc"] is None


@pytest.mark.slow
def test_choices_only_in_gold_documents(trained, tmp_path):
    """Examples of spaCy's own reader, whose predicted documents have only the text."""
    nlp, _ = trained
    gold = [example.reference for example in make_examples(nlp, easy_questions())]
    DocBin(docs=gold, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    examples = list(spacy.training.Corpus(tmp_path / "gold.spacy")(nlp))
    assert all(example.predicted._.choices is None for example in examples)
    assert nlp.evaluate(examples)["choice_acc"] > 0.9
    assert nlp.get_pipe("choice").training_batch(examples) is not None
    assert all(example.predicted._.chosen is None for example in examples)


@pytest.mark.slow
def test_saving_and_loading(trained, tmp_path):
    transformers = pytest.importorskip("transformers")
    nlp, _ = trained
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    from_bytes = make_pipeline()
    from_bytes.from_bytes(nlp.to_bytes())
    logits = hugging_face(transformers, tmp_path / "pipeline" / "choice" / "model")
    for text, choices, _ in easy_questions(6):
        expected = logits(text, choices).softmax(-1).tolist()
        for other in (nlp, again, from_bytes):
            (doc,) = make_docs(other, [(text, choices)])
            assert other(doc)._.chosen["scores"] == pytest.approx(expected, abs=1e-5)


def test_an_encoder_can_be_shared(folder, tiny_checkpoint):
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta_sequence_classifier", config={"model": {"name": str(tiny_checkpoint)}})
    shared = {"shared_encoder": "deberta_sequence_classifier"}
    nlp.add_pipe("deberta_multiple_choice", name="choice", config={"model": shared})
    examples = make_examples(nlp, easy_questions(6))
    for example in examples:
        example.reference.cats = {"LONG": 1.0, "SHORT": 0.0}
    optimizer = nlp.initialize(lambda: examples)
    losses = nlp.update(examples, sgd=optimizer, losses={})
    assert losses["choice"] > 0
    owner, head = (pipe.model.layers[1].shims[0] for _, pipe in nlp.pipeline)
    assert head.encoder is owner.encoder
    doc = nlp(examples[0].predicted)
    assert set(doc.cats) == {"LONG", "SHORT"}
    assert len(doc._.chosen["scores"]) > 1


def test_a_checkpoint_without_the_head_needs_training_data(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    with pytest.raises(ValueError, match="E602.*multiple choice"):
        nlp.initialize()
    nlp.initialize(lambda: make_examples(nlp, easy_questions(3)))
    assert len(nlp.make_doc("What?")._.choose(["this", "that"])) == 2
