"""Folders, bytes, copies, threads."""

import copy
import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, DebertaV2TokenizerFast
from spacy_deberta.tokenization.native_threads import choose_threads
from tests.tokenization.texts import PROBES

READABLE = [text for text in PROBES if text.isprintable()]

VARIANTS = {
    "plain": {},
    "lower": {"do_lower_case": True},
    "punctuation": {"split_by_punct": True},
    "roles": {"cls_token": "[SEP]"},
    "limit": {"model_max_length": 512},
    "added": {
        "added_tokens": [
            "<a>",
            AddedToken(content="<b>", special=True, lstrip=True),
            AddedToken(content="<c>", single_word=True, rstrip=True, normalized=True),
        ]
    },
}


@pytest.fixture(params=VARIANTS)
def tokenizer(request, small_vocabulary):
    return DebertaV2Tokenizer(small_vocabulary, **VARIANTS[request.param])


def assert_same(a, b):
    assert a.to_bytes() == b.to_bytes()
    assert_same_pieces(a, b)


def assert_same_pieces(a, b):
    assert len(a) == len(b)
    texts = [*PROBES, "ba <a> do <b>be <c> bo"]
    for in_text in (False, True):
        ours = a.encode_batch(texts, special_tokens_in_text=in_text)
        theirs = b.encode_batch(texts, special_tokens_in_text=in_text)
        assert np.array_equal(ours.ids, theirs.ids)
        assert np.array_equal(ours.starts, theirs.starts)


def test_folder(tokenizer, tmp_path):
    files = tokenizer.save_pretrained(tmp_path / "new" / "folder")
    assert all(file.is_file() for file in files)
    loaded = DebertaV2Tokenizer.from_directory(tmp_path / "new" / "folder")
    # Flags of added tokens that have no effect are those that tokenizer.json needs.
    assert_same_pieces(tokenizer, loaded)
    assert_same(loaded, DebertaV2Tokenizer.from_bytes(loaded.to_bytes()))
    assert loaded.model_max_length == tokenizer.model_max_length


def test_hugging_face_opens_our_folder(tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer.save_pretrained(tmp_path)
    slow = transformers.DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert len(slow) == len(tokenizer)
    assert slow.all_special_ids
    assert sorted(set(slow.all_special_ids)) == list(tokenizer.all_special_ids)
    for text in [*READABLE, "ba <a> do <b>be <c> bo"]:
        ours = tokenizer(text, special_tokens_in_text=True)
        assert ours["input_ids"] == slow(text)["input_ids"], text


def test_we_open_hugging_face_folders(small_vocabulary, tmp_path):
    transformers = pytest.importorskip("transformers")
    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary), do_lower_case=True)
    slow.add_tokens(["<a>", transformers.AddedToken("<b>", lstrip=True)])
    slow.add_special_tokens({"additional_special_tokens": ["<c>"], "pad_token": "<pad>"})
    slow.save_pretrained(tmp_path)
    ours = DebertaV2Tokenizer.from_directory(tmp_path)
    assert len(ours) == len(slow)
    assert ours.pad_token_id == slow.pad_token_id
    assert ours.do_lower_case
    assert list(ours.all_special_ids) == sorted(set(slow.all_special_ids))
    for text in [*READABLE, "Ba <a> do <b>be <c> bo"]:
        assert ours(text, special_tokens_in_text=True)["input_ids"] == slow(text)["input_ids"]


def test_old_folders(small, small_vocabulary, tmp_path):
    small.save_vocabulary(tmp_path)
    assert_same(DebertaV2Tokenizer.from_directory(tmp_path), small)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"[MASK]": 517, "<a>": 518}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    (tmp_path / "special_tokens_map.json").write_text(
        json.dumps({"unk_token": {"content": "[UNK]"}, "additional_special_tokens": ["<a>"]})
    )
    tokenizer = DebertaV2Tokenizer.from_directory(tmp_path)
    assert tokenizer.mask_token_id == 517
    assert tokenizer.do_lower_case
    assert 518 in tokenizer.all_special_ids


def test_vocabulary_is_kept_byte_for_byte(small, small_vocabulary, tmp_path):
    small.save_pretrained(tmp_path)
    assert (tmp_path / "spm.model").read_bytes() == small_vocabulary.read_bytes()
    path = small.save_vocabulary(tmp_path, "mine")
    assert path == tmp_path / "mine-spm.model"
    assert path.read_bytes() == small.model_proto


def test_bytes(tokenizer):
    assert_same(tokenizer, DebertaV2Tokenizer.from_bytes(tokenizer.to_bytes()))


def test_copies(tokenizer):
    assert_same(tokenizer, pickle.loads(pickle.dumps(tokenizer)))
    assert_same(tokenizer, copy.deepcopy(tokenizer))


def test_copies_are_of_the_same_class(small_vocabulary):
    fast = DebertaV2TokenizerFast(small_vocabulary)
    changed = fast.with_split_special_tokens(True)
    for again in (pickle.loads(pickle.dumps(fast)), copy.deepcopy(fast), copy.copy(fast), changed):
        assert type(again) is DebertaV2TokenizerFast
        assert again("Bada do")["input_ids"] == fast("Bada do")["input_ids"]


def test_pickles_of_0_1_0(small):
    """They call a function with two arguments, the bytes and the number of threads."""
    data = small.to_bytes()
    pickled = b"cspacy_deberta.tokenization.tokenizer\n_from_bytes\n"
    pickled += b"(B" + len(data).to_bytes(4, "little") + data + b"NtR."
    again = pickle.loads(pickled)
    assert type(again) is DebertaV2Tokenizer
    assert_same(small, again)


def test_from_proto(small, small_vocabulary):
    assert_same(small, DebertaV2Tokenizer(model_proto=small_vocabulary.read_bytes()))


def test_threads(small_vocabulary, strange_texts):
    texts = strange_texts[:1000]
    # A new tokenizer, so that its cache is filled while other threads read it.
    tokenizer = DebertaV2Tokenizer(small_vocabulary)
    expected = DebertaV2Tokenizer(small_vocabulary).encode_batch(texts)
    with ThreadPoolExecutor(4) as pool:
        for pieces in pool.map(tokenizer.encode_batch, [texts] * 8):
            assert np.array_equal(pieces.ids, expected.ids)
            assert np.array_equal(pieces.starts, expected.starts)
            assert np.array_equal(pieces.ends, expected.ends)


def test_native_threads(small_vocabulary, strange_texts):
    one, several, default = (
        DebertaV2Tokenizer(small_vocabulary, threads=threads).encode_batch(strange_texts)
        for threads in (1, 3, None)
    )
    for pieces in (several, default):
        assert np.array_equal(pieces.ids, one.ids)
        assert np.array_equal(pieces.ends, one.ends)


@pytest.mark.parametrize(
    ("characters", "most", "chosen"), [(0, 4, 1), (5_000, 4, 1), (10_000, 4, 2), (10**6, 4, 4)]
)
def test_threads_have_enough_to_do(characters, most, chosen):
    assert choose_threads(characters, max_threads=most) == chosen


def test_no_more_threads_than_cores():
    assert 1 <= choose_threads(10**9, max_threads=None) <= os.cpu_count()


@pytest.mark.parametrize("cut", [0, 10, 1000, -1])
def test_damaged_vocabulary(small, tmp_path, cut):
    (tmp_path / "spm.model").write_bytes(small.model_proto[:cut])
    with pytest.raises(ValueError, match="E202"):
        DebertaV2Tokenizer(tmp_path / "spm.model")


def test_something_else_than_a_vocabulary(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:c679\nsize 2464616\n"
    with pytest.raises(ValueError, match=r"E202.*Git LFS"):
        DebertaV2Tokenizer(model_proto=pointer)
    with pytest.raises(ValueError, match="E201"):
        DebertaV2Tokenizer(tmp_path / "none.model")
    with pytest.raises(ValueError, match="E203"):
        DebertaV2Tokenizer()
    with pytest.raises(ValueError, match="E203"):
        DebertaV2Tokenizer("spm.model", model_proto=b"")


def test_folders_that_are_none(small, tmp_path):
    with pytest.raises(ValueError, match="E212"):
        DebertaV2Tokenizer.from_directory(tmp_path)
    with pytest.raises(ValueError, match="E212"):
        DebertaV2Tokenizer.from_directory(tmp_path / "none")
    small.save_pretrained(tmp_path)
    for content in ("{", "[]", "\xff"):
        (tmp_path / "tokenizer_config.json").write_text(content, encoding="latin1")
        with pytest.raises(ValueError, match="E213"):
            DebertaV2Tokenizer.from_directory(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\xff\n", b"[]\n", b"no tokenizer"])
def test_bytes_that_are_none(data):
    with pytest.raises(ValueError, match="E216"):
        DebertaV2Tokenizer.from_bytes(data)


def test_bytes_of_another_format(small):
    data = small.to_bytes().replace(b'"format": 1', b'"format": 2', 1)
    with pytest.raises(ValueError, match="E216"):
        DebertaV2Tokenizer.from_bytes(data)


@pytest.mark.parametrize("threads", ["2", 2.0, 1.5, True, [2], float("nan")])
def test_threads_are_a_whole_number(threads, small_vocabulary):
    with pytest.raises(ValueError, match=r"E231.*whole number"):
        DebertaV2Tokenizer(small_vocabulary, threads=threads)
    with pytest.raises(ValueError, match=r"E231.*whole number"):
        DebertaV2Tokenizer(small_vocabulary).encode_ids(["bado"], threads=threads)
