"""Ids are those of Hugging Face's slow tokenizer."""

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer

# Checked by hand on the original vocabulary.
KNOWN = {
    "ﬁne": ["▁fine"],
    "Ａｂｃ": ["▁A", "bc"],
    "…": ["▁.", ".", "."],
    "a\xa0b": ["▁a", "▁b"],
    "A\u0302\u0300": ["▁", "<0xE1>", "<0xBA>", "<0xA6>"],
    "": [],
    "  ": [],
}


def encode_slow(slow, texts):
    return [
        slow.convert_tokens_to_ids(slow.tokenize(text, split_special_tokens=True)) for text in texts
    ]


def encode_ours(tokenizer, texts):
    return [ids.tolist() for ids, _, _ in tokenizer.encode_batch(texts)]


def assert_same(ours, theirs, texts):
    assert len(ours) == len(theirs) == len(texts)
    differing = [(t, a, b) for t, a, b in zip(texts, ours, theirs, strict=True) if a != b]
    assert not differing, differing[:3]


def test_layout_of_the_genuine_vocabulary(v3):
    assert (v3.pad_token_id, v3.cls_token_id, v3.sep_token_id, v3.unk_token_id) == (0, 1, 2, 3)
    assert v3.mask_token_id == 128000
    assert v3.vocab_size == 128000
    assert len(v3) == 128001


@pytest.mark.parametrize("text", KNOWN)
def test_known_pieces(v3, text):
    assert v3.tokenize(text) == KNOWN[text]


@pytest.mark.slow
def test_real_texts(v3, slow_v3, real_texts):
    assert len(real_texts) > 30_000
    assert_same(encode_ours(v3, real_texts), encode_slow(slow_v3, real_texts), real_texts)


def test_strange_texts(v3, slow_v3, strange_texts):
    assert_same(encode_ours(v3, strange_texts), encode_slow(slow_v3, strange_texts), strange_texts)


def test_small_vocabulary(small, slow_small, strange_texts):
    texts = strange_texts[:2000]
    assert_same(encode_ours(small, texts), encode_slow(slow_small, texts), texts)


def test_without_bytes(no_bytes_vocabulary, strange_texts):
    transformers = pytest.importorskip("transformers")
    texts = strange_texts[:2000]
    slow = transformers.DebertaV2Tokenizer(str(no_bytes_vocabulary))
    ours = DebertaV2Tokenizer(no_bytes_vocabulary)
    assert_same(encode_ours(ours, texts), encode_slow(slow, texts), texts)


@pytest.mark.parametrize(
    "options",
    [
        {"do_lower_case": True},
        {"split_by_punct": True},
        {"do_lower_case": True, "split_by_punct": True},
    ],
    ids=lambda options: "+".join(options),
)
def test_lower_case_and_punctuation(small_vocabulary, strange_texts, options):
    transformers = pytest.importorskip("transformers")
    texts = strange_texts[:3000]
    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary), **options)
    ours = DebertaV2Tokenizer(small_vocabulary, **options)
    assert_same(encode_ours(ours, texts), encode_slow(slow, texts), texts)


def test_no_text_gives_a_control_token(small, strange_texts):
    pieces = small.encode_batch([*strange_texts, "[PAD][CLS][SEP]", "[SEP]", " [CLS] ", "▁[SEP]"])
    assert pieces.ids.min() > small.unk_token_id
    assert pieces.ids.max() < small.vocab_size


def test_a_batch_is_its_texts(small, strange_texts):
    texts = strange_texts[:300]
    batch = small.encode_batch(texts)
    assert len(batch) == len(texts)
    for text, (ids, starts, ends) in zip(texts, batch, strict=True):
        alone = small.encode_batch([text])
        assert alone.ids.tolist() == ids.tolist()
        assert alone.starts.tolist() == starts.tolist()
        assert alone.ends.tolist() == ends.tolist()


@pytest.mark.parametrize("texts", [[], [""], ["", "  ", ""]])
def test_nothing_to_encode(small, texts):
    pieces = small.encode_batch(texts)
    assert pieces.ids.shape == pieces.starts.shape == pieces.ends.shape == (0,)
    assert pieces.cu_pieces.tolist() == [0] * (len(texts) + 1)


def test_dtypes(small):
    pieces = small.encode_batch(("Bada bado", "½"))
    arrays = (pieces.ids, pieces.starts, pieces.ends, pieces.cu_pieces)
    assert {str(array.dtype) for array in arrays} == {"int64"}


def test_long_text(small):
    text = "bada  bado½ " * 20_000
    pieces = small.encode_batch([text, "bada"])
    assert pieces.ends[pieces.cu_pieces[1] - 1] == len(text) - 1
