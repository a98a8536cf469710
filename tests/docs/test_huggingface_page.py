"""The table of Hugging Face's classes names classes, methods and tests that exist."""

import re
from importlib import import_module

import pytest

import spacy_deberta
from tests.docs.pages import ROOT

# The page "DeBERTa-v2" of the documentation of transformers 4.53.
CLASSES = (
    "DebertaV2Config",
    "DebertaV2Tokenizer",
    "DebertaV2TokenizerFast",
    "DebertaV2PreTrainedModel",
    "DebertaV2Model",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForMultipleChoice",
    "TFDebertaV2PreTrainedModel",
    "TFDebertaV2Model",
    "TFDebertaV2ForMaskedLM",
    "TFDebertaV2ForSequenceClassification",
    "TFDebertaV2ForTokenClassification",
    "TFDebertaV2ForQuestionAnswering",
    "TFDebertaV2ForMultipleChoice",
)
METHODS = (
    "build_inputs_with_special_tokens",
    "get_special_tokens_mask",
    "create_token_type_ids_from_sequences",
    "save_vocabulary",
)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/api/huggingface.md").read_text(encoding="utf8").splitlines()
    if line.startswith("| `")
]


def test_the_table_has_every_class_and_method():
    assert [row[0].strip("`") for row in ROWS if "." not in row[0]] == [*CLASSES]
    methods = [row[0].strip("`") for row in ROWS if "." in row[0]]
    assert methods == [f"DebertaV2Tokenizer.{name}" for name in METHODS]


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip("`") for row in ROWS])
def test_what_a_row_names_exists(row):
    theirs, ours, tests = row
    names = re.findall(r"DebertaV2\w+(?:\.\w+)?", ours)
    assert names or theirs == "`TFDebertaV2PreTrainedModel`"
    for name in names:
        cls, _, method = name.partition(".")
        assert not method or callable(getattr(getattr(spacy_deberta, cls), method))
        assert hasattr(spacy_deberta, cls)
    for reference in re.findall(r"`([^`]+)`", tests):
        path, _, function = reference.partition("::")
        module = import_module(path.removesuffix(".py").replace("/", "."))
        assert callable(getattr(module, function))


def test_transformers_has_them():
    transformers = pytest.importorskip("transformers")
    if transformers.__version__.startswith("4."):
        assert all(hasattr(transformers, name) for name in CLASSES)
