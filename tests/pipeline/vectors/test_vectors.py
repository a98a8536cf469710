"""Vectors of documents, spans and tokens, compared with Hugging Face's hidden states."""

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vectors import Vectors as SpacyVectors

from spacy_deberta.pipeline.vectors import restore_vectors
from spacy_deberta.pipeline.vectors.losses import SCALE, cosine_loss, in_batch_loss
from spacy_deberta.pipeline.vectors.scorer import rank

TEXTS = ["Nobody expected the team from Porto to win!", "Mira  left", "", "\n "]


def make_nlp(checkpoint, *, shared=False, name=None, pooling="mean", over="pieces", **settings):
    nlp = spacy.blank("en") if name is None else name
    encoder = {"name": str(checkpoint)}
    if shared:
        nlp.add_pipe("deberta", name="transformer", config={"model": encoder})
        tok2vec = {"@architectures": "spacy-deberta.DocumentListener.v1"}
    else:
        tok2vec = {"transformer": encoder}
    model = {"pooling": pooling, "over": over, "tok2vec": tok2vec}
    if shared:
        model["@architectures"] = "spacy-deberta.DocumentVectors.v1"
    nlp.add_pipe("deberta_vectors", config={"model": model, **settings})
    nlp.initialize()
    return nlp


@pytest.fixture(scope="module")
def nlp(tiny_checkpoint):
    return make_nlp(tiny_checkpoint)


@pytest.fixture(scope="module")
def hidden_states(tiny_checkpoint, tiny_tokenizer):
    """A function from a text to Hugging Face's rows, with [CLS] and [SEP]."""
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModel.from_pretrained(tiny_checkpoint).eval()

    def run(text):
        pieces, _ = tiny_tokenizer.encode_ids([text])
        ends = (tiny_tokenizer.cls_token_id, tiny_tokenizer.sep_token_id)
        ids = torch.tensor([[ends[0], *pieces.tolist(), ends[1]]])
        with torch.inference_mode():
            return model(ids).last_hidden_state[0].numpy()

    return run


@pytest.mark.parametrize(
    ("pooling", "pool"),
    [
        ("mean", lambda rows: rows[1:-1].mean(axis=0)),
        ("max", lambda rows: rows[1:-1].max(axis=0)),
        ("cls", lambda rows: rows[0]),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_documents(pooling, pool, shared, tiny_checkpoint, hidden_states):
    nlp = make_nlp(tiny_checkpoint, pooling=pooling, shared=shared)
    for text, doc in zip(TEXTS[:2], nlp.pipe(TEXTS[:2]), strict=True):
        assert doc.vector == pytest.approx(pool(hidden_states(text)), abs=1e-5)
        assert doc.has_vector
        assert shared or not Doc.has_extension("trf_data") or doc._.trf_data is None


def test_tokens_and_spans(nlp, tiny_checkpoint):
    rows = spacy.blank("en")
    rows.add_pipe("deberta", name="transformer", config={"model": {"name": str(tiny_checkpoint)}})
    rows.initialize()
    for doc, encoded in zip(nlp.pipe(TEXTS), rows.pipe(TEXTS), strict=True):
        align = encoded._.trf_data.align
        assert doc.tensor.shape == (len(doc), 32)
        for token in doc:
            own = align[token.i].dataXd.ravel()
            hidden = encoded._.trf_data.tensors[0][0][own]
            expected = hidden.mean(axis=0) if len(own) else np.zeros(32)
            assert token.vector == pytest.approx(expected, abs=1e-5)
            assert token.has_vector == (not token.is_space)
        assert not len(doc) or doc[:].vector == pytest.approx(doc.tensor.mean(axis=0), abs=1e-6)


def test_pooling_over_tokens(tiny_checkpoint):
    nlp = make_nlp(tiny_checkpoint, pooling="max", over="tokens", normalize=True)
    for doc in nlp.pipe(TEXTS[:2]):
        expected = doc.tensor.max(axis=0)
        assert doc.vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_texts_without_pieces(nlp):
    for text in ("", "\n "):
        doc = nlp(text)
        assert doc.vector.shape == (32,)
        assert not doc.vector.any()
        assert not doc.has_vector
        assert doc.similarity(nlp("Mira")) == 0
    assert list(nlp.pipe([])) == []


def test_similarity_is_the_cosine_of_any_two(nlp):
    doc, other = nlp.pipe(TEXTS[:2])
    for one in (doc, doc[1:4], doc[2]):
        for two in (other, other[0:1], other[0]):
            norms = np.linalg.norm(one.vector) * np.linalg.norm(two.vector)
            expected = one.vector @ two.vector / norms
            assert one.similarity(two) == pytest.approx(expected, abs=1e-6)
        assert one.similarity(one) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="E662"):
        doc.similarity(spacy.blank("en")("none"))


def test_word_vectors_of_a_vocabulary_do_not_get_in_the_way(tiny_checkpoint, nlp):
    other = spacy.blank("en")
    other.vocab.vectors = SpacyVectors(data=np.ones((1, 5), dtype="f"), keys=["Mira"])
    other = make_nlp(tiny_checkpoint, name=other)
    doc, expected = other("Mira left"), nlp("Mira left")
    assert (doc[0].vector == expected[0].vector).all()
    assert (doc.vector == expected.vector).all()


def test_serialized_documents(tiny_checkpoint):
    nlp = make_nlp(tiny_checkpoint, pooling="cls", store_tokens=True)
    doc = nlp(TEXTS[0])
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (binned,) = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    copied = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    # spaCy reads the tokens' vectors from the tensor, without hooks.
    assert (copied[3].vector == doc[3].vector).all()
    restore_vectors([binned, copied])
    for other in (binned, copied):
        assert (other.vector == doc.vector).all()
        assert (other[3].vector == doc[3].vector).all()
        assert other.similarity(doc) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="E661"):
        restore_vectors([nlp.make_doc("new")])
    with pytest.raises(ValueError, match="E626"):
        restore_vectors(doc)


@pytest.mark.slow
def test_several_processes(nlp):
    expected = list(nlp.pipe(TEXTS[:2] * 2))
    docs = list(nlp.pipe(TEXTS[:2] * 2, n_process=2, batch_size=1))
    restore_vectors(docs)
    for doc, one in zip(docs, expected, strict=True):
        assert doc.vector == pytest.approx(one.vector, abs=1e-6)


def test_a_saved_pipeline(nlp, tmp_path):
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert loaded(TEXTS[0]).vector == pytest.approx(nlp(TEXTS[0]).vector, abs=1e-6)


def make_pairs(nlp, pairs):
    for first, second, score in pairs:
        predicted = nlp.make_doc(first)
        reference = predicted.copy()
        reference._.text_pair = {"text": second, "score": score}
        yield Example(predicted, reference)


PAIRS = [
    ("Nobody expected the team to win", "The team won the cup", 1.0),
    ("Mira left Porto", "Mira is in Porto", 0.8),
    ("The team from Porto", "Nobody is there", 0.0),
    ("expected", "", 0.0),
]


@pytest.mark.parametrize("loss", ["cosine", "in_batch"])
def test_training(loss, tiny_checkpoint):
    nlp = make_nlp(tiny_checkpoint, loss=loss)
    examples = [*make_pairs(nlp, PAIRS), Example(nlp.make_doc("none"), nlp.make_doc("none"))]
    before = nlp.evaluate(examples)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 1e-3
    losses = [nlp.update(examples, sgd=optimizer)["deberta_vectors"] for _ in range(30)]
    after = nlp.evaluate(examples)
    assert losses[-1] < 0.5 * losses[0]
    assert after["sim_pearson"] > before["sim_pearson"]


def test_losses_are_their_formulas():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(6, 4, generator=generator)
    scores = torch.tensor([1.0, 0.2, 0.6])
    normal = torch.nn.functional.normalize(vectors, dim=-1)
    cosines = normal[:3] @ normal[3:].T
    expected = ((cosines.diagonal() - scores) ** 2).mean()
    assert cosine_loss(vectors, scores) == pytest.approx(float(expected), abs=1e-6)
    same = torch.eye(3, dtype=torch.bool)
    same[0, 2] = same[2, 0] = True  # no negatives of each other
    logits = SCALE * cosines
    total = 0.0
    for i, others in ((0, [0, 1]), (2, [1, 2])):
        rows = (logits[i, others], logits[others, i])
        total -= sum(float(logits[i, i] - row.logsumexp(0)) for row in rows)
    assert in_batch_loss(vectors, scores, same) == pytest.approx(total / 4, abs=1e-5)
    assert float(in_batch_loss(vectors, torch.zeros(3), same)) == 0


def test_ranks():
    assert rank(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_a_shared_encoder_can_not_learn_from_pairs(tiny_checkpoint):
    nlp = make_nlp(tiny_checkpoint, shared=True)
    examples = list(make_pairs(nlp, PAIRS))
    with pytest.raises(ValueError, match="E665"):
        nlp.update(examples, sgd=nlp.create_optimizer())
    nlp.replace_listeners("transformer", "deberta_vectors", ["model.tok2vec"])
    assert nlp.update(examples, sgd=nlp.create_optimizer())["deberta_vectors"] > 0


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "sum"},
        {"over": "words"},
        {"pooling": "cls", "over": "tokens"},
        {"loss": "mse"},
        {"normalize": "yes"},
    ],
)
def test_wrong_settings(settings, tiny_checkpoint):
    with pytest.raises(ValueError, match="E413|Config error"):
        make_nlp(tiny_checkpoint, **settings)


def test_wrong_documents(nlp):
    component = nlp.get_pipe("deberta_vectors")
    with pytest.raises(ValueError, match="E626"):
        component.predict(nlp.make_doc("one"))
    for pair in ("text", {"text": "a"}, {"text": "a", "score": 2}, {"text": 1, "score": 1}):
        reference = nlp.make_doc("one")
        reference._.text_pair = pair
        with pytest.raises(ValueError, match="E663"):
            nlp.update([Example(nlp.make_doc("one"), reference)])
