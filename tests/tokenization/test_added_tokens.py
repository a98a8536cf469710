"""Added tokens are one piece at any position, and control tokens are encoded as text."""

import json

import numpy as np
import pytest
import spacy
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_deberta.layers import align_pieces
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer
from spacy_deberta.tokenization.matching import any_of

ORDINARY = ["remdesivir", "[E", "[E12]", "New York", "é½", "漢字", "<s1>", "<s1><s2>"]
SPECIAL = ["[E1]", "[/E1]", "<PER>"]
FLAGGED = {"<left>": "lstrip", "<right>": "rstrip", "<word>": "single_word"}
CONTENTS = [*ORDINARY, *SPECIAL, *FLAGGED]
WORDS = ["bada", "do", "x", "York", "[", "E1", "12]", "½", "ﬁ", "Straße", "\u200b", "\n", "…", "["]
NLP = spacy.blank("en")
CONTROL = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"]

texts = st.lists(st.sampled_from([*CONTENTS, *WORDS, " ", " ", "  "]), max_size=14).map("".join)


def add_to(slow):
    transformers = pytest.importorskip("transformers")
    slow.add_tokens(ORDINARY)
    slow.add_special_tokens({"additional_special_tokens": SPECIAL})
    for content, flag in FLAGGED.items():
        slow.add_tokens([transformers.AddedToken(content, **{flag: True})])
    return slow


@pytest.fixture(scope="module")
def slow(small_vocabulary):
    transformers = pytest.importorskip("transformers")
    return add_to(transformers.DebertaV2Tokenizer(str(small_vocabulary)))


@pytest.fixture(scope="module")
def tokenizer(slow, tmp_path_factory):
    """Our tokenizer, loaded from a folder of Hugging Face."""
    folder = tmp_path_factory.mktemp("added")
    slow.save_pretrained(folder)
    return DebertaV2Tokenizer.from_directory(folder)


def spans(pieces):
    places = zip(pieces.starts.tolist(), pieces.ends.tolist(), strict=True)
    return list(zip(pieces.ids.tolist(), places, strict=True))


@given(text=texts)
@example(text="<word>\n<left>")
def test_ids_are_those_of_hugging_face(tokenizer, slow, text):
    expected = slow.convert_tokens_to_ids(slow.tokenize(text))
    assert tokenizer.encode_batch([text]).ids.tolist() == expected
    ids, _ = tokenizer.encode_ids([text])
    assert ids.tolist() == expected
    assert tokenizer(text, text)["input_ids"] == slow(text, text)["input_ids"]
    assert tokenizer.tokenize(text) == slow.tokenize(text)


@pytest.fixture(scope="module", params=["do_lower_case", "split_by_punct"])
def with_option(request, small_vocabulary, tmp_path_factory):
    """Hugging Face's and our tokenizer with a setting that changes or splits texts."""
    transformers = pytest.importorskip("transformers")
    slow = add_to(transformers.DebertaV2Tokenizer(str(small_vocabulary), **{request.param: True}))
    folder = tmp_path_factory.mktemp("added")
    slow.save_pretrained(folder)
    return slow, DebertaV2Tokenizer.from_directory(folder)


@given(text=texts)
@example(text="[E1]<word>")
def test_ids_are_those_of_hugging_face_in_texts_that_are_changed(with_option, text):
    slow, tokenizer = with_option
    expected = slow.convert_tokens_to_ids(slow.tokenize(text))
    assert tokenizer.encode_batch([text]).ids.tolist() == expected


@given(parts=st.lists(texts, min_size=1, max_size=3))
def test_a_token_has_its_own_characters_and_no_others(tokenizer, parts):
    contents = {i: token.content for i, token in tokenizer.added_tokens.items()}
    for text, (ids, starts, ends) in zip(parts, tokenizer.encode_batch(parts), strict=True):
        assert (starts[1:] >= starts[:-1]).all()
        added = np.isin(ids, list(contents))
        for i in np.flatnonzero(added).tolist():
            assert text[starts[i] : ends[i]] == contents[int(ids[i])]
            others = np.delete(np.arange(len(ids)), i)
            assert ((ends[others] <= starts[i]) | (starts[others] >= ends[i])).all()


@given(text=texts)
def test_alignment_leaks_and_loses_nothing(tokenizer, text):
    doc = NLP(text)
    aligned = align_pieces([doc], tokenizer.encode_batch([text]))
    starts, ends = aligned.pieces.starts, aligned.pieces.ends
    bounds = np.cumsum([0, *aligned.aligned_lengths])
    for token, first, last in zip(doc, bounds[:-1], bounds[1:], strict=True):
        expected = np.flatnonzero(
            (starts < token.idx + len(token)) & (ends > token.idx) & (ends > starts)
        )
        assert aligned.aligned[first:last].tolist() == expected.tolist()
        assert last > first or not token.text.strip(" \n\u200b")


@pytest.mark.parametrize("name", CONTROL)
def test_control_tokens_stay_text_beside_added_ones(tokenizer, small, name):
    text = f"{name}bada{name} [E1] {name}do"
    pieces = tokenizer.encode_batch([text])
    control = {tokenizer.convert_tokens_to_ids(content) for content in CONTROL}
    assert not control & set(pieces.ids.tolist())
    before, after = text.split("[E1]")
    marker = tokenizer.convert_tokens_to_ids("[E1]")
    expected = [*small.encode_batch([before]).ids, marker, *small.encode_batch([after]).ids]
    assert pieces.ids.tolist() == expected


def test_what_the_fast_tokenizer_takes_for_text(small_vocabulary, tmp_path):
    """With `split_special_tokens`, special tokens are text there, and other added ones are not."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("google.protobuf")
    with pytest.warns(UserWarning, match="byte fallback"):
        fast = transformers.DebertaV2TokenizerFast(vocab_file=str(small_vocabulary))
    fast.add_tokens(["<a>", "deba", "debado"])
    fast.add_tokens(["<b>"], special_tokens=True)
    fast.save_pretrained(tmp_path)
    DebertaV2Tokenizer(small_vocabulary).save_vocabulary(tmp_path)
    all_found = DebertaV2Tokenizer.from_directory(tmp_path, tokenizer="sentencepiece")
    split = all_found.with_split_special_tokens(True)
    for text in ["da<a>bo", "da <b>bo", "<b><a>", "debadobo", "debado<a>deba"]:
        assert all_found(text)["input_ids"] == fast(text)["input_ids"], text
        ids = split(text)["input_ids"]
        expected = fast(text, split_special_tokens=True)["input_ids"]
        # The fast tokenizer has no bytes, so unknown characters are [UNK].
        known = [i for i in ids if not split.convert_ids_to_tokens(i).startswith("<0x")]
        assert known == [i for i in expected if i != fast.unk_token_id], text
    assert all_found.encode_batch(["[SEP]<b>"]).ids[-1] == all_found.convert_tokens_to_ids("<b>")


def test_split_special_tokens_makes_special_ones_text(tokenizer, small):
    split = tokenizer.with_split_special_tokens(True)
    assert split.with_split_special_tokens(True) is split
    text = "bada [E1] remdesivir[/E1]do"
    found = [i for i in split.encode_batch([text]).ids.tolist() if i in split.added_tokens]
    assert [split.convert_ids_to_tokens(i) for i in found] == ["[E", "remdesivir"]
    plain = "bada <PER> do"
    assert split.encode_batch([plain]).ids.tolist() == small.encode_batch([plain]).ids.tolist()
    assert split.encode_ids([plain])[0].tolist() == small.encode_batch([plain]).ids.tolist()
    # They are found on request.
    assert split(text, special_tokens_in_text=True) == tokenizer(text)
    asked = split.encode_batch([plain], special_tokens_in_text=["<PER>"])
    assert asked.ids.tolist() == tokenizer.encode_batch([plain]).ids.tolist()
    assert split.decode(tokenizer(text)["input_ids"]) == tokenizer.decode(
        tokenizer(text)["input_ids"]
    )


@pytest.mark.parametrize("split", [False, True])
def test_the_setting_is_saved(tokenizer, tmp_path, split):
    transformers = pytest.importorskip("transformers")
    made = tokenizer.with_split_special_tokens(split)
    made.save_pretrained(tmp_path)
    text = "bada [E1] remdesivir"
    for loaded in (
        DebertaV2Tokenizer.from_directory(tmp_path),
        DebertaV2Tokenizer.from_bytes(made.to_bytes()),
    ):
        assert loaded.split_special_tokens is split
        assert loaded.all_special_ids == made.all_special_ids
        assert loaded(text) == made(text)
    assert transformers.DebertaV2Tokenizer.from_pretrained(tmp_path).split_special_tokens is split


def test_what_is_left_out_of_a_decoded_text_is_as_in_hugging_face(small_vocabulary, tmp_path):
    """There, `special` in the file and the list of special tokens are independent."""
    transformers = pytest.importorskip("transformers")
    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary))
    slow.add_special_tokens({"additional_special_tokens": ["<a>", "<b>"]})
    slow.save_pretrained(tmp_path)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        values = json.loads((tmp_path / name).read_text())
        values["additional_special_tokens"] = ["<a>"]
        (tmp_path / name).write_text(json.dumps(values))
    slow = transformers.DebertaV2Tokenizer.from_pretrained(tmp_path)
    ours = DebertaV2Tokenizer.from_directory(tmp_path)
    for tokenizer in (ours, DebertaV2Tokenizer.from_bytes(ours.to_bytes())):
        ids = tokenizer("ba <a> do <b>be")["input_ids"]
        assert ids == slow("ba <a> do <b>be")["input_ids"]
        assert list(tokenizer.all_special_ids) == sorted(set(slow.all_special_ids))
        for skip in (False, True):
            assert tokenizer.decode(ids, skip_special_tokens=skip) == slow.decode(
                ids, skip_special_tokens=skip
            )
        # For decoding, the flag counts.
        split = tokenizer.with_split_special_tokens(True)
        assert not set(split("ba <a> do <b>be")["input_ids"]) & set(split.added_tokens)


def test_texts_without_added_tokens_go_as_they_are(tokenizer, small, monkeypatch):
    calls = []
    encode = tokenizer._engine.encoder.encode
    monkeypatch.setattr(
        tokenizer._engine.encoder, "encode", lambda texts: calls.append(texts) or encode(texts)
    )
    texts = ["bada do", "", "x ½ [E1", "[SEP] do"]
    found = tokenizer.encode_batch(["bada do", "", "[SEP] do"])
    assert calls == [["bada do", "", "[SEP] do"]]
    assert found.ids.tolist() == small.encode_batch(["bada do", "", "[SEP] do"]).ids.tolist()
    tokenizer.encode_batch(["bada [E1] do"] * 10 + texts)
    assert len(calls) == 2, "one call for a batch, whatever is in it"


def test_an_empty_token_is_nowhere(small_vocabulary):
    tokenizer = DebertaV2Tokenizer(
        small_vocabulary, added_tokens=[AddedToken(content="", id=600), "<a>"]
    )
    marker = tokenizer.convert_tokens_to_ids("<a>")
    pieces = tokenizer.encode_batch(["do<a>"])
    assert pieces.ids.tolist().count(marker) == 1
    assert 600 not in pieces.ids


@given(
    strings=st.lists(st.text("ab[.", max_size=6), max_size=30),
    text=st.text("ab[.", max_size=30),
)
def test_a_pattern_of_many_strings_finds_the_longest_at_every_place(strings, text):
    expected, place = [], 0
    while place < len(text):
        here = [s for s in strings if s and text.startswith(s, place)]
        if here:
            expected.append((place, max(here, key=len)))
        place += len(max(here, key=len)) if here else 1
    found = [(match.start(), match[0]) for match in any_of(strings).finditer(text)]
    assert found == expected


def test_strings_that_begin_each_other_are_not_too_many_for_a_pattern():
    strings = ["a" * length for length in range(1, 200)]
    assert any_of(strings).match("a" * 150 + "b")[0] == "a" * 150


class Unsearchable(list):
    """A list that isn't searched item by item."""

    def __contains__(self, item):
        raise AssertionError(item)


def test_many_tokens_are_not_compared_with_each_other(small_vocabulary):
    many = [f"<{i}>" for i in range(30)]
    ours = DebertaV2Tokenizer(small_vocabulary, added_tokens=many)
    table = ours._table.only(Unsearchable(many[:8]))
    assert table.are_in(["<7>"])
    assert not table.are_in(["<8>"])
