"""Texts, the encoded corpus, its sequences and their order, against plain computations."""

import bz2
import gzip
import itertools
import lzma
import zlib
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_deberta.pretraining.corpus.encoded_corpus import EncodedCorpus, encode_corpus
from spacy_deberta.pretraining.corpus.readers import document_texts, text_corpus_v1
from spacy_deberta.pretraining.corpus.sequences import CorpusSequences
from spacy_deberta.pretraining.corpus.shuffling import Permutation, SequenceStream
from spacy_deberta.pretraining.corpus.texts import read_texts
from tests.pretraining.conftest import make_texts

DOCUMENTS = ["One line.\nAnother line.", "Zürich 🐈", "The third."]
PLAIN = "\n\n".join(DOCUMENTS) + "\n"


@pytest.mark.parametrize(
    ("name", "opener"),
    [
        ("a.txt", open),
        ("a.txt.xz", lzma.open),
        ("a.txt.gz", gzip.open),
        ("a.txt.bz2", bz2.open),
    ],
)
def test_plain_text_in_any_wrapping(name, opener, tmp_path):
    with opener(tmp_path / name, "wt", encoding="utf-8") as file:
        file.write(PLAIN)
    assert list(read_texts(tmp_path / name)) == DOCUMENTS
    lines = [line for line in PLAIN.splitlines() if line]
    assert list(read_texts(tmp_path / name, lines_are_documents=True)) == lines


def test_other_kinds_and_folders(tmp_path):
    srsly.write_jsonl(tmp_path / "b.jsonl", [{"text": text, "meta": 1} for text in DOCUMENTS])
    nlp = spacy.blank("en")
    (tmp_path / "deeper").mkdir()
    DocBin(docs=map(nlp, DOCUMENTS)).to_disk(tmp_path / "deeper" / "c.spacy")
    (tmp_path / "deeper" / "notes.md").write_text("not read")
    assert list(read_texts([tmp_path / "b.jsonl"])) == DOCUMENTS
    assert list(read_texts([tmp_path])) == DOCUMENTS * 2
    reader = text_corpus_v1(str(tmp_path), limit=4)
    assert list(document_texts(reader, nlp)) == (DOCUMENTS * 2)[:4]


BAD_FILES = {
    "latin-1": ("a.txt", "für".encode("latin-1"), "E703"),
    "no JSON": ("a.jsonl", b'{"text": "x"}\n{"text"', r"E704.*ine 2"),
    "no text": ("a.jsonl", b'{"text": "x"}\n{"body": "x"}', r"E705.*ine 2"),
    "half an archive": ("a.txt.xz", lzma.compress(b"text " * 999)[:60], "E706"),
    "no DocBin": ("a.spacy", b"text", "E706"),
    "nothing": ("a.txt", b" \n\n", "E707"),
    "another kind": ("a.pdf", b"text", "E702"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_named(case, tmp_path):
    name, data, message = BAD_FILES[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        list(read_texts(tmp_path / name))


def test_a_doc_bin_that_is_damaged_within_is_named(tmp_path):
    nlp = spacy.blank("en")
    path = tmp_path / "a.spacy"
    data = srsly.msgpack_loads(zlib.decompress(DocBin(docs=map(nlp, DOCUMENTS)).to_bytes()))
    data["spaces"] = data["spaces"][:1]
    path.write_bytes(zlib.compress(srsly.msgpack_dumps(data)))
    with pytest.raises(ValueError, match=r"E706.*a\.spacy"):
        list(read_texts(path))


def test_a_reader_that_cant_read_is_named():
    def read(nlp):
        return Path("/nowhere/texts.txt").open()

    with pytest.raises(ValueError, match=r"^\[spacy-deberta E701\].*/nowhere/texts.txt"):
        list(document_texts(read, spacy.blank("en")))


def test_texts_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match="E701"):
        list(read_texts(tmp_path / "nowhere"))


@pytest.fixture(scope="module")
def corpora(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "encoded"
    texts = ["", *make_texts(200, seed=3, words=120), "   "]
    return texts, encode_corpus(texts, tokenizer, folder, held_out=0.1)


def read_documents(corpus):
    starts = np.fromfile(corpus.documents_file, "<i8")
    pieces = np.fromfile(corpus.pieces_file, corpus.dtype)
    return [pieces[a:b].tolist() for a, b in itertools.pairwise(starts)]


def test_every_document_is_in_one_of_the_two_corpora(corpora, tokenizer):
    texts, (train, held_out) = corpora
    expected = [tokenizer.encode_batch([text]).ids.tolist() for text in texts if text.strip()]
    found = read_documents(train) + read_documents(held_out)
    assert sorted(found) == sorted(expected)
    assert 5 <= held_out.documents <= 40
    assert train.total_pieces + held_out.total_pieces == sum(map(len, expected))
    assert EncodedCorpus.open(train.folder) == train


def test_a_damaged_corpus_is_refused(tokenizer, tmp_path):
    corpus, _ = encode_corpus(make_texts(5), tokenizer, tmp_path / "corpus")
    corpus.pieces_file.write_bytes(corpus.pieces_file.read_bytes()[:-2])
    with pytest.raises(ValueError, match="E709"):
        EncodedCorpus.open(corpus.folder)


@pytest.mark.parametrize("max_length", [8, 32, 500])
def test_sequences_are_documents_in_parts(corpora, table, max_length):
    _, (corpus, _) = corpora
    sequences = CorpusSequences(corpus, max_length=max_length, starts_word=table.starts_word)
    indices = np.arange(len(sequences))
    ids, lengths = sequences.read(indices)
    np.testing.assert_array_equal(lengths, sequences.lengths(indices))
    assert lengths.max() <= max_length
    parts = np.split(ids, np.cumsum(lengths)[:-1])
    assert all(part[0] == table.cls_token_id and part[-1] == table.sep_token_id for part in parts)
    # Concatenated, they are the documents, and no sequence has parts of two.
    waiting = iter(parts)
    for document in read_documents(corpus):
        found = []
        while len(found) < len(document):
            found += next(waiting)[1:-1].tolist()
        assert found == document
    assert next(waiting, None) is None
    shuffled = np.random.default_rng(0).permutation(indices)
    again, own_lengths = sequences.read(shuffled)
    expected = np.concatenate([parts[index] for index in shuffled])
    np.testing.assert_array_equal(again, expected)
    np.testing.assert_array_equal(own_lengths, lengths[shuffled])


@given(count=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
def test_an_order_has_everything_once(count, key):
    order = Permutation(count, key=key)(np.arange(count))
    assert sorted(order.tolist()) == list(range(count))


def test_orders_differ_and_look_random():
    one, other = (Permutation(5000, key=key)(np.arange(5000)) for key in (1, 2))
    assert (one == other).mean() < 0.01
    assert abs(np.corrcoef(one, np.arange(5000))[0, 1]) < 0.05


def test_a_stream_goes_through_all_sequences_from_any_position(corpora, table):
    _, (corpus, _) = corpora
    sequences = CorpusSequences(corpus, max_length=32, starts_word=table.starts_word)
    stream, count = SequenceStream(sequences, seed=4), len(sequences)
    position, taken, keys = 0, [], []
    while position < 2 * count:
        indices, own_keys, following = stream.take(position, pieces=700)
        assert following == position + len(indices)
        total = int(sequences.lengths(indices).sum())
        after, _, _ = stream.take(following, pieces=1)
        assert total <= 700 < total + int(sequences.lengths(after).sum())
        taken += indices.tolist()
        keys += own_keys.tolist()
        position = following
    assert sorted(taken[:count]) == sorted(taken[count : 2 * count]) == list(range(count))
    assert taken[:count] != taken[count : 2 * count]
    assert len(set(keys)) == len(keys)
    # The state is only a position.
    middle = count // 2 + 7
    fresh = SequenceStream(
        CorpusSequences(corpus, max_length=32, starts_word=table.starts_word), seed=4
    )
    indices, own_keys, _ = fresh.take(middle, pieces=300)
    assert indices.tolist() == taken[middle : middle + len(indices)]
    assert own_keys.tolist() == keys[middle : middle + len(indices)]
