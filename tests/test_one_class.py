"""Each public name is one class, which all functions use."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import spacy

import spacy_deberta
from spacy_deberta.layers import get_encoder, get_tokenizer

PACKAGE = Path(spacy_deberta.__file__).parent
EXPORTED = [
    name for name in spacy_deberta.__all__ if isinstance(getattr(spacy_deberta, name), type)
]
# The tokenizers before anything else of the package: the order of imports must not matter.
ALONE = """
import sys
from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast
for cls in (DebertaV2Tokenizer, DebertaV2TokenizerFast):
    for name in (sys.argv[1], "deberta-v3-mini-en"):
        assert type(cls.from_pretrained(name)) is cls
import spacy_deberta
assert spacy_deberta.DebertaV2Tokenizer is DebertaV2Tokenizer
"""


def test_each_class_is_defined_once():
    homes = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(str(path.relative_to(PACKAGE)))
    assert {name: len(homes[name]) for name in EXPORTED} == dict.fromkeys(EXPORTED, 1)
    # `doc._.trf_data` has what spacy-transformers calls so, and models what Hugging Face does.
    assert [name for name, files in homes.items() if len(files) > 1] == ["ModelOutput"]


@pytest.mark.parametrize("name", EXPORTED)
def test_a_class_names_itself(name):
    assert getattr(spacy_deberta, name).__name__ == name


def test_pipelines_have_the_classes_that_people_import(tiny_vocabulary, tmp_path):
    nlp = spacy.blank("en")
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    nlp.add_pipe(
        "deberta",
        config={
            "model": {
                "@architectures": "spacy-deberta.DebertaV2Model.v1",
                "name": None,
                "from_scratch": {"vocabulary": str(tiny_vocabulary), **size},
            }
        },
    )
    nlp.initialize()
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        model = pipeline.get_pipe("deberta").model
        assert type(get_tokenizer(model)) is spacy_deberta.DebertaV2Tokenizer
        assert type(get_encoder(model)) is spacy_deberta.DebertaV2Model


@pytest.mark.slow
def test_named_checkpoints_are_found_by_the_tokenizer_alone(small_folder):
    subprocess.run([sys.executable, "-c", ALONE, str(small_folder)], check=True)


@pytest.fixture
def small_folder(tiny_vocabulary, tmp_path):
    spacy_deberta.DebertaV2Tokenizer(tiny_vocabulary).save_pretrained(tmp_path / "tokenizer")
    return tmp_path / "tokenizer"
