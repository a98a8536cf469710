"""Encoding of characters without a piece, with both engines."""

import json
import shutil

import numpy as np
import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast
from tests.tokenization.engines.conftest import fast_tokenizer


@pytest.fixture(scope="module")
def like_fast(small_vocabulary):
    return DebertaV2Tokenizer(small_vocabulary, unknown_characters="unk")


def rows(tokenizer, texts):
    return [[values.tolist() for values in row] for row in tokenizer.encode_batch(texts)]


def test_without_bytes_sentencepiece_has_the_ids_of_the_fast_tokenizer(
    like_fast, small_vocabulary, real_texts
):
    theirs = fast_tokenizer(small_vocabulary)
    texts = real_texts[:3000]
    found = theirs(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    ids = [ids for ids, _, _ in rows(like_fast, texts)]
    differing = [t for t, a, b in zip(texts, ids, found, strict=True) if a != b]
    assert len(differing) < 1e-2 * len(texts), differing[:5]
    flat, cu_pieces = like_fast.encode_ids(texts)
    assert flat.tolist() == [i for row in ids for i in row]
    assert np.diff(cu_pieces).tolist() == [len(row) for row in ids]


def test_the_one_piece_has_the_characters_of_the_run(like_fast, small, strange_texts):
    for text, (ids, starts, ends), (_, all_starts, all_ends) in zip(
        strange_texts[:1000],
        rows(like_fast, strange_texts[:1000]),
        rows(small, strange_texts[:1000]),
        strict=True,
    ):

        def covered(starts, ends):
            return {c for s, e in zip(starts, ends, strict=True) for c in range(s, e)}

        assert covered(starts, ends) >= covered(all_starts, all_ends), text
        unknown = like_fast.unk_token_id
        spaces = [i for i in range(1, len(ids)) if ids[i] == ids[i - 1] == unknown]
        assert not spaces, text


@pytest.mark.parametrize("texts", [[], [""], ["", "  "]])
def test_nothing_to_merge(like_fast, texts):
    assert rows(like_fast, texts) == [[[], [], []] for _ in texts]


@pytest.mark.parametrize("cls", [DebertaV2Tokenizer, DebertaV2TokenizerFast])
def test_by_hand(cls, small_vocabulary, small, like_fast, tmp_path):
    text = ["🦣🦤 bada é", ""]
    for setting, expected in (("bytes", small), ("unk", like_fast), (None, small)):
        tokenizer = cls(small_vocabulary, unknown_characters=setting)
        assert tokenizer.unknown_characters == (setting or "bytes")
        assert rows(tokenizer, text) == rows(expected, text)
        folder = tmp_path / str(setting)
        tokenizer.save_pretrained(folder)
        for again in (cls.from_directory(folder), cls.from_bytes(tokenizer.to_bytes())):
            assert again.unknown_characters == tokenizer.unknown_characters
            assert rows(again, text) == rows(expected, text)


def test_a_pipeline_can_spell_bytes(folders, small, tmp_path):
    shutil.copytree(folders["version 4"], tmp_path / "a")
    assert DebertaV2Tokenizer.from_directory(tmp_path / "a").unknown_characters == "unk"
    config = json.loads((tmp_path / "a" / "tokenizer_config.json").read_text())
    changed = json.dumps({**config, "unknown_characters": "bytes"})
    (tmp_path / "a" / "tokenizer_config.json").write_text(changed)
    tokenizer = DebertaV2Tokenizer.from_directory(tmp_path / "a")
    assert rows(tokenizer, ["ba 🦣 do"]) == rows(small, ["ba 🦣 do"])


def test_what_can_not_be(folders, no_bytes_vocabulary):
    with pytest.raises(ValueError, match=r"E207.*'bytes', 'unk'"):
        DebertaV2Tokenizer(no_bytes_vocabulary, unknown_characters="drop")
    for file in (no_bytes_vocabulary, folders["wordpiece"] / "vocab.txt"):
        with pytest.raises(ValueError, match="E237"):
            DebertaV2Tokenizer(file, unknown_characters="bytes")
        assert DebertaV2Tokenizer(file, unknown_characters="unk").unknown_characters == "unk"
