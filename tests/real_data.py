"""Reads the real data of tests as spaCy documents."""

import lzma
import re
from pathlib import Path

import spacy
import srsly
from spacy.tokens import Doc
from spacy.vocab import Vocab

CORPORA = ("wnut17", "xquad_en", "xquad_de", "ewt", "restaurant8k")


def read_docs(data: Path, corpus: str) -> list[Doc]:
    """All distinct texts of a corpus, with its own tokens or with spaCy's."""
    if corpus == "wnut17":
        return [doc for path in sorted((data / "wnut17").iterdir()) for doc in _read_conll(path)]
    if corpus == "ewt":
        return [
            doc
            for path in sorted((data / "ud_english_ewt").glob("*.conllu.xz"))
            for doc in _read_conllu(path)
        ]
    if corpus == "restaurant8k":
        texts = [
            row["userInput"]["text"]
            for path in sorted((data / "restaurant8k").glob("*.json"))
            for row in srsly.read_json(path)
        ]
        return _tokenize("en", texts)
    language = corpus.removeprefix("xquad_")
    articles = srsly.read_json(data / "xquad" / f"xquad.{language}.json")["data"]
    texts = [
        text
        for article in articles
        for paragraph in article["paragraphs"]
        for text in [paragraph["context"], *(q["question"] for q in paragraph["qas"])]
    ]
    return _tokenize(language, texts)


def _tokenize(language, texts):
    nlp = spacy.blank(language)
    return [nlp.make_doc(text) for text in dict.fromkeys(texts)]


def _read_conll(path):
    vocab = Vocab()
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        words = [line.split("\t")[0] for line in block.splitlines() if line.strip()]
        if words:
            yield Doc(vocab, words=words)


def _read_conllu(path):
    vocab = Vocab()
    for block in lzma.decompress(path.read_bytes()).decode("utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line and line[0].isdigit()]
        # Multiword tokens have a range as id, and are spelled out on the rows that follow.
        rows = [row for row in rows if row[0].isdigit()]
        if rows:
            yield Doc(
                vocab,
                words=[row[1] for row in rows],
                spaces=["SpaceAfter=No" not in row[9] for row in rows],
            )
