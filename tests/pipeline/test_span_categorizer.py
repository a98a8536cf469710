"""`spacy-deberta.SpanCategorizer.v1` in pipelines, compared with spaCy's own architecture."""

import numpy as np
import pytest
import spacy
from spacy.pipeline.spancat import ngram_suggester
from spacy.training import Example
from thinc.api import Config

from tests.pipeline.pipelines import encoder_config, encoder_of
from tests.pipeline.sentences import make_docs

STOCK = "spacy.SpanCategorizer.v1"
OURS = "spacy-deberta.SpanCategorizer.v1"
SCORERS = {"spancat": "spacy.LinearLogistic.v1", "spancat_singlelabel": "Softmax.v2"}
CONFIG = """
[suggester]
@misc = "spacy.ngram_suggester.v1"
sizes = [1,2,3]

[model]
max_batch_rows = 40

[model.scorer]

[model.reducer]
@layers = "spacy.mean_max_reducer.v1"
hidden_size = 16

[model.tok2vec]
@architectures = "spacy-deberta.TransformerListener.v1"
pooling = {"@layers":"reduce_mean.v1"}
"""
TEXTS = ["Mira found the soup in Lyon.", "", "  \n", "Anna missed the train in Porto . " * 9]


def make_examples(nlp, count=30):
    return [Example(nlp.make_doc(doc.text), doc) for doc in make_docs(nlp.vocab, count)]


def make_pipeline(checkpoint, *, architecture=OURS, factory="spancat", steps=0, drop=0.0):
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", name="transformer", config=encoder_config(checkpoint))
    config = Config().from_str(CONFIG)
    config["model"]["@architectures"] = architecture
    config["model"]["scorer"]["@layers"] = SCORERS[factory]
    if architecture == STOCK:
        del config["model"]["max_batch_rows"]
    nlp.add_pipe(factory, name="spancat", config=config)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    for _ in range(steps):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={}, drop=drop)
    return nlp


def scores(nlp, texts=TEXTS):
    """Scores of all candidates."""
    docs = [nlp.make_doc(text) for text in texts]
    for name, pipe in nlp.pipeline:
        if name == "spancat":
            return pipe.predict(docs)[1]
        docs = list(pipe.pipe(docs))
    raise AssertionError


@pytest.mark.parametrize("factory", SCORERS)
def test_it_learns_what_the_stock_model_learns(factory, tiny_checkpoint):
    stock = make_pipeline(tiny_checkpoint, architecture=STOCK, factory=factory, steps=3)
    ours = make_pipeline(tiny_checkpoint, factory=factory, steps=3)
    np.testing.assert_allclose(scores(ours), scores(stock), atol=1e-4)
    expected = encoder_of(stock).state_dict()
    for key, value in encoder_of(ours).state_dict().items():
        np.testing.assert_allclose(value, expected[key], atol=1e-4)


@pytest.mark.slow
def test_it_learns_with_dropout(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, steps=60, drop=0.1)
    assert nlp.evaluate(make_examples(nlp))["spans_sc_f"] > 0.9


@pytest.mark.parametrize(("saved", "loaded"), [(STOCK, OURS), (OURS, STOCK), (OURS, OURS)])
def test_a_pipeline_can_be_loaded_with_either_architecture(
    saved, loaded, tiny_checkpoint, tmp_path
):
    nlp = make_pipeline(tiny_checkpoint, architecture=saved, steps=3)
    nlp.to_disk(tmp_path)
    config = Config().from_disk(tmp_path / "config.cfg")
    model = config["components"]["spancat"]["model"]
    model.pop("max_batch_rows", None)
    model["@architectures"] = loaded
    config.to_disk(tmp_path / "config.cfg")
    again = spacy.load(tmp_path)
    np.testing.assert_allclose(scores(again), scores(nlp), atol=1e-5)


def test_max_batch_rows_can_be_changed_in_a_trained_pipeline(
    tiny_checkpoint, tmp_path, monkeypatch
):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path, config={"components.spancat.model.max_batch_rows": 7})
    model = again.get_pipe("spancat").model
    reduction = model.get_ref("reducer").layers[0].layers[2]
    seen, reduce = [], reduction._func

    def counting(model, rows, is_train):
        seen.append(rows.dataXd.shape[0])
        return reduce(model, rows, is_train)

    monkeypatch.setattr(reduction, "_func", counting)
    assert len(again(TEXTS[0])) == 7
    assert len(seen) > 1
    assert max(seen) <= 7


@pytest.mark.slow
def test_documents_of_all_kinds_alone_and_in_batches(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, steps=40)

    def found(docs):
        return [[(s.start, s.end, s.label_) for s in doc.spans["sc"]] for doc in docs]

    alone = found(map(nlp, TEXTS))
    assert alone[0]
    assert found(nlp.pipe(TEXTS, batch_size=3)) == alone


@pytest.mark.parametrize("text", ["", "  \n ", "Mira left."])
def test_documents_of_all_kinds_can_be_trained_on(text, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    optimizer = nlp.create_optimizer()
    for texts in ([text], ["", text], [text, "", "Anna left. " * 20]):
        examples = [Example.from_dict(nlp.make_doc(t), {"spans": {"sc": []}}) for t in texts]
        assert np.isfinite(nlp.update(examples, sgd=optimizer, losses={})["spancat"])


def test_it_can_be_initialized_on_documents_without_tokens(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    width = nlp.get_pipe("spancat").model.get_dim("nO")
    empty = [Example(nlp.make_doc(""), nlp.make_doc("")) for _ in range(10)]
    nlp.initialize(lambda: [*empty, *make_examples(nlp)])
    assert scores(nlp).shape[1] == width
    assert not len(scores(nlp, [""]))


def test_replace_listeners_gives_it_its_own_encoder(tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, steps=3)
    before = scores(nlp)
    nlp.replace_listeners("transformer", "spancat", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    np.testing.assert_allclose(scores(nlp), before, atol=1e-5)
    nlp.to_disk(tmp_path)
    np.testing.assert_allclose(scores(spacy.load(tmp_path)), before, atol=1e-5)
    nlp.update(make_examples(nlp), sgd=nlp.resume_training(), losses={})
    assert not np.allclose(scores(nlp), before, atol=1e-3)


def test_labels_cannot_be_added_to_a_trained_model(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    with pytest.raises(ValueError, match="E922"):
        nlp.get_pipe("spancat").add_label("MUSIC")


def test_a_suggester_that_leaves_the_document_is_refused(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)

    def suggest(docs, *, ops=None):
        spans = ngram_suggester(docs, [1, 2], ops=ops)
        spans.data[-1, 1] += 1
        return spans

    nlp.get_pipe("spancat").suggester = suggest
    with pytest.raises(ValueError, match=r"E420.*5:8.*7 tokens"):
        nlp(TEXTS[0])
