from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.layers import encode_texts, join_sequences
from spacy_deberta.layers.sequences import split_ranges
from tests.conftest import SENTENCES

TEXTS = ("", " ", *SENTENCES, " ".join(SENTENCES[:3]))
texts = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def slow_tokenizer(tiny_tokenizer, tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer.save_pretrained(folder)
    return transformers.DebertaV2Tokenizer.from_pretrained(folder)


def cut(packed, sequences):
    return [part.tolist() for part in np.split(packed, sequences.cu_rows[1:-1])]


@given(first=texts)
def test_single_texts_have_the_ids_of_huggingface(first, tiny_tokenizer, slow_tokenizer):
    joined = join_sequences(tiny_tokenizer, encode_texts(tiny_tokenizer, first))
    expected = [slow_tokenizer(text)["input_ids"] for text in first]
    assert cut(joined.sequences.input_ids, joined.sequences) == expected
    assert joined.sequences.token_type_ids is None
    assert joined.second is None
    assert (joined.first == joined.sequences.cu_rows[:-1] + 1).all()


@given(first=texts, data=st.data())
def test_pairs_have_the_ids_of_huggingface(first, data, tiny_tokenizer, slow_tokenizer):
    size = {"min_size": len(first), "max_size": len(first)}
    second = data.draw(st.lists(st.sampled_from(TEXTS), **size))
    ranges = (encode_texts(tiny_tokenizer, part) for part in (first, second))
    joined = join_sequences(tiny_tokenizer, *ranges)
    pairs = [slow_tokenizer(*pair) for pair in zip(first, second, strict=True)]
    sequences = joined.sequences
    assert cut(sequences.input_ids, sequences) == [pair["input_ids"] for pair in pairs]
    assert cut(sequences.token_type_ids, sequences) == [pair["token_type_ids"] for pair in pairs]
    for row, text in zip(joined.second, second, strict=True):
        ids = slow_tokenizer(text, add_special_tokens=False)["input_ids"]
        assert sequences.input_ids[row : row + len(ids)].tolist() == ids


@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    window=st.integers(2, 20),
    data=st.data(),
)
def test_windows_cover_everything(lengths, window, data):
    overlap = data.draw(st.integers(0, window - 1))
    starts = np.cumsum([0, *lengths[:-1]])
    ranges, firsts, sizes = split_ranges(starts, np.array(lengths), window=window, overlap=overlap)
    assert (sizes <= window).all()
    for index, (start, length) in enumerate(zip(starts.tolist(), lengths, strict=True)):
        own = ranges == index
        spans = list(zip(firsts[own].tolist(), sizes[own].tolist(), strict=True))
        assert spans[0][0] == start
        assert sum(spans[-1]) == start + length
        for (left, size), (right, _) in pairwise(spans):
            assert left < right <= left + size - overlap
        assert len(spans) == 1 or len(spans) == -(-(length - overlap) // (window - overlap))


def test_runs_can_be_taken_several_times(tiny_tokenizer):
    ranges = encode_texts(tiny_tokenizer, SENTENCES[:2]).take(np.array([1, 0, 1]))
    ids = cut((joined := join_sequences(tiny_tokenizer, ranges).sequences).input_ids, joined)
    assert ids[0] == ids[2] == tiny_tokenizer(SENTENCES[1])["input_ids"]
    assert ids[1] == tiny_tokenizer(SENTENCES[0])["input_ids"]
