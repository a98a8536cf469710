"""The tokenizers library on a SentencePiece model: ids and offsets of SentencePiece."""

import json
import shutil

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast


@pytest.fixture(scope="module")
def fast(v3_vocabulary):
    return DebertaV2TokenizerFast(v3_vocabulary)


@pytest.fixture(scope="module")
def small_fast(small_vocabulary):
    return DebertaV2TokenizerFast(small_vocabulary)


def rows(tokenizer, texts):
    return [[values.tolist() for values in row] for row in tokenizer.encode_batch(texts)]


@pytest.mark.slow
def test_real_texts_have_the_ids_and_offsets_of_sentencepiece(fast, v3, real_texts):
    ours, expected = rows(fast, real_texts), rows(v3, real_texts)
    differing = [t for t, a, b in zip(real_texts, ours, expected, strict=True) if a != b]
    # "sooooooo" and the like have several segmentations of the same score.
    assert len(differing) < 1e-4 * len(real_texts), differing[:5]


def test_most_strange_texts_do(fast, v3, strange_texts):
    """But for marks after compatibility characters, and texts that spell a byte."""
    ours, expected = rows(fast, strange_texts), rows(v3, strange_texts)
    same = [a == b for a, b in zip(ours, expected, strict=True)]
    assert sum(same) > 0.93 * len(same)


def test_bytes_have_their_own_characters(small_fast, small):
    for text in ("🦣🦤 é", "\x01漢字", "a½漢"):
        assert rows(small_fast, [text]) == rows(small, [text])


@pytest.mark.parametrize("option", ["do_lower_case", "split_by_punct"])
def test_options(small_vocabulary, option):
    fast = DebertaV2TokenizerFast(small_vocabulary, **{option: True})
    slow = DebertaV2Tokenizer(small_vocabulary, **{option: True})
    for text in ("Bada,Do...BA", "ÉÀ 漢", "(do) 1,000"):
        assert rows(fast, [text])[0][0] == rows(slow, [text])[0][0]


def test_a_folder_with_an_spm_model(small_vocabulary, small, tmp_path):
    shutil.copy(small_vocabulary, tmp_path / "spm.model")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512}))
    for get in (DebertaV2TokenizerFast.from_directory, DebertaV2TokenizerFast.from_pretrained):
        fast = get(tmp_path)
        assert type(fast) is DebertaV2TokenizerFast
        assert fast.engine == "tokenizers"
        assert fast.model_max_length == 512
        assert fast("Bada 🦣 do")["input_ids"] == small("Bada 🦣 do")["input_ids"]
    assert DebertaV2Tokenizer.from_pretrained(tmp_path).engine == "sentencepiece"


def test_auto_tokenizer_reads_what_is_saved(small_fast, small, tmp_path, strange_texts):
    transformers = pytest.importorskip("transformers")
    small_fast.save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    again = DebertaV2TokenizerFast.from_directory(tmp_path)
    assert again.to_bytes() == small_fast.to_bytes() or again("½")["input_ids"]
    for text in ["½ 🦣", "[SEP] Bada", *strange_texts[:300]]:
        ids = small_fast(text, special_tokens_in_text=True)["input_ids"]
        assert theirs(text)["input_ids"] == ids
        assert again(text, special_tokens_in_text=True)["input_ids"] == ids


def test_one_vocabulary_is_given(small_vocabulary, folders):
    with pytest.raises(ValueError, match="E203"):
        DebertaV2TokenizerFast()
    with pytest.raises(ValueError, match="E203"):
        DebertaV2TokenizerFast(small_vocabulary, model_proto=b"")
    with pytest.raises(ValueError, match="E202"):
        DebertaV2TokenizerFast(model_proto=b"\x0a")
    file = folders["version 5"] / "tokenizer.json"
    assert DebertaV2TokenizerFast(tokenizer_file=file).tokenize("b") == ["▁", "b"]
