import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc, DocBin
from thinc.api import Config

import spacy_deberta
from spacy_deberta import DebertaV2Model
from spacy_deberta.nn import DebertaV2Encoder
from tests.pipeline.pipelines import (
    FACTORIES,
    TRAIN_DATA,
    encoder_config,
    make_examples,
    make_pipeline,
    make_trained,
    rows,
)

TEXTS = [text for text, _ in TRAIN_DATA]


@pytest.fixture(scope="module", params=FACTORIES)
def trained(request, tiny_checkpoint):
    return make_trained(tiny_checkpoint, factory=request.param, heads=("tagger", "ner"))


@pytest.fixture
def initialized(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def annotations(docs):
    return [
        ([(t.text, t.tag_) for t in doc], [(e.text, e.label_) for e in doc.ents]) for doc in docs
    ]


def test_rows_are_those_of_the_encoder(initialized, tiny_checkpoint, tiny_tokenizer):
    text = "Mira Okafor   left Rotterdam 😀 on Friday."
    doc = initialized.make_doc(text)
    (found,) = rows(initialized, [text])
    ids = [
        tiny_tokenizer.cls_token_id,
        *tiny_tokenizer.encode_batch([text]).ids.tolist(),
        tiny_tokenizer.sep_token_id,
    ]
    with torch.no_grad():
        encoded = DebertaV2Model.from_pretrained(tiny_checkpoint)(torch.tensor([ids]))
    expected = encoded.last_hidden_state.numpy()
    assert any(token.is_space for token in doc)
    np.testing.assert_allclose(found[:, :-1], expected, atol=1e-5)
    assert (found[:, -1] == 0).all()  # the row of the token of spaces


def test_trf_data_tells_pieces_and_alignment(initialized):
    doc = initialized("Mira   left Rotterdam.")
    data = doc._.trf_data
    strings = data.wordpieces.strings[0]
    assert strings[0] == "[CLS]"
    assert strings[-2:] == ["[SEP]", "[PAD]"]
    assert data.wordpieces.input_ids.shape == (1, len(strings))
    assert data.wordpieces.attention_mask.sum() == len(strings) - 1 == data.wordpieces.lengths[0]
    by_token = np.split(data.align.dataXd, np.cumsum(data.align.lengths))[:-1]
    for token, indices in zip(doc, by_token, strict=True):
        joined = "".join(strings[i] for i in indices).replace("▁", "")
        assert joined == ("[PAD]" if token.is_space else token.text)


def test_hidden_states_of_every_layer(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, output_hidden_states=True)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer(), losses={})
    data = nlp("Mira left.")._.trf_data
    states = data.model_output.hidden_states
    assert len(states) == 3
    assert (states[-1] == data.model_output.last_hidden_state).all()
    assert all(state.shape == states[0].shape for state in states)


def test_batches_give_what_single_documents_give(trained):
    texts = [*TEXTS, "", "   ", *TEXTS[::-1]]
    batched = list(trained.pipe(texts, batch_size=5))
    assert annotations(batched) == annotations([trained(text) for text in texts])
    for one, other in zip(rows(trained, texts[:6]), rows(trained, texts[5::-1])[::-1], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("getter", ["spacy-deberta.piece_windows.v1", "spacy-deberta.doc_spans.v1"])
def test_sub_batches_give_what_one_batch_gives(getter, tiny_checkpoint):
    texts = [*TEXTS, "", "   ", "Mira left Rotterdam on Friday. " * 60, *TEXTS[::-1]]

    def encode(**settings):
        nlp = make_pipeline(tiny_checkpoint, get_spans={"@span_getters": getter}, **settings)
        nlp.initialize(lambda: make_examples(nlp))
        docs = nlp.get_pipe("transformer").pipe([nlp.make_doc(text) for text in texts])
        return [doc._.trf_data for doc in docs]

    for one, other in zip(encode(max_batch_pieces=40), encode(), strict=True):
        assert one.wordpieces.strings == other.wordpieces.strings
        assert one.align.dataXd.tolist() == other.align.dataXd.tolist()
        assert one.align.lengths.tolist() == other.align.lengths.tolist()
        found, rows = (d.model_output.get("last_hidden_state", np.zeros(0)) for d in (one, other))
        np.testing.assert_allclose(found, rows, atol=1e-5)


@pytest.mark.slow
def test_no_document_is_too_long(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    words = ("Mira left Rotterdam on Friday " * 20_000).split()
    assert len(words) == 100_000
    doc = nlp(Doc(nlp.vocab, words=words))
    assert all(token.tag_ for token in doc[-5:])
    hidden = doc._.trf_data.model_output.last_hidden_state
    assert np.isfinite(hidden).all()
    assert (np.abs(hidden).sum(-1) > 0).all()
    long_word = nlp("a" * 5_000)
    assert len(long_word) == 1
    assert long_word._.trf_data.align.lengths.tolist() == [
        long_word._.trf_data.wordpieces.lengths[0] - 2
    ]
    assert nlp(" " * 5_000)._.trf_data.model_output.last_hidden_state.shape[1] == 3


@pytest.mark.slow
def test_memory_does_not_grow_with_the_square_of_a_document(initialized, monkeypatch):
    shim = initialized.get_pipe("transformer").model.layers[1].shims[0]
    sizes = []
    forward_packed = shim.encoder.forward_packed

    def recording(pieces, **options):
        sizes.append(sum(pieces.lengths))
        return forward_packed(pieces, **options)

    monkeypatch.setattr(shim.encoder, "forward_packed", recording)
    rows(initialized, ["Mira left Rotterdam. " * 5000])
    assert len(sizes) > 1
    assert max(sizes) <= shim.options.max_batch_pieces


def test_training_on_a_document_that_needs_many_sub_batches(tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, heads=("tagger",), max_batch_pieces=512)
    doc = nlp.make_doc("Mira left Rotterdam on Friday. " * 400)
    example = spacy.training.Example.from_dict(doc, {"tags": ["LOW"] * len(doc)})
    losses = nlp.update([example], sgd=nlp.create_optimizer(), losses={})
    assert losses["transformer"] > 0


@pytest.mark.parametrize(
    "pooling",
    ["reduce_mean.v1", "reduce_sum.v1", "reduce_first.v1", "reduce_last.v1", "reduce_max.v1"],
)
def test_every_pooling_takes_tokens_without_pieces(pooling, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=())
    config = Config().from_str(
        f"""
        [model]
        @architectures = "spacy.Tagger.v2"
        [model.tok2vec]
        @architectures = "spacy-deberta.TransformerListener.v1"
        [model.tok2vec.pooling]
        @layers = "{pooling}"
        """
    )
    nlp.add_pipe("tagger", config=config)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    doc = nlp(" \n  Mira   left\u200b \u200b .  ")
    assert len(doc._.trf_data.align.lengths) == len(doc)
    assert (doc._.trf_data.align.lengths > 0).all()


@pytest.mark.parametrize(
    "getter",
    [
        {"@span_getters": "spacy-deberta.strided_spans.v1", "window": 4, "stride": 2},
        {"@span_getters": "spacy-deberta.doc_spans.v1"},
    ],
)
@pytest.mark.parametrize("factory", FACTORIES)
def test_span_getters(getter, factory, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, factory=factory, get_spans=getter)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    doc = nlp("Mira left Rotterdam on Friday after nine years.")
    assert (np.abs(doc._.trf_data.model_output.last_hidden_state).sum(-1) > 0).all()


def test_a_control_token_in_a_text_is_text(initialized, tiny_tokenizer):
    data = initialized("Mira [SEP] left [MASK] [CLS]")._.trf_data
    ids = data.wordpieces.input_ids[0]
    special = [
        tiny_tokenizer.cls_token_id,
        tiny_tokenizer.sep_token_id,
        tiny_tokenizer.mask_token_id,
    ]
    assert np.isin(ids, special).sum() == 2  # the window's own


def test_two_threads_predict_on_one_pipeline(trained):
    texts = TEXTS * 10
    expected = annotations(trained.pipe(texts))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: annotations(trained.pipe(texts, batch_size=3)), range(4)))
    assert all(result == expected for result in results)


def test_two_processes_predict(trained):
    texts = TEXTS * 4
    expected = annotations(trained.pipe(texts))
    assert annotations(trained.pipe(texts, n_process=2, batch_size=4)) == expected


def test_docs_with_trf_data_can_be_stored(initialized):
    doc = initialized("Mira   left Rotterdam.")
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (restored,) = DocBin(store_user_data=True).from_bytes(stored).get_docs(initialized.vocab)
    one, other = doc._.trf_data, restored._.trf_data
    assert (one.model_output.last_hidden_state == other.model_output["last_hidden_state"]).all()
    assert (one.align.dataXd == other.align.dataXd).all()


def test_an_annotation_setter_sees_the_padded_batch(initialized):
    seen = []
    transformer = initialized.get_pipe("transformer")
    transformer.set_extra_annotations = lambda docs, batch: seen.append(batch)
    docs = list(transformer.pipe([initialized.make_doc(t) for t in ["Mira left.", "", "a   b"]]))
    (batch,) = seen
    assert [len(spans) for spans in batch.spans] == [1, 0, 1]
    padded = batch.model_output.last_hidden_state
    assert padded.shape[0] == len(batch.wordpieces) == 2
    assert padded.shape[:2] == batch.wordpieces.input_ids.shape
    flat = padded.reshape(-1, padded.shape[-1]).numpy()
    parts = [d._.trf_data for d in docs if len(d)]
    expected = np.concatenate([p.model_output.last_hidden_state[0][p.align.dataXd] for p in parts])
    assert (flat[batch.align.dataXd] == expected).all()


def test_a_failing_batch_goes_to_the_error_handler(initialized, monkeypatch):
    transformer = initialized.get_pipe("transformer")
    predict = transformer.predict

    def failing(docs):
        if any("bad" in doc.text for doc in docs):
            raise ValueError("bad batch")
        return predict(docs)

    monkeypatch.setattr(transformer, "predict", failing)
    failed = []
    transformer.set_error_handler(lambda name, proc, docs, error: failed.extend(docs))
    docs = [initialized.make_doc(text) for text in ["good", "bad", "fine"]]
    assert [doc.text for doc in transformer.pipe(docs, batch_size=1)] == ["good", "fine"]
    assert [doc.text for doc in failed] == ["bad"]
    assert transformer(initialized.make_doc("bad")).text == "bad"


def test_a_pipeline_can_be_pickled(trained):
    again = pickle.loads(pickle.dumps(trained))
    assert annotations(again.pipe(TEXTS)) == annotations(trained.pipe(TEXTS))


def test_use_before_initialization(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=())
    with pytest.raises(ValueError, match="E403"):
        nlp("Mira left.")


def test_without_a_source_the_error_says_what_to_set():
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config=encoder_config("x", name=None))
    with pytest.raises(ValueError, match=r"E401.*\[components\.deberta\.model\]"):
        nlp.initialize()
    with pytest.raises(ValueError, match="E402"):
        spacy.blank("en").add_pipe(
            "deberta", config=encoder_config("x", from_scratch={"hidden_size": 8})
        )


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"precision": "half"}, "E405"),
        ({"attention": "fast"}, "E113"),
        ({"far_positions": "none"}, "E413"),
        ({"storage_precision": "int4"}, "E413"),
        ({"max_batch_pieces": 0}, "E413"),
        ({"layer_lr_decay": 0.0}, "E413"),
        ({"freeze_layers": -1}, "E413"),
    ],
)
def test_invalid_settings_are_refused_before_loading(setting, code, tiny_checkpoint):
    with pytest.raises(ValueError, match=code):
        make_pipeline(tiny_checkpoint, **setting)


def test_more_frozen_layers_than_layers_are_refused(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, freeze_layers=3)
    with pytest.raises(ValueError, match="E413.*at most 2"):
        nlp.initialize(lambda: make_examples(nlp))


def test_few_frames_of_ours_lie_between_a_text_and_the_encoder(initialized, monkeypatch):
    """Fewer stack frames make the data flow easier to follow."""
    frames, run = [], DebertaV2Encoder.forward
    package = str(Path(spacy_deberta.__file__).parent)

    def counted(self, *args, **kwargs):
        stack = [frame.filename for frame in inspect.stack(context=0)]
        frames.append(sum(name.startswith(package) for name in stack))
        return run(self, *args, **kwargs)

    monkeypatch.setattr(DebertaV2Encoder, "forward", counted)
    initialized("Mira lives in Lyon.")
    # The encoder's own frame is the eighth.
    assert frames == [7]
