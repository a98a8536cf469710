import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_deberta.layers import align_pieces
from spacy_deberta.tokenization import Pieces

VOCAB = Vocab()


@st.composite
def docs_with_pieces(draw):
    """Documents, and pieces with random boundaries: across spaces and tokens, or empty."""
    docs, ids, starts, ends, counts = [], [], [], [], []
    for _ in range(draw(st.integers(1, 4))):
        words = draw(st.lists(st.text("abé 字", min_size=1, max_size=5), max_size=6))
        spaces = [draw(st.booleans()) for _ in words]
        doc = Doc(VOCAB, words=words, spaces=spaces)
        borders = sorted(draw(st.lists(st.integers(0, len(doc.text)), max_size=12)))
        pairs = list(zip(borders[::2], borders[1::2], strict=False))
        docs.append(doc)
        counts.append(len(pairs))
        ids += [7] * len(pairs)
        starts += [start for start, _ in pairs]
        ends += [end for _, end in pairs]
    pieces = Pieces(
        ids=np.array(ids, dtype=np.int64),
        starts=np.array(starts, dtype=np.int64),
        ends=np.array(ends, dtype=np.int64),
        cu_pieces=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )
    return docs, pieces


@given(docs_with_pieces())
def test_a_token_has_exactly_the_pieces_that_share_a_character_with_it(batch):
    docs, pieces = batch
    aligned = align_pieces(docs, pieces)
    expected = []
    for i, doc in enumerate(docs):
        rows = range(pieces.cu_pieces[i], pieces.cu_pieces[i + 1])
        for token in doc:
            characters = set(range(token.idx, token.idx + len(token)))
            expected.append(
                [
                    row
                    for row in rows
                    if characters & set(range(pieces.starts[row], pieces.ends[row]))
                ]
            )
    found = np.split(aligned.aligned, np.cumsum(aligned.aligned_lengths))[:-1]
    assert [rows.tolist() for rows in found] == expected
    assert aligned.cu_tokens.tolist() == np.cumsum([0, *map(len, docs)]).tolist()


def test_the_space_before_a_piece_gives_it_to_no_neighbour(tiny_tokenizer):
    doc = Doc(VOCAB, words=["the", "committee", "adopted", "it"], spaces=[True, True, True, False])
    aligned = align_pieces([doc], tiny_tokenizer.encode_batch([doc.text]))
    owners = np.repeat(np.arange(len(doc)), aligned.aligned_lengths)
    # Here every piece is within one word, so no piece may occur twice.
    assert len(set(aligned.aligned.tolist())) == len(aligned.aligned) == len(owners)
    assert (aligned.aligned_lengths > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["wnut17", "xquad_en", "xquad_de", "ewt", "restaurant8k"])
def test_no_token_of_real_text_leaks_or_is_lost(corpus, real_docs, v3_tokenizer):
    docs = real_docs(corpus)
    pieces = v3_tokenizer.encode_batch([doc.text for doc in docs])
    aligned = align_pieces(docs, pieces)
    rows = aligned.aligned
    token = np.repeat(np.arange(len(aligned.aligned_lengths)), aligned.aligned_lengths)
    starts = np.concatenate([[t.idx for t in doc] for doc in docs])
    ends = np.concatenate([[t.idx + len(t) for t in doc] for doc in docs])
    doc_of_token = np.repeat(np.arange(len(docs)), [len(doc) for doc in docs])
    doc_of_piece = np.repeat(np.arange(len(docs)), np.diff(pieces.cu_pieces))
    # Wrong: a piece that shares no character with its token.
    assert (doc_of_piece[rows] == doc_of_token[token]).all()
    assert (pieces.starts[rows] < ends[token]).all()
    assert (pieces.ends[rows] > starts[token]).all()
    # Missing: a token that lacks a piece with one of its characters.
    covered = _covered_pairs(docs, pieces)
    assert covered == set(zip(token.tolist(), rows.tolist(), strict=True))


def _covered_pairs(docs, pieces):
    """Token and piece of each character that has both, computed character by character."""
    pairs = set()
    token_base = 0
    for i, doc in enumerate(docs):
        token_at = {}
        for token in doc:
            for character in range(token.idx, token.idx + len(token)):
                token_at[character] = token_base + token.i
        for row in range(pieces.cu_pieces[i], pieces.cu_pieces[i + 1]):
            for character in range(pieces.starts[row], pieces.ends[row]):
                if character in token_at:
                    pairs.add((token_at[character], row))
        token_base += len(doc)
    return pairs
