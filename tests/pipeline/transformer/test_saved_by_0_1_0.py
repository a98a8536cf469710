"""A pipeline that release 0.1.0 saved, when the component was one of spacy-transformers.

Its folder has an encoder; a `ner` with the stock listener; a `tagger` with its own encoder,
after `replace_listeners`; and a `textcat` that listens to the rows of documents.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from thinc.api import Config

from spacy_deberta.pipeline.transformer.component import install_extension

SAVED = Path(__file__).parents[1] / "saved"
FOLDER = SAVED / "0.1.0"
EXPECTED = json.loads((SAVED / "0.1.0.json").read_text(encoding="utf-8"))


@pytest.fixture
def our_names(tmp_path):
    """The pipeline with our names in its config and no other changes."""
    folder = shutil.copytree(FOLDER, tmp_path / "pipeline")
    text = (folder / "config.cfg").read_text(encoding="utf-8")
    (folder / "config.cfg").write_text(
        text.replace("spacy-transformers.", "spacy-deberta."), encoding="utf-8"
    )
    return folder


def assert_as_expected(nlp):
    for expected in EXPECTED:
        doc = nlp(expected["text"])
        entities = [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]
        assert entities == expected["ents"]
        assert [token.tag_ for token in doc] == expected["tags"]
        assert doc.cats == pytest.approx(expected["cats"], abs=1e-4)
        rows = doc._.trf_data.model_output.last_hidden_state[0]
        np.testing.assert_allclose(rows, expected["rows"], atol=2e-5)


@pytest.mark.stock
def test_it_predicts_what_it_did():
    assert_as_expected(spacy.load(FOLDER))


def test_it_predicts_what_it_did_by_our_names(our_names):
    assert_as_expected(spacy.load(our_names))


@pytest.mark.without_stock
def test_the_error_without_the_stock_package_names_the_way_out():
    with pytest.raises(ImportError, match=r"E454.*migrate-config"):
        spacy.load(FOLDER)


def test_it_trains_on_and_is_saved(our_names, tmp_path):
    nlp = spacy.load(our_names)
    optimizer = nlp.resume_training()
    examples = [
        Example.from_dict(
            nlp.make_doc(expected["text"]),
            {
                "tags": expected["tags"],
                "cats": {label: round(score) for label, score in expected["cats"].items()},
                "entities": expected["ents"],
            },
        )
        for expected in EXPECTED
    ]
    losses = nlp.update(examples, sgd=optimizer, losses={})
    assert losses["transformer"] > 0
    nlp.to_disk(tmp_path / "again")
    texts = [expected["text"] for expected in EXPECTED]
    loaded = spacy.load(tmp_path / "again")
    for one, other in zip(nlp.pipe(texts), loaded.pipe(texts), strict=True):
        assert one.cats == pytest.approx(other.cats, abs=1e-6)


def test_its_config_is_that_of_a_release_before():
    config = Config().from_disk(FOLDER / "config.cfg")
    setter = config["components"]["transformer"]["set_extra_annotations"]["@annotation_setters"]
    assert setter == "spacy-transformers.null_annotation_setter.v1"


def test_its_documents_in_a_doc_bin():
    install_extension()
    docs = list(DocBin().from_disk(SAVED / "0.1.0.spacy").get_docs(spacy.blank("en").vocab))
    assert len(docs) == 2
    for doc, expected in zip(docs, EXPECTED, strict=False):
        data = doc._.trf_data
        np.testing.assert_allclose(data.tensors[0][0], expected["rows"], atol=1e-5)
        assert len(data.align.lengths) == len(doc)
        assert data.wordpieces.strings[0][0] == "[CLS]"
