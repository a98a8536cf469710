"""Two encoders in one pipeline: each listener trains and predicts with the right one."""

import numpy as np
import pytest
import spacy
from thinc.api import Config

from tests.pipeline.checkpoints import save_checkpoint
from tests.pipeline.pipelines import FACTORIES, encoder_config, make_examples
from tests.pipeline.sentences import TOPICS

TEXT = "Mira Okafor left Halden Freight on Friday."
TEXTCAT = """
[model]
@architectures = "spacy-deberta.PooledTextClassifier.v1"
exclusive_classes = true

[model.tok2vec]
@architectures = "spacy-deberta.DocumentListener.v1"
"""
TAGGER = """
[model]
@architectures = "spacy.Tagger.v2"

[model.tok2vec]
@architectures = "spacy-deberta.TransformerListener.v1"
pooling = {"@layers":"reduce_mean.v1"}
"""


@pytest.fixture(scope="module")
def other_checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    """An encoder with other weights than the tiny one."""
    folder = tmp_path_factory.mktemp("other")
    return save_checkpoint(folder, "DebertaV2Model", tiny_config, tiny_tokenizer, seed=1)


@pytest.fixture
def make(tiny_checkpoint, other_checkpoint):
    """A function from the factories of two encoders to an initialized pipeline."""

    def make_pipeline(first, second, upstream, *, component="tagger", names=("enc_a", "enc_b")):
        nlp = spacy.blank("en")
        nlp.add_pipe(first, name=names[0], config=encoder_config(tiny_checkpoint))
        if second is not None:
            nlp.add_pipe(second, name=names[1], config=encoder_config(other_checkpoint))
        config = Config().from_str(TAGGER if component == "tagger" else TEXTCAT)
        config["model"]["tok2vec"]["upstream"] = upstream
        nlp.add_pipe(component, config=config)
        examples = make_examples(nlp)
        for i, example in enumerate(examples):
            example.reference.cats = {topic: float(topic == TOPICS[i % 2]) for topic in TOPICS}
        nlp.initialize(lambda: examples)
        return nlp, examples

    return make_pipeline


def read_rows(nlp, component):
    """The rows of a component's listener for a text in prediction."""
    model = nlp.get_pipe(component).model
    listener = next(node for node in model.walk() if node.name == "transformer-listener")
    doc = nlp(TEXT)
    return listener.predict([doc])[0].model_output.last_hidden_state


def rows_of(nlp, encoder):
    doc = nlp.make_doc(TEXT)
    return nlp.get_pipe(encoder).predict([doc]).doc_data[0].model_output.last_hidden_state


@pytest.mark.parametrize("component", ["tagger", "textcat"])
@pytest.mark.parametrize("upstream", ["enc_a", "enc_b", "*"])
@pytest.mark.parametrize("second", FACTORIES)
def test_a_listener_reads_the_encoder_that_it_trains_on(second, upstream, component, make):
    nlp, examples = make("deberta", second, upstream, component=component)
    trained = "enc_b" if upstream == "*" else upstream
    for _ in range(2):
        nlp.update(examples, sgd=False)
        nlp.get_pipe(component).finish_update(nlp.create_optimizer())
    moved = {}
    for encoder in ("enc_a", "enc_b"):
        gradients = []

        def collect(key, weights, gradient, gradients=gradients):
            gradients.append(gradient.any())
            return weights, gradient

        nlp.get_pipe(encoder).finish_update(collect)
        moved[encoder] = any(gradients)
    assert moved == {"enc_a": trained == "enc_a", "enc_b": trained == "enc_b"}
    np.testing.assert_allclose(read_rows(nlp, component), rows_of(nlp, trained), atol=1e-5)


def test_the_rows_are_kept_through_processes_and_on_disk(make, tmp_path):
    nlp, _ = make("deberta", "deberta", "enc_a")
    expected = rows_of(nlp, "enc_a")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    np.testing.assert_allclose(read_rows(loaded, "tagger"), expected, atol=1e-5)
    tagger = loaded.get_pipe("tagger").model
    listener = next(node for node in tagger.walk() if node.name == "transformer-listener")
    (doc,) = loaded.pipe([TEXT], n_process=2)
    rows = listener.predict([doc])[0].model_output["last_hidden_state"]
    np.testing.assert_allclose(rows, expected, atol=1e-5)


@pytest.mark.stock
@pytest.mark.parametrize("component", ["tagger", "textcat"])
def test_rows_that_the_stock_encoder_does_not_keep_are_an_error(component, make):
    with pytest.raises(ValueError, match=r"E424.*'enc_a'.*'enc_b'"):
        make("transformer", "deberta", "enc_a", component=component)


@pytest.mark.stock
def test_the_error_comes_in_a_loaded_pipeline_too(make, tmp_path):
    nlp, _ = make("transformer", "deberta", "enc_b")
    config = nlp.config.copy()
    nlp.to_disk(tmp_path)
    config["components"]["tagger"]["model"]["tok2vec"]["upstream"] = "enc_a"
    config.to_disk(tmp_path / "config.cfg")
    loaded = spacy.load(tmp_path)
    with pytest.raises(ValueError, match=r"E424.*'enc_a'.*'enc_b'"):
        loaded(TEXT)


def test_a_single_encoder_of_another_name_is_read(make):
    nlp, _ = make("deberta", None, "enc_a")
    nlp.rename_pipe("enc_a", "renamed")
    nlp(nlp(TEXT))
    np.testing.assert_allclose(read_rows(nlp, "tagger"), rows_of(nlp, "renamed"), atol=1e-5)
    assert nlp(TEXT).user_data.keys() == {("._.", "trf_data", None, None)}


LOST = {
    "excluded": lambda path: spacy.load(path, exclude=["enc_a"]),
    "disabled": lambda path: spacy.load(path, disable=["enc_a"]),
    "removed": lambda path: removed(spacy.load(path)),
    "deselected": lambda path: deselected(spacy.load(path)),
}


def removed(nlp):
    nlp.remove_pipe("enc_a")
    return nlp


def deselected(nlp):
    nlp.select_pipes(disable=["enc_a"])
    return nlp


@pytest.mark.parametrize("component", ["tagger", "textcat"])
@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("names", [("enc_b", "enc_a"), ("enc_a", "enc_b")])
def test_a_missing_encoder_is_not_replaced_by_another(names, how, component, make, tmp_path):
    nlp, examples = make("deberta", "deberta", "enc_a", component=component, names=names)
    nlp.to_disk(tmp_path)
    nlp(TEXT)
    lost = LOST[how](tmp_path)
    with pytest.raises(ValueError, match=r"E424.*'enc_a'.*'enc_b'.*disabled"):
        lost(TEXT)
    with pytest.raises(ValueError, match="E424"):
        [*lost.pipe([TEXT])]
    with pytest.raises(ValueError, match="E424|E203"):
        lost.update(examples, sgd=False, annotates=["enc_b"])


def test_a_renamed_encoder_is_read_after_loading(make, tmp_path):
    nlp, _ = make("deberta", None, "enc_a")
    nlp.rename_pipe("enc_a", "other")
    nlp.rename_pipe("other", "renamed")
    nlp.to_disk(tmp_path)
    for loaded in (spacy.load(tmp_path), spacy.load(tmp_path).from_bytes(nlp.to_bytes())):
        rows = read_rows(loaded, "tagger")
        np.testing.assert_allclose(rows, rows_of(loaded, "renamed"), atol=1e-5)
    (tmp_path / "renamed" / "cfg").write_text('{"former_names": "enc_a"}')
    with pytest.raises(ValueError, match="E423.*former_names"):
        spacy.load(tmp_path)


def test_an_encoder_that_was_sourced_by_another_name_is_read(make):
    source, _ = make("deberta", None, "enc_a")
    nlp = spacy.blank("en")
    nlp.add_pipe("enc_a", source=source, name="mine")
    nlp.add_pipe("tagger", source=source)
    np.testing.assert_allclose(read_rows(nlp, "tagger"), rows_of(nlp, "mine"), atol=1e-5)


@pytest.mark.parametrize("component", ["tagger", "textcat"])
def test_an_upstream_that_no_encoder_has(component, make):
    with pytest.raises(ValueError, match=rf"E425.*'{component}'.*'typo'.*'enc_a', 'enc_b'\."):
        make("deberta", "deberta", "typo", component=component)
    with pytest.raises(ValueError, match=rf"E425.*'{component}'.*'\*\*'.*: 'enc_a'\."):
        make("deberta", None, "**", component=component)


@pytest.mark.parametrize("upstream", ["enc_a", "*"])
@pytest.mark.parametrize("other", [None, "enc_b"])
def test_a_listener_before_its_encoder(other, upstream, tiny_checkpoint):
    nlp = spacy.blank("en")
    if other and upstream == "enc_a":
        nlp.add_pipe("deberta", name=other, config=encoder_config(tiny_checkpoint))
    config = Config().from_str(TAGGER)
    config["model"]["tok2vec"]["upstream"] = upstream
    nlp.add_pipe("tagger", config=config)
    nlp.add_pipe("deberta", name="enc_a", config=encoder_config(tiny_checkpoint))
    examples = make_examples(nlp)
    found = "E425.*'tagger'.*'enc_a'.*: 'enc_b'" if len(nlp.pipe_names) == 3 else "E426"
    with pytest.raises(ValueError, match=found):
        nlp.initialize(lambda: examples)
