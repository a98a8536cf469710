"""Real texts: documents of mixed length, and sentences with entities."""

import lzma
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo
from spacy.vocab import Vocab

# Begins the comment of a CoNLL-U file that has the text of a sentence.
SENTENCE = "# text = "


def read_texts(path: Path, count: int) -> list[str]:
    """The texts of the first documents.

    Args:
        path: A `.spacy` file; a `.conllu` file, optionally `.xz`, with `# newdoc` comments; or a
            text file with a document in each line.
        count: Number of documents.
    """
    if path.suffix == ".spacy":
        docs = DocBin().from_disk(path).get_docs(Vocab())
        return [doc.text for doc in docs][:count]
    text = read_file(path)
    if path.name.removesuffix(".xz").endswith(".conllu"):
        return list(_conllu_texts(text))[:count]
    return [line.strip() for line in text.splitlines() if line.strip()][:count]


def read_sentences(path: Path) -> list[str]:
    """The sentences of a `.conllu` file; of another one, its documents."""
    if path.name.removesuffix(".xz").endswith(".conllu"):
        lines = read_file(path).splitlines()
        return [line.removeprefix(SENTENCE) for line in lines if line.startswith(SENTENCE)]
    return read_texts(path, sys.maxsize)


def read_entity_docs(path: Path, vocab: Vocab, count: int) -> list[Doc]:
    """The first documents with entities: a `.spacy` file, or tab-separated BIO columns."""
    if path.suffix == ".spacy":
        return list(DocBin().from_disk(path).get_docs(vocab))[:count]
    docs = []
    for block in re.split(r"\n[ \t]*\n", read_file(path)):
        rows = [line.split("\t") for line in block.splitlines() if line.strip()]
        if rows:
            doc = Doc(vocab, words=[row[0] for row in rows])
            tags = iob_to_biluo([row[1].strip() for row in rows])
            doc.ents = biluo_tags_to_spans(doc, tags)
            docs.append(doc)
        if len(docs) == count:
            break
    return docs


def batch_of_words(docs: list[Doc], words: int) -> list[Doc]:
    """The first documents with at most this many words in total; at least one document."""
    chosen, total = docs[:1], len(docs[0])
    for doc in docs[1:]:
        if total + len(doc) > words:
            break
        chosen.append(doc)
        total += len(doc)
    return chosen


def make_examples(nlp: Any, docs: list[Doc]) -> list[Example]:
    """Training examples with the entities of documents."""
    return [
        Example(
            Doc(nlp.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc]),
            doc,
        )
        for doc in docs
    ]


def text_of_words(texts: list[str], words: int) -> str:
    """One text of this many words, concatenated from real ones."""
    own = [word for text in texts for word in text.split()]
    return " ".join((own * (words // len(own) + 1))[:words])


def count_words(texts: list[str]) -> int:
    """Number of spaCy's tokens in texts."""
    tokenizer = spacy.blank("en").tokenizer
    return sum(len(tokenizer(text)) for text in texts)


def _conllu_texts(text: str) -> Iterator[str]:
    sentences: list[str] = []
    for line in text.splitlines():
        if line.startswith("# newdoc") and sentences:
            yield " ".join(sentences)
            sentences = []
        elif line.startswith(SENTENCE):
            sentences.append(line.removeprefix(SENTENCE))
    if sentences:
        yield " ".join(sentences)


def read_file(path: Path) -> str:
    """The text of a file, optionally `.xz`."""
    data = path.read_bytes()
    return (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8")
