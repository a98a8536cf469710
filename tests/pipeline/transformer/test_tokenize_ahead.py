import threading

import pytest

from spacy_deberta.pipeline.transformer import component
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.pipeline.pipelines import TRAIN_DATA, make_examples, make_pipeline

TEXTS = [text for text, _ in TRAIN_DATA] + ["", "   "]


@pytest.fixture
def nlp(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=())
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture
def transformer(nlp, monkeypatch):
    """A component that tokenizes ahead, as for an encoder on a GPU."""
    monkeypatch.setattr(component, "waits_for_device", lambda model: True)
    return nlp.get_pipe("transformer")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def encoded_by(monkeypatch):
    """The threads that have tokenized each text."""
    seen = []
    encode = DebertaV2Tokenizer.encode_batch

    def encode_batch(self, texts, **options):
        seen.append((threading.current_thread() is threading.main_thread(), list(texts)))
        if any("bad" in text for text in texts):
            raise ValueError("bad text")
        return encode(self, texts, **options)

    monkeypatch.setattr(DebertaV2Tokenizer, "encode_batch", encode_batch)
    return seen


def pending(transformer):
    return transformer.model.layers[0].shims[0]._ahead


def test_rows_and_order_stay(transformer, nlp, encoded_by):
    docs = [nlp.make_doc(text) for text in TEXTS]
    found = list(transformer.pipe(docs, batch_size=3))
    assert all(one is other for one, other in zip(found, docs, strict=True))
    # All but the first batch are tokenized in the thread.
    expected = [(True, TEXTS[:3]), (False, TEXTS[3:6]), (False, TEXTS[6:])]
    assert sorted(encoded_by) == sorted(expected)
    assert not pending(transformer)
    again = [nlp.make_doc(text) for text in TEXTS]
    for start in range(0, len(again), 3):
        batch = again[start : start + 3]
        transformer.set_annotations(batch, transformer.predict(batch))
    for one, other in zip(found, again, strict=True):
        one, other = (d._.trf_data.model_output.get("last_hidden_state") for d in (one, other))
        assert one is other is None or (one == other).all()


def test_one_batch_is_read_ahead(transformer, nlp):
    read = []
    stream = (read.append(text) or nlp.make_doc(text) for text in TEXTS)
    piped = transformer.pipe(stream, batch_size=2)
    next(piped)
    assert read == TEXTS[:4]
    piped.close()
    assert not pending(transformer)


def test_a_text_that_fails_goes_to_the_error_handler_with_its_batch(transformer, nlp, encoded_by):
    failed = []
    transformer.set_error_handler(lambda name, proc, docs, error: failed.extend(docs))
    docs = [nlp.make_doc(text) for text in ["good", "bad", "fine", "also bad"]]
    assert [doc.text for doc in transformer.pipe(docs, batch_size=1)] == ["good", "fine"]
    assert [doc.text for doc in failed] == ["bad", "also bad"]
    assert not pending(transformer)


def test_an_error_in_the_stream_is_raised_after_the_batches_before_it(transformer, nlp):
    def stream():
        yield from (nlp.make_doc(text) for text in TEXTS[:2])
        raise OSError("the stream broke")

    found = []
    with pytest.raises(OSError, match="broke"):
        found.extend(transformer.pipe(stream(), batch_size=2))
    piped = transformer.pipe(stream(), batch_size=1)
    assert [next(piped).text for _ in range(2)] == TEXTS[:2]
    with pytest.raises(OSError, match="broke"):
        next(piped)
    assert not pending(transformer)


def test_texts_with_contexts(transformer, nlp):
    pairs = nlp.pipe([(text, i) for i, text in enumerate(TEXTS)], as_tuples=True, batch_size=2)
    assert [(doc.text, i) for doc, i in pairs] == [(text, i) for i, text in enumerate(TEXTS)]


def test_forked_processes(transformer, nlp):
    docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=2))
    assert [doc.text for doc in docs] == TEXTS
    assert "last_hidden_state" in docs[0]._.trf_data.model_output


def test_on_the_cpu_the_encoder_needs_the_cores(nlp, encoded_by):
    list(nlp.pipe(TEXTS, batch_size=2))
    assert all(in_main for in_main, _ in encoded_by)
