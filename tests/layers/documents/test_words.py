import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_deberta.layers.documents.tokenize import doc_tokenizer, tokenizer_shim

VOCAB = Vocab()
WORDS = st.lists(st.text("abé猫½ \n\u200b🦣", min_size=1, max_size=5), max_size=6)


def split(tokenizer, docs):
    layer = doc_tokenizer(is_split_into_words=True)
    tokenizer_shim(layer).set_tokenizer(tokenizer)
    return layer.predict(docs)


def check(docs, found, their_ids):
    """Every piece belongs to its own token, in order, within the token's characters."""
    assert found.aligned.tolist() == list(range(len(found.pieces.ids)))
    bounds = np.cumsum([0, *found.aligned_lengths])
    tokens = [(i, token) for i, doc in enumerate(docs) for token in doc]
    assert len(tokens) == len(found.aligned_lengths)
    for (i, token), start, end in zip(tokens, bounds, bounds[1:], strict=False):
        assert found.pieces.ids[start:end].tolist() == their_ids(token.text)
        assert found.pieces.cu_pieces[i] <= start <= end <= found.pieces.cu_pieces[i + 1]
        places = [*found.pieces.starts[start:end], *found.pieces.ends[start:end]]
        assert all(token.idx <= place <= token.idx + len(token) for place in places)


@pytest.fixture(scope="module")
def their_ids(v3_vocabulary):
    transformers = pytest.importorskip("transformers")
    slow = transformers.DebertaV2Tokenizer(str(v3_vocabulary))
    return lambda word: slow.convert_tokens_to_ids(slow.tokenize(word))


@given(batch=st.lists(st.tuples(WORDS, st.lists(st.booleans(), min_size=6)), max_size=4))
def test_every_piece_belongs_to_its_own_token(batch, v3_tokenizer, their_ids):
    docs = [Doc(VOCAB, words=words, spaces=spaces[: len(words)]) for words, spaces in batch]
    check(docs, split(v3_tokenizer, docs), their_ids)


def test_no_token_of_real_text_leaks_or_is_lost(real_docs, v3_tokenizer, their_ids):
    docs = real_docs("ewt")[:150]
    found = split(v3_tokenizer, docs)
    check(docs, found, their_ids)
    starts, ends = found.pieces.starts, found.pieces.ends
    for i, doc in enumerate(docs):
        covered = set()
        for row in range(found.pieces.cu_pieces[i], found.pieces.cu_pieces[i + 1]):
            covered |= set(range(starts[row], ends[row]))
        missing = [c for j, c in enumerate(doc.text) if j not in covered and not c.isspace()]
        assert not missing
