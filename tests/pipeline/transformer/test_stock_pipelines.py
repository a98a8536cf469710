"""With spacy-transformers: all combinations of its pipe, listener, span getters and ours."""

import numpy as np
import pytest
import spacy
from thinc.api import Config

from tests.pipeline.pipelines import TRAIN_DATA, encoder_config, encoder_of, make_examples, rows

pytestmark = pytest.mark.stock

PACKAGES = ("spacy-transformers", "spacy-deberta")
PIPES = ("transformer", "deberta")
TEXTS = [text for text, _ in TRAIN_DATA]
TAGGER = """
[model]
@architectures = "spacy.Tagger.v2"

[model.tok2vec]
@architectures = "{package}.TransformerListener.v1"
grad_factor = 0.5
upstream = "{upstream}"
pooling = {{"@layers":"reduce_mean.v1"}}
"""
STOCK_ENCODER = """
[model]
@architectures = "spacy-transformers.TransformerModel.v3"
tokenizer_config = {"use_fast":true}

[model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = 4
stride = 2
"""


def make(checkpoint, pipe, listener, *, upstream="*", spans="spacy-deberta", setter=None):
    """A pipeline of a pipe, a listener and span getters, each of either package."""
    getter = {"@span_getters": f"{spans}.strided_spans.v1", "window": 6, "stride": 4}
    # For fixtures, too, which run before the precision is set.
    config = encoder_config(checkpoint, get_spans=getter, precision="fp32")
    if setter is not None:
        config["set_extra_annotations"] = {"@annotation_setters": setter}
    nlp = spacy.blank("en")
    nlp.add_pipe(pipe, name="transformer", config=config)
    text = TAGGER.format(package=listener, upstream=upstream)
    nlp.add_pipe("tagger", config=Config().from_str(text))
    return nlp


def train(nlp, *, steps=3):
    spacy.util.fix_random_seed(0)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    losses = []
    for _ in range(steps):
        found = nlp.update(make_examples(nlp), sgd=optimizer, losses={})
        losses.append(found["tagger"])
    return nlp, losses


@pytest.fixture(scope="module")
def expected(tiny_checkpoint):
    """A pipeline without functions of spacy-transformers."""
    return train(make(tiny_checkpoint, "deberta", "spacy-deberta"))


@pytest.mark.slow
@pytest.mark.parametrize("spans", PACKAGES)
@pytest.mark.parametrize("upstream", ["*", "transformer"])
@pytest.mark.parametrize("listener", PACKAGES)
@pytest.mark.parametrize("pipe", PIPES)
def test_all_combinations_learn_the_same_weights(
    pipe, listener, upstream, spans, expected, tiny_checkpoint, tmp_path
):
    nlp, losses = train(make(tiny_checkpoint, pipe, listener, upstream=upstream, spans=spans))
    other, other_losses = expected
    assert losses == other_losses
    weights = encoder_of(other).state_dict()
    for name, weight in encoder_of(nlp).state_dict().items():
        np.testing.assert_array_equal(weight, weights[name], err_msg=name)
    tags = [[token.tag_ for token in doc] for doc in nlp.pipe(TEXTS)]
    assert tags == [[token.tag_ for token in doc] for doc in other.pipe(TEXTS)]
    # And saved, and loaded.
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert tags == [[token.tag_ for token in doc] for doc in loaded.pipe(TEXTS)]


@pytest.mark.parametrize("listener", PACKAGES)
@pytest.mark.parametrize("pipe", PIPES)
def test_listeners_are_replaced(pipe, listener, expected, tiny_checkpoint, tmp_path):
    nlp, _ = train(make(tiny_checkpoint, pipe, listener))
    nlp.replace_listeners("transformer", "tagger", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    nlp.to_disk(tmp_path)
    wanted = [[token.tag_ for token in doc] for doc in expected[0].pipe(TEXTS)]
    for pipeline in (nlp, spacy.load(tmp_path)):
        assert wanted == [[token.tag_ for token in doc] for doc in pipeline.pipe(TEXTS)]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("pipe", PIPES)
def test_annotation_setters_of_either_package(pipe, package, tiny_checkpoint):
    setter = f"{package}.null_annotation_setter.v1"
    nlp, _ = train(make(tiny_checkpoint, pipe, "spacy-deberta", setter=setter), steps=1)
    assert nlp.get_pipe("transformer").set_extra_annotations.__module__.startswith(
        package.replace("-", "_")
    )
    assert nlp("Mira left.")._.trf_data is not None


def test_a_setter_written_for_the_stock_batch(tiny_checkpoint):
    from spacy_transformers.data_classes import FullTransformerBatch, TransformerData

    seen = []

    def setter(docs, batch):
        assert isinstance(batch, FullTransformerBatch)
        assert all(isinstance(data, TransformerData) for data in batch.doc_data)
        seen.append((batch.model_output.last_hidden_state.shape[:2], batch.wordpieces.lengths))

    nlp, _ = train(make(tiny_checkpoint, "deberta", "spacy-deberta"), steps=0)
    nlp.get_pipe("transformer").set_extra_annotations = setter
    list(nlp.pipe(TEXTS[:2]))
    ((shape, lengths),) = seen
    assert shape == (2, max(lengths))


def test_our_listener_on_the_stock_encoder(tiny_checkpoint):
    """Its rows are in several padded windows."""
    tags = []
    for package in PACKAGES:
        nlp = spacy.blank("en")
        config = Config().from_str(STOCK_ENCODER)
        config["model"]["name"] = str(tiny_checkpoint)
        nlp.add_pipe("transformer", config=config)
        text = TAGGER.format(package=package, upstream="*")
        nlp.add_pipe("tagger", config=Config().from_str(text))
        trained, losses = train(nlp)
        tags.append((losses, [[token.tag_ for token in doc] for doc in trained.pipe(TEXTS)]))
    assert tags[0] == tags[1]


def test_rows_are_the_same_in_either_pipe(expected, tiny_checkpoint):
    nlp, _ = train(make(tiny_checkpoint, "transformer", "spacy-deberta"))
    for one, other in zip(rows(nlp, TEXTS), rows(expected[0], TEXTS), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
