"""Cached tokenizers and texts."""

import csv
import json
import lzma
import random

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.tokenization.texts import PROBES, english, random_strings


@pytest.fixture(scope="session")
def v3(v3_vocabulary) -> DebertaV2Tokenizer:
    """Our tokenizer on the original vocabulary."""
    return DebertaV2Tokenizer(v3_vocabulary)


@pytest.fixture(scope="session")
def slow_v3(v3_vocabulary):
    """Hugging Face's slow tokenizer on the original vocabulary."""
    transformers = pytest.importorskip("transformers")
    return transformers.DebertaV2Tokenizer(str(v3_vocabulary))


@pytest.fixture(scope="session")
def small_vocabulary(tmp_path_factory):
    """A vocabulary trained in the test session, so that tests need no data."""
    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    return train_vocabulary(english(1000), path, vocab_size=500)


@pytest.fixture(scope="session")
def no_bytes_vocabulary(tmp_path_factory):
    """A vocabulary without bytes: unknown characters become [UNK]."""
    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    return train_vocabulary(english(1000), path, vocab_size=200, byte_fallback=False)


@pytest.fixture(scope="session")
def small(small_vocabulary) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer(small_vocabulary)


@pytest.fixture(scope="session")
def slow_small(small_vocabulary):
    transformers = pytest.importorskip("transformers")
    return transformers.DebertaV2Tokenizer(str(small_vocabulary))


@pytest.fixture(scope="session")
def strange_texts() -> list[str]:
    """10,000 random strings over all of Unicode, and known difficult texts."""
    return PROBES + random_strings(10_000, random.Random(20))


@pytest.fixture(scope="session")
def real_texts(shared_data) -> list[str]:
    """All distinct sentences, paragraphs and questions of the corpora."""
    texts: list[str] = []
    for path in sorted((shared_data / "wnut17").glob("*")):
        if path.suffix in (".conll", ".annotated"):
            sentences = path.read_text(encoding="utf8").split("\n\n")
            texts += [
                " ".join(line.split("\t")[0] for line in sentence.splitlines())
                for sentence in sentences
            ]
    for path in sorted((shared_data / "xquad").glob("*.json")):
        for article in json.loads(path.read_text(encoding="utf8"))["data"]:
            for paragraph in article["paragraphs"]:
                texts.append(paragraph["context"])
                texts += [qa["question"] for qa in paragraph["qas"]]
    for path in sorted((shared_data / "ud_english_ewt").glob("*.xz")):
        with lzma.open(path, "rt", encoding="utf8") as file:
            texts += [line[9:].rstrip("\n") for line in file if line.startswith("# text = ")]
    for path in sorted((shared_data / "restaurant8k").glob("*.json")):
        texts += [row["userInput"]["text"] for row in json.loads(path.read_text(encoding="utf8"))]
    for path in sorted((shared_data / "banking77").glob("*.csv")):
        with path.open(encoding="utf8", newline="") as file:
            texts += [row["text"] for row in csv.DictReader(file)]
    return list(dict.fromkeys(texts))
