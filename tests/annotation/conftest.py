"""Small pipelines on disk, and texts."""

import pytest
import spacy

from tests.annotation.runs import write_jsonl
from tests.conftest import SENTENCES
from tests.pipeline.pipelines import make_trained

NAMES = ("Mira Okafor", "Sanjay", "Rotterdam", "Lyon", "Porto", "Frankfurt", "Dmitri Mendeleev")


@pytest.fixture(scope="session")
def ruler(tmp_path_factory):
    """A pipeline that finds some names, without PyTorch."""
    nlp = spacy.blank("en")
    nlp.batch_size = 4
    nlp.add_pipe("sentencizer")
    patterns = [{"label": "NAME", "pattern": name} for name in NAMES]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    config = {"spans_key": "sc", "annotate_ents": False}
    nlp.add_pipe("span_ruler", config=config).add_patterns(patterns)
    path = tmp_path_factory.mktemp("pipelines") / "ruler"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory, tiny_checkpoint):
    """A pipeline with a tiny DeBERTa, entities and tags."""
    nlp = make_trained(tiny_checkpoint, heads=("ner", "tagger"))
    nlp.batch_size = 4
    path = tmp_path_factory.mktemp("pipelines") / "tiny"
    nlp.to_disk(path)
    return path


@pytest.fixture
def texts(tmp_path):
    """A file of 30 texts."""
    rows = [{"text": f"{n}: {SENTENCES[n % 10]}", "n": n} for n in range(30)]
    return write_jsonl(tmp_path / "texts.jsonl", rows)
