"""`deberta_question_answering`, compared with Hugging Face's pipeline and with the paper.

The oracle reads the same folder: its tokenizer, its model, its pipeline.
"""

import itertools
import random
import re
from collections import Counter

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_deberta import DebertaV2ForQuestionAnswering, DebertaV2ForSequenceClassification
from spacy_deberta.corpora import get_questions, set_questions
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pipeline.question_answering.answers import (
    Answer,
    choose_answers,
    score_candidates,
)
from spacy_deberta.pipeline.question_answering.scorer import normalize_answer, word_f1
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.conftest import SENTENCES

WORDS = re.findall(
    r"\w+",
    """
    amber birch cedar delta ember flint grove heron ivory jasper kestrel lemon maple nutmeg otter
    pearl quartz raven sable topaz umber violet willow xenon yarrow zinnia acorn basil clover dune
    elm fern garnet hazel iris jade kelp larch moss nettle opal poppy quail reed sage thyme
    """,
)
TEXT = "Mira Okafor left Halden Freight in Rotterdam on Friday after nine years."
QUESTIONS = ["Who left Halden Freight?", "When did she leave?", "Where?"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A vocabulary in which every one of `WORDS` is one piece."""
    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    rng = random.Random(0)
    lists = [" ".join(rng.sample(WORDS, 8)) for _ in range(200)]
    train_vocabulary([*SENTENCES, *lists], path, vocab_size=430)
    tokenizer = DebertaV2Tokenizer(vocab_file=path)
    assert len(tokenizer.encode_batch([" ".join(WORDS)]).ids) == len(WORDS)
    return tokenizer


@torch.no_grad()
def save(folder, model, tokenizer):
    model.init_weights(torch.Generator().manual_seed(3))
    if isinstance(model, DebertaV2ForQuestionAnswering):
        # Larger differences of scores; the bias of [CLS] makes some questions unanswerable.
        ids = torch.tensor([[tokenizer.cls_token_id, *range(260, 300), tokenizer.sep_token_id]])
        rows = model.eval().deberta(ids).last_hidden_state[0]
        model.qa_outputs.weight.mul_(4.0).add_(0.5 * (rows[0] - rows.mean(0)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_config, tokenizer):
    config = DebertaV2Config.from_dict({**tiny_config, "vocab_size": 600})
    folder = tmp_path_factory.mktemp("checkpoints") / "answers"
    return save(folder, DebertaV2ForQuestionAnswering(config), tokenizer)


@pytest.fixture(scope="module")
def oracle(checkpoint):
    """Hugging Face's pipeline on the same folder."""
    transformers = pytest.importorskip("transformers")
    return transformers.QuestionAnsweringPipeline(
        model=transformers.DebertaV2ForQuestionAnswering.from_pretrained(checkpoint),
        tokenizer=transformers.DebertaV2TokenizerFast(vocab_file=str(checkpoint / "spm.model")),
        device="cpu",
    )


def make_pipeline(checkpoint, **settings):
    nlp = spacy.blank("en")
    model = {"name": str(checkpoint)}
    nlp.add_pipe("deberta_question_answering", config={"model": model, **settings})
    return nlp


@pytest.fixture
def make(checkpoint):
    """Make a pipeline on the checkpoint."""

    def make_initialized(**settings):
        nlp = make_pipeline(checkpoint, **settings)
        nlp.initialize()
        return nlp

    return make_initialized


def component_of(nlp):
    return nlp.get_pipe("deberta_question_answering")


def sample(seed, count, text_length):
    """Questions and texts of different words."""
    rng = random.Random(seed)
    for _ in range(count):
        yield " ".join(rng.sample(WORDS, 4)), " ".join(rng.sample(WORDS, text_length))


def ask(oracle, question, text, **settings):
    """Text, start, end and score of each answer of the oracle, without the space before it."""
    answers = oracle(
        question=question,
        context=text,
        align_to_words=False,
        max_question_len=300,
        **settings,
    )
    for answer in answers if isinstance(answers, list) else [answers]:
        start = answer["end"] - len(answer["answer"].strip())
        yield answer["answer"].strip(), start, answer["end"], answer["score"]


def same_answers(answers, expected):
    expected = list(expected)
    assert [(a.text, a.start_char, a.end_char) for a in answers] == [e[:3] for e in expected]
    assert [a.score for a in answers] == pytest.approx([e[3] for e in expected], rel=1e-4)


@pytest.mark.parametrize("no_answer", [False, True])
@pytest.mark.parametrize("n_best", [1, 4])
def test_one_window(n_best, no_answer, make, oracle):
    nlp = make(n_best=n_best, no_answer=no_answer)
    given_up = 0
    for question, text in sample(1, 25, 30):
        answers = nlp.make_doc(text)._.answer(question)
        theirs = ask(oracle, question, text, top_k=n_best, handle_impossible_answer=no_answer)
        same_answers(answers, theirs)
        given_up += sum(answer.text == "" for answer in answers)
    assert (given_up > 0) is no_answer


def test_longest_answer(make, oracle):
    nlp = make(n_best=3)
    lengths = set()
    for question, text in sample(2, 25, 30):
        for longest in (1, 3, 40):
            doc = nlp.make_doc(text)
            answers = doc._.answer(question, max_answer_length=longest)
            same_answers(answers, ask(oracle, question, text, top_k=3, max_answer_len=longest))
            lengths.update((longest, len(answer.text.split())) for answer in answers)
    assert max(length for longest, length in lengths if longest == 3) == 3
    assert max(length for longest, length in lengths if longest == 40) > 15


@pytest.mark.parametrize("no_answer", [False, True])
def test_several_windows(no_answer, make, oracle):
    """Lengths for which Hugging Face's windows are ours, and have no shared answers to sum up."""
    nlp = make(n_best=3, max_length=4 + 3 + 13, overlap=0, no_answer=no_answer)
    for question, text in sample(3, 25, 39):
        theirs = ask(
            oracle,
            question,
            text,
            top_k=3,
            max_seq_len=20,
            doc_stride=0,
            handle_impossible_answer=no_answer,
        )
        same_answers(nlp.make_doc(text)._.answer(question), theirs)


@torch.no_grad()
def brute_force(oracle, question, text, *, window, overlap, longest, n_best):
    """All pairs of pieces of all windows, one by one, from Hugging Face's logits."""
    encode = oracle.tokenizer
    asked = encode(question, add_special_tokens=False).input_ids
    whole = encode(text, add_special_tokens=False, return_offsets_mapping=True)
    best: dict[tuple[int, int], float] = {}
    no_answer = 1.0
    for start in range(0, len(whole.input_ids) - overlap, window - overlap):
        ids = whole.input_ids[start : start + window]
        assert len(ids) == window
        cls, sep = encode.cls_token_id, encode.sep_token_id
        output = oracle.model(torch.tensor([[cls, *asked, sep, *ids, sep]]))
        rows = [0, *range(len(asked) + 2, len(asked) + 2 + window)]
        starts = output.start_logits[0, rows].softmax(0).tolist()
        ends = output.end_logits[0, rows].softmax(0).tolist()
        no_answer = min(no_answer, starts[0] * ends[0])
        for first, last in itertools.product(range(window), repeat=2):
            if first <= last < first + longest:
                begin, end = (
                    whole.offset_mapping[start + first][0],
                    whole.offset_mapping[start + last][1],
                )
                begin += text[begin] == " "
                score = starts[first + 1] * ends[last + 1]
                best[begin, end] = max(best.get((begin, end), 0.0), score)
    found = [(text[begin:end], begin, end, score) for (begin, end), score in best.items()]
    found.append(("", 0, 0, no_answer))
    return sorted(found, key=lambda answer: -answer[3])[:n_best]


def test_windows_that_overlap(make, oracle):
    nlp = make(n_best=6, max_length=4 + 3 + 16, overlap=6, no_answer=True, max_answer_length=5)
    shared = 0
    for question, text in sample(4, 15, 16 + 2 * 10):
        answers = nlp.make_doc(text)._.answer(question)
        theirs = brute_force(oracle, question, text, window=16, overlap=6, longest=5, n_best=6)
        same_answers(answers, theirs)
        words = [len(text[: answer.start_char].split()) for answer in answers]
        shared += sum(10 <= word < 16 or 20 <= word < 26 for word in words)
    assert shared > 5


@st.composite
def windows(draw):
    """Logits and pieces; some pieces are a space, or a part of a character."""
    count = draw(st.integers(0, 9))
    starts, ends, place = [], [], 0
    for kind in draw(st.lists(st.sampled_from(["piece", "space", "byte"]), min_size=count)):
        if len(starts) == count:
            break
        if kind == "byte" and ends and ends[-1] > starts[-1]:
            starts.append(starts[-1])
            ends.append(ends[-1])
            continue
        place += draw(st.integers(0, 1))
        starts.append(place)
        place += 0 if kind == "space" else draw(st.integers(1, 3))
        ends.append(place)
    values = st.floats(-5, 5, width=32)
    row = st.tuples(values, values)
    logits = draw(st.lists(row, min_size=count + 1, max_size=count + 1))
    return np.array(logits, "f"), np.array(starts, "i8"), np.array(ends, "i8")


@given(st.lists(windows(), min_size=1, max_size=3), st.integers(1, 12), st.integers(1, 5))
def test_candidates_by_brute_force(batch, longest, n_best):
    best: dict[tuple[int, int], float] = {}
    for logits, starts, ends in batch:
        p = np.exp(logits) / np.exp(logits).sum(0)
        for first, last in itertools.product(range(len(starts)), repeat=2):
            if first <= last < first + longest:
                inside = [i for i in range(first, last + 1) if ends[i] > starts[i]]
                if inside:
                    key = (int(starts[inside[0]]), int(ends[inside[-1]]))
                    score = p[first + 1, 0] * p[last + 1, 1]
                    best[key] = max(best.get(key, 0.0), score)
    doc = Doc(Vocab(), words=["x" * 60])
    read = [score_candidates(*window, max_answer_length=longest) for window in batch]
    answers = choose_answers(doc, read, n_best=n_best, no_answer=False)
    expected = sorted(best.values(), reverse=True)[:n_best]
    assert [answer.score for answer in answers] == pytest.approx(expected, rel=1e-3)
    for answer in answers:
        assert best[answer.start_char, answer.end_char] == pytest.approx(answer.score, rel=1e-3)
    assert len({(a.start_char, a.end_char) for a in answers}) == len(answers)


def test_answers_are_spans_of_the_text(make):
    nlp = make(n_best=8, max_answer_length=6)
    doc = nlp.make_doc("  Mira   Okafor\tleft\n\nHalden ½ 日本 Freight,in Rotterdam  ")
    for question in QUESTIONS:
        answers = doc._.answer(question)
        assert len(answers) == 8
        for answer in answers:
            assert isinstance(answer, Answer)
            assert answer.text == doc.text[answer.start_char : answer.end_char]
            assert answer.text == answer.text.strip() != ""
            tokens = [
                token.i
                for token in doc
                if token.idx < answer.end_char and token.idx + len(token) > answer.start_char
            ]
            assert (answer.span.start, answer.span.end) == (tokens[0], tokens[-1] + 1)


def test_one_question_and_many(make):
    nlp = make(max_length=24, overlap=4, n_best=2)
    docs = [nlp.make_doc(text) for text in (TEXT, *SENTENCES)]
    questions = [QUESTIONS[: index % 4] for index, _ in enumerate(docs)]
    together = component_of(nlp).answer_all(docs, questions)
    assert [len(answers) for answers in together] == [len(asked) for asked in questions]
    for doc, asked, answers in zip(docs, questions, together, strict=True):
        assert asked == [] or [a[0].text for a in answers] == [
            doc._.answer(question)[0].text for question in asked
        ]
    doc = docs[0]
    assert len(doc._.answer(QUESTIONS)) == 3
    assert doc._.answer([]) == []
    assert doc._.answer([QUESTIONS[0]])[0] == doc._.answer(QUESTIONS[0])
    assert component_of(nlp).answer_all([], []) == []


def test_every_text_is_tokenized_once(make, monkeypatch):
    nlp = make()
    encode, seen = DebertaV2Tokenizer.encode_batch, Counter()

    def counted(self, texts, *args, **kwargs):
        seen.update(texts)
        return encode(self, texts, *args, **kwargs)

    monkeypatch.setattr(DebertaV2Tokenizer, "encode_batch", counted)
    docs = [nlp.make_doc(text) for text in SENTENCES]
    component_of(nlp).answer_all(docs, [QUESTIONS * 2] * len(docs))
    assert seen == Counter([*SENTENCES, *QUESTIONS])


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_texts_without_characters(text, make):
    nlp = make()
    doc = nlp.make_doc(text)
    assert doc._.answer("Who?") == []
    (answer,) = doc._.answer("Who?", no_answer=True)
    assert (answer.text, answer.start_char, answer.end_char, answer.span) == ("", 0, 0, None)
    assert 0 < answer.score <= 1
    set_questions(doc, [{"id": "a", "question": "Who?"}])
    assert nlp(doc)._.answers == {"a": []}
    assert doc._.answer("") == []


def test_no_room_for_the_text(make):
    nlp = make(max_length=12, overlap=2)
    doc = nlp.make_doc(TEXT)
    assert doc._.answer(" ".join(WORDS[:8]))
    with pytest.raises(ValueError, match=r"E640.*'amber.* has 9 pieces.*at most 12"):
        doc._.answer(["Who?", " ".join(WORDS[:9])])


@pytest.mark.parametrize(
    "settings", [{"n_best": 0}, {"max_answer_length": 0}, {"max_length": 3}, {"overlap": 381}]
)
def test_settings_that_cannot_be(settings, checkpoint, make):
    with pytest.raises(ValueError, match=f"E413.*{next(iter(settings))}"):
        make_pipeline(checkpoint, **settings)
    if settings.keys() & {"n_best", "max_answer_length"}:
        nlp = make()
        with pytest.raises(ValueError, match="E413"):
            nlp.make_doc(TEXT)._.answer("Who?", **settings)


def with_questions(nlp, text=TEXT, *answers, asked=QUESTIONS):
    """A document whose first question has these answers, and the others those in the text."""
    doc = nlp.make_doc(text)
    questions = []
    for index, question in enumerate(asked):
        gold = [answers[index]] if index < len(answers) and answers[index] else []
        questions.append(
            {
                "id": f"q{index}",
                "question": question,
                "answers": [{"text": answer, "start": text.index(answer)} for answer in gold],
            }
        )
    set_questions(doc, questions)
    return doc


def test_questions_of_documents(make):
    nlp = make(n_best=2, no_answer=True)
    docs = [with_questions(nlp, text) for text in (TEXT, *SENTENCES)]
    docs.insert(3, nlp.make_doc("Nobody asks."))
    expected = [[doc._.answer(question) for question in QUESTIONS] for doc in docs]
    for doc, answers in zip(nlp.pipe(docs, batch_size=4), expected, strict=True):
        if doc.text == "Nobody asks.":
            assert doc._.answers is None
            continue
        for index, each in enumerate(answers):
            theirs = doc._.answers[f"q{index}"]
            assert [a["text"] for a in theirs] == [answer.text for answer in each]
            assert [a["score"] for a in theirs] == pytest.approx([a.score for a in each], rel=1e-4)
            for answer in theirs:
                assert answer["text"] == doc.text[answer["start"] : answer["end"]]
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    again = list(DocBin().from_bytes(stored).get_docs(nlp.vocab))
    assert [list(doc._.answers or ()) for doc in again] == [list(d._.answers or ()) for d in docs]
    once_more = nlp(again[0])._.answers
    assert once_more["q0"][0]["text"] == docs[0]._.answers["q0"][0]["text"]


def test_saved_and_loaded(make, tmp_path):
    nlp = make(n_best=3, no_answer=True, max_length=20, overlap=3)
    nlp.to_disk(tmp_path / "pipeline")
    expected = nlp.make_doc(TEXT)._.answer(QUESTIONS)
    for again in (spacy.load(tmp_path / "pipeline"), spacy.blank("en").from_bytes(nlp.to_bytes())):
        if not again.pipe_names:
            continue
        given = again.make_doc(TEXT)._.answer(QUESTIONS)
        for ours, theirs in zip(given, expected, strict=True):
            assert [a.text for a in ours] == [a.text for a in theirs]


def gold_rows(nlp, doc):
    """For each sequence of a training batch: its pieces, and those of the answer."""
    component = component_of(nlp)
    batch = component.training_batch([Example(nlp.make_doc(doc.text), doc)])
    tokenizer = component.model.layers[0].shims[0].tokenizer
    scores = torch.zeros(len(batch.sequences.input_ids), 2, requires_grad=True)
    batch.loss(scores).backward()
    for start, end in itertools.pairwise(batch.sequences.cu_rows.tolist()):
        pieces = tokenizer.convert_ids_to_tokens(batch.sequences.input_ids[start:end].tolist())
        # In the gradient of a softmax, only the target is negative.
        first, last = scores.grad[start:end].argmin(0).tolist()
        yield pieces, first, last


def test_gold_answers(make):
    nlp = make(max_length=9, overlap=2)
    words = WORDS[:12]
    doc = with_questions(nlp, " ".join(words), "cedar delta", asked=["reed sage"])
    found = list(gold_rows(nlp, doc))
    seen = []
    for pieces, first, last in found:
        assert pieces[:4] == ["[CLS]", "▁reed", "▁sage", "[SEP]"]
        assert pieces[-1] == "[SEP]"
        window = " ".join(piece.strip("▁") for piece in pieces[4:-1])
        whole = "cedar delta" in window
        seen.append(whole)
        answer = [piece.strip("▁") for piece in pieces[first : last + 1]]
        assert answer == (["cedar", "delta"] if whole else ["[CLS]"])
    assert set(seen) == {True, False}


@given(data=st.data())
def test_gold_answers_are_the_pieces_that_share_a_character(checkpoint, data):
    text = data.draw(st.text("ab 日½\t.", min_size=1, max_size=25))
    start = data.draw(st.integers(0, len(text) - 1))
    answer = text[start : data.draw(st.integers(start + 1, len(text)))]
    nlp = _initialized(checkpoint)
    doc = nlp.make_doc(text)
    gold = [{"text": answer, "start": start}]
    set_questions(doc, [{"id": "a", "question": "reed", "answers": gold}])
    component = component_of(nlp)
    tokenizer = component.model.layers[0].shims[0].tokenizer
    pieces = tokenizer.encode_batch([text])
    expected = [
        index
        for index, (begin, end) in enumerate(zip(pieces.starts, pieces.ends, strict=True))
        if end > begin and begin < start + len(answer) and end > start
    ]
    if not expected:
        with pytest.warns(UserWarning, match="W611"):
            assert component.training_batch([Example(nlp.make_doc(text), doc)]) is None
        return
    ((_, first, last),) = gold_rows(nlp, doc)
    assert (first - 3, last - 3) == (expected[0], expected[-1])


_PIPELINES: dict = {}


def _initialized(checkpoint):
    """A cached pipeline for all examples of a property."""
    if checkpoint not in _PIPELINES:
        _PIPELINES[checkpoint] = make_pipeline(checkpoint)
        _PIPELINES[checkpoint].initialize()
    return _PIPELINES[checkpoint]


def test_the_loss_is_that_of_hugging_face(make, oracle):
    nlp = make()
    doc = with_questions(
        nlp, " ".join(WORDS[:20]), "cedar", "heron ivory", "kestrel", asked=WORDS[-3:]
    )
    losses = []
    for pieces, first, last in gold_rows(nlp, doc):
        ids = oracle.tokenizer.convert_tokens_to_ids(pieces)
        output = oracle.model(
            torch.tensor([ids]),
            start_positions=torch.tensor([first]),
            end_positions=torch.tensor([last]),
        )
        losses.append(float(output.loss))
    assert len(losses) == 3
    examples = [Example(nlp.make_doc(doc.text), doc)]
    given = component_of(nlp).update(examples, drop=0.0)
    assert given["deberta_question_answering"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_questions_without_answer(make):
    strict, lenient = make(), make(no_answer=True)
    for nlp in (strict, lenient):
        doc = with_questions(nlp, TEXT, "Mira Okafor", None, asked=QUESTIONS[:2])
        if nlp is strict:
            with pytest.raises(ValueError, match="E641.*'q1'"):
                nlp.update([Example(nlp.make_doc(TEXT), doc)])
        else:
            found = [(first, last) for _, first, last in gold_rows(nlp, doc)]
            assert found[0] != (0, 0)
            assert found[1] == (0, 0)


def test_answers_longer_than_the_windows(make):
    nlp = make(max_length=9, overlap=2)
    doc = with_questions(nlp, " ".join(WORDS), "cedar", " ".join(WORDS[:8]), asked=["reed", "sage"])
    with pytest.warns(UserWarning, match=r"W611\] 1 of the 2 questions .*: q1\."):
        rows = list(gold_rows(nlp, doc))
    assert {pieces[1] for pieces, _, _ in rows} == {"▁reed"}
    doc._.questions = doc._.questions[1:]
    with pytest.warns(UserWarning, match="W611"):
        losses = nlp.update([Example(nlp.make_doc(doc.text), doc)])
    assert losses == {"deberta_question_answering": 0.0}


def test_examples_without_answers_have_no_loss(make):
    nlp = make()
    doc = nlp.make_doc(TEXT)
    assert nlp.update([Example(doc, doc.copy())]) == {"deberta_question_answering": 0.0}
    doc._.questions = [{"id": "a", "question": "Who?", "answers": [{"text": "Mira", "start": 3}]}]
    with pytest.raises(ValueError, match="E642"):
        nlp.update([Example(nlp.make_doc(TEXT), doc)])


def test_a_new_head(tmp_path, tiny_config, tokenizer):
    config = DebertaV2Config.from_dict({**tiny_config, "vocab_size": 600})
    other = DebertaV2ForSequenceClassification(config.with_labels(["a", "b", "c"]))
    nlp = make_pipeline(save(tmp_path / "other", other, tokenizer))
    with pytest.raises(ValueError, match="E602"):
        nlp.initialize()
    doc = with_questions(nlp, TEXT, "Mira Okafor", "Friday", "Rotterdam")
    nlp.initialize(lambda: [Example(nlp.make_doc(TEXT), doc)])
    assert len(nlp.make_doc(TEXT)._.answer(QUESTIONS)) == 3
    component_of(nlp).to_disk(tmp_path / "component")
    again = DebertaV2ForQuestionAnswering.from_pretrained(tmp_path / "component" / "model")
    assert again.config.num_labels == 2


def test_a_shared_encoder(tmp_path, tiny_config, tokenizer, checkpoint):
    config = DebertaV2Config.from_dict({**tiny_config, "vocab_size": 600})
    other = DebertaV2ForSequenceClassification(config.with_labels(["a", "b", "c"]))
    folder = save(tmp_path / "other", other, tokenizer)
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta_sequence_classifier", config={"model": {"name": str(folder)}})
    shared = {"model": {"shared_encoder": "deberta_sequence_classifier"}}
    nlp.add_pipe("deberta_question_answering", config=shared)
    doc = with_questions(nlp, TEXT, "Mira Okafor", "Friday", "Rotterdam")
    doc.cats = {"a": 1.0, "b": 0.0, "c": 0.0}
    examples = [Example(nlp.make_doc(TEXT), doc)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    first = nlp.update(examples, sgd=optimizer)["deberta_question_answering"]
    for _ in range(25):
        losses = nlp.update(examples, sgd=optimizer)
    assert losses["deberta_question_answering"] < first / 2
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert [a[0].text for a in again.make_doc(TEXT)._.answer(QUESTIONS)] == [
        a[0].text for a in nlp.make_doc(TEXT)._.answer(QUESTIONS)
    ]


def test_training_finds_the_answers(make):
    """spaCy's reader sets no questions on predicted documents, so scoring copies them."""
    nlp = make()
    doc = with_questions(nlp, TEXT, "Mira Okafor", "Friday", "Rotterdam")

    def examples():
        return [Example(nlp.make_doc(TEXT), doc)]

    before = nlp.evaluate(examples())
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.005
    for _ in range(40):
        nlp.update(examples(), sgd=optimizer)
    after = nlp.evaluate(examples())
    assert before["qa_f1"] < 1.0
    assert (after["qa_exact"], after["qa_f1"], after["qa_no_answer"]) == (1.0, 1.0, None)
    asked = nlp.make_doc(TEXT)
    asked._.questions = [{**question, "answers": []} for question in get_questions(doc)]
    assert nlp.evaluate([Example(asked, doc)])["qa_exact"] == 1.0


@given(st.text("aAntheT .,!-–\u00e9", max_size=20), st.text("aAntheT .,!-–\u00e9", max_size=20))
def test_scores_are_those_of_squad(one, other):
    metrics = pytest.importorskip("transformers.data.metrics.squad_metrics")
    assert normalize_answer(one) == metrics.normalize_answer(one)
    assert word_f1(one, other) == pytest.approx(metrics.compute_f1(other, one))


def test_scorer():
    nlp = spacy.blank("en")
    gold = with_questions(nlp, TEXT, "Mira Okafor", "Friday", None, asked=[*QUESTIONS, "Why?"])
    gold._.questions[0]["answers"].append({"text": "Okafor", "start": TEXT.index("Okafor")})
    given = nlp.make_doc(TEXT)
    given._.answers = {
        "q0": [{"text": "The Okafor,"}, {"text": "Friday"}],
        "q1": [{"text": "on Friday"}],
        "q2": [{"text": ""}],
    }
    scores = _score([Example(given, gold)])
    # Right, one of two words, rightly none, and no answer although there is one.
    assert scores["qa_exact"] == pytest.approx(3 / 4)
    assert scores["qa_f1"] == pytest.approx((1 + 2 / 3 + 1 + 1) / 4)
    assert scores["qa_no_answer"] == 1.0
    given._.answers["q3"] = [{"text": "years"}]
    assert _score([Example(given, gold)])["qa_no_answer"] == 0.5
    nothing = _score([Example(nlp.make_doc(TEXT), nlp.make_doc(TEXT))])
    assert nothing == {"qa_exact": None, "qa_f1": None, "qa_no_answer": None}


def _score(examples):
    scorer = spacy.registry.scorers.get("spacy-deberta.question_answering_scorer.v1")
    return scorer()(examples)


@pytest.mark.parametrize("question", [5, None, ["Who?", 5]])
def test_a_question_must_be_a_string(question, make):
    nlp = make()
    with pytest.raises(ValueError, match="E647"):
        nlp("Mira left.")._.answer(question)
