"""Offsets of pieces."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.tokenization.rules import OffsetRules


def spans(tokenizer, text, **options):
    pieces = tokenizer.encode_batch([text], **options)
    tokens = tokenizer.convert_ids_to_tokens(pieces.ids.tolist())
    return list(zip(tokens, pieces.starts.tolist(), pieces.ends.tolist(), strict=True))


def covered(tokenizer, text):
    return [text[start:end] for _, start, end in spans(tokenizer, text)]


def check_all(tokenizer, texts):
    rules = OffsetRules(tokenizer)
    for text, (ids, starts, ends) in zip(texts, tokenizer.encode_batch(texts), strict=True):
        rules.check(text, ids, starts, ends)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello world", [("▁Hello", 0, 5), ("▁world", 6, 11)]),
        (" Hello  world ", [("▁Hello", 1, 6), ("▁world", 8, 13)]),
        ("a½ b", [("▁a", 0, 1), ("1⁄2", 1, 2), ("▁b", 3, 4)]),
        ("x…", [("▁x", 0, 1), (".", 1, 2), (".", 1, 2), (".", 1, 2)]),
        ("ﬁne", [("▁fine", 0, 3)]),
        ("e\u0301a", [("▁é", 0, 2), ("a", 2, 3)]),
        ("a\x01 b\x02", [("▁a", 0, 1), ("▁b", 3, 4)]),
        ("a\u200bb", [("▁a", 0, 1), ("▁b", 2, 3)]),
        ("a\nb", [("▁a", 0, 1), ("▁b", 2, 3)]),
        ("\ud800x y\udfff", [("▁x", 1, 2), ("▁y", 3, 4)]),
        ("Ｈｅｌｌｏ　ｗｏｒｌｄ", [("▁Hello", 0, 5), ("▁world", 6, 11)]),
        ("ﷺ", [("▁", 0, 0), ("صلى", 0, 1), ("▁الله", 0, 1), ("▁عليه", 0, 1), ("▁وسلم", 0, 1)]),
        # To nmt_nfkc, "▁" is whitespace.
        ("x▁y", [("▁x", 0, 1), ("▁y", 2, 3)]),
        (
            "🤷🏽\u200d♂️ok",
            [
                ("▁", 0, 0),
                ("🤷", 0, 1),
                ("🏽", 1, 2),
                ("▁", 3, 3),
                ("♂", 3, 4),
                ("\ufe0f", 4, 5),
                ("ok", 5, 7),
            ],
        ),
        (
            "a A\u0302\u0300b",
            [
                ("▁a", 0, 1),
                ("▁", 2, 2),
                ("<0xE1>", 2, 5),
                ("<0xBA>", 2, 5),
                ("<0xA6>", 2, 5),
                ("b", 5, 6),
            ],
        ),
    ],
)
def test_known_offsets(v3, text, expected):
    assert spans(v3, text) == expected


@pytest.mark.slow
def test_real_texts(v3, real_texts):
    check_all(v3, real_texts)


def test_strange_texts(v3, strange_texts):
    check_all(v3, strange_texts)


def test_small_vocabulary(small, strange_texts):
    check_all(small, strange_texts[:2000])


def test_unknown_pieces(no_bytes_vocabulary, strange_texts):
    tokenizer = DebertaV2Tokenizer(no_bytes_vocabulary)
    assert (tokenizer.encode_batch(strange_texts[:100]).ids == tokenizer.unk_token_id).any()
    check_all(tokenizer, strange_texts[:2000])


def test_a_lone_surrogate_is_whitespace(small):
    assert covered(small, "bada\udfffbado") == covered(small, "bada bado")


def test_offsets_of_lowercased_texts(small_vocabulary, strange_texts):
    plain = DebertaV2Tokenizer(small_vocabulary)
    lowered = DebertaV2Tokenizer(small_vocabulary, do_lower_case=True)
    texts = [text for text in strange_texts[:3000] if "İ" not in text]
    for text, ours in zip(texts, lowered.encode_batch(texts), strict=True):
        by_character = "".join(character.lower() for character in text)
        ids, starts, ends = next(iter(plain.encode_batch([by_character])))
        assert ours[0].tolist() == ids.tolist()
        assert ours[1].tolist() == starts.tolist()
        assert ours[2].tolist() == ends.tolist()


def test_a_letter_that_grows_when_lowercased(small_vocabulary):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, do_lower_case=True)
    pieces = tokenizer.encode_batch(["bada", "aİb İ", "dado"])
    text_ids, starts, ends = list(pieces)[1]
    assert len(text_ids) > 0
    assert sorted(starts.tolist()) == starts.tolist()
    assert {(s, e) for s, e in zip(starts.tolist(), ends.tolist(), strict=True) if s < e} <= {
        (0, 1),
        (0, 2),
        (1, 2),
        (1, 3),
        (2, 3),
        (4, 5),
    }
    assert ends.max() == 5
    assert list(pieces)[2][1].tolist() == tokenizer.encode_batch(["dado"]).starts.tolist()


def test_offsets_of_split_punctuation(small_vocabulary, strange_texts):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, split_by_punct=True)
    rules = OffsetRules(tokenizer)
    for text in strange_texts[:2000]:
        _, starts, ends = next(iter(tokenizer.encode_batch([text])))
        assert (starts[1:] >= starts[:-1]).all()
        inside = [False] * len(text)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            inside[start:end] = [True] * (end - start)
        lost = [c for c, is_inside in zip(text, inside, strict=True) if not is_inside]
        assert all(rules.vanishes(c) for c in lost), (text, lost)
    assert covered(tokenizer, "bada,bado") == covered(tokenizer, "bada , bado")
    comma, following = [s for _, s, e in spans(tokenizer, "b,  d") if e > s][1:]
    assert (comma, following) == (1, 4)


anything = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(" \t\n\xa0\u3000\u200b\u0301\u0338\u3099\u1161\u11a8½ﬁ…ﷺ¨▁İΣ\x00\x01ab"),
    )
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(anything, max_size=4))
def test_any_text(small, texts):
    readable = ["".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in t) for t in texts]
    check_all(small, readable)
    assert small.encode_batch(texts).starts.tolist() == small.encode_batch(readable).starts.tolist()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(anything, max_size=4), lower=st.booleans(), punct=st.booleans())
def test_any_text_with_options(small_vocabulary_options, texts, lower, punct):
    tokenizer = small_vocabulary_options[lower, punct]
    for in_text in (False, True):
        pieces = tokenizer.encode_batch(texts, special_tokens_in_text=in_text)
        for text, (_, starts, ends) in zip(texts, pieces, strict=True):
            assert (starts[1:] >= starts[:-1]).all()
            assert (starts >= 0).all()
            assert (starts <= ends).all()
            assert (ends <= len(text)).all()


@pytest.fixture(scope="module")
def small_vocabulary_options(small_vocabulary):
    return {
        (lower, punct): DebertaV2Tokenizer(
            small_vocabulary, do_lower_case=lower, split_by_punct=punct
        )
        for lower in (False, True)
        for punct in (False, True)
    }
