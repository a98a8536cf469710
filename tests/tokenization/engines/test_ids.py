"""Ids are those of Hugging Face's fast tokenizer of the folder."""

import json

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.tokenization.engines.conftest import as_version_5, fast_tokenizer
from tests.tokenization.test_ids import assert_same, encode_ours

CONTROL = ("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]")
SAVED = ("sequence_classifier", "added_tokens", "wordpiece")


@pytest.fixture(scope="module", params=SAVED)
def saved(request, shared_data):
    """A folder of transformers 5, and its outputs."""
    folder = shared_data / "transformers5" / request.param
    expected = json.loads((folder / "expected.json").read_text(encoding="utf8"))
    return DebertaV2Tokenizer.from_directory(folder), expected["cases"]


@pytest.mark.slow
def test_pieces_of_characters_without_a_piece(shared_data, v3, v3_vocabulary):
    """The same texts with the encodings of three kinds of checkpoints."""
    pipeline = fast_tokenizer(v3_vocabulary).backend_tokenizer.to_str()
    read = {
        "sentencepiece": v3,
        "transformers4": DebertaV2Tokenizer(pipeline=pipeline.encode()),
        "transformers5": DebertaV2Tokenizer(pipeline=as_version_5(pipeline).encode()),
    }
    edges = json.loads((shared_data / "gliner" / "edges.json").read_text(encoding="utf8"))["v3"]
    for text, expected in edges.items():
        for kind, tokenizer in read.items():
            ids = tokenizer.encode_batch([text]).ids.tolist()
            assert ids == expected[kind], (kind, text)


def without_control(texts):
    return [text for text in texts if not any(token in text for token in CONTROL)]


def test_folders_of_transformers_5(saved):
    tokenizer, cases = saved
    assert tokenizer.engine == "tokenizers"
    for case in cases:
        ours = tokenizer(case["text"], special_tokens_in_text=True)["input_ids"]
        assert ours == case["input_ids"], case["text"]
        assert tokenizer.convert_ids_to_tokens(ours) == case["tokens"]


def test_offsets_of_transformers_5_without_the_space_before_a_word(saved):
    tokenizer, cases = saved
    for case in cases:
        text = case["text"]
        row = tokenizer(text, special_tokens_in_text=True, return_offsets_mapping=True)
        both = zip(row["offset_mapping"], case["offsets"], case["tokens"], strict=True)
        for ours, theirs, piece in both:
            if piece == "▁" or piece in CONTROL:
                continue
            inside = text[slice(*theirs)]
            start = theirs[0] + len(inside) - len(inside.lstrip())
            assert ours == (start, theirs[1]), (text, piece)


def test_strange_texts(tokenizer, theirs, strange_texts):
    texts = without_control(strange_texts)
    found = [theirs(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert_same(encode_ours(tokenizer, texts), found, texts)


def test_offsets_change_no_ids(tokenizer, strange_texts):
    texts = strange_texts[:500]
    ids, cu_pieces = tokenizer.encode_ids(texts)
    pieces = tokenizer.encode_batch(texts)
    assert ids.tolist() == pieces.ids.tolist()
    assert cu_pieces.tolist() == pieces.cu_pieces.tolist()


@pytest.mark.parametrize("name", CONTROL)
def test_no_text_gives_a_control_token(tokenizer, name):
    control = {tokenizer.convert_tokens_to_ids(token) for token in CONTROL if token != "[UNK]"}
    for text in (name, f" {name} ", f"bada{name}bada", f"{name}{name}", f"▁{name}"):
        pieces = tokenizer.encode_batch([text])
        assert not control & set(pieces.ids.tolist())
        asked = tokenizer.encode_batch([text], special_tokens_in_text=True)
        assert tokenizer.convert_tokens_to_ids(name) in asked.ids
        assert tokenizer.encode_batch([text], special_tokens_in_text=["[CLS]"]).ids.tolist() == (
            asked.ids.tolist() if name == "[CLS]" else pieces.ids.tolist()
        )


def test_a_batch_is_its_texts(tokenizer, strange_texts):
    texts = strange_texts[:300]
    for text, row in zip(texts, tokenizer.encode_batch(texts), strict=True):
        alone = next(iter(tokenizer.encode_batch([text])))
        assert [a.tolist() for a in alone] == [a.tolist() for a in row]


def test_one_thread_gives_the_same(folder, tokenizer, strange_texts):
    alone = DebertaV2Tokenizer.from_directory(folder, threads=1)
    texts = strange_texts[:200]
    assert alone.encode_batch(texts).ids.tolist() == tokenizer.encode_batch(texts).ids.tolist()


@pytest.mark.parametrize("texts", [[], [""], ["", "  ", ""]])
def test_nothing_to_encode(tokenizer, texts):
    pieces = tokenizer.encode_batch(texts)
    assert pieces.ids.shape == pieces.starts.shape == pieces.ends.shape == (0,)
    assert pieces.cu_pieces.tolist() == [0] * (len(texts) + 1)
    assert {str(array.dtype) for array in (pieces.ids, pieces.starts, pieces.ends)} == {"int64"}


def test_a_lone_surrogate_is_the_replacement_character(tokenizer):
    ours, other = (tokenizer.encode_batch([f"ba{c}do"]) for c in "\ud800\ufffd")
    assert ours.ids.tolist() == other.ids.tolist()
    assert ours.starts.tolist() == other.starts.tolist()


@pytest.mark.parametrize("texts", ["bada", [1], [None, "bada"]])
def test_what_is_no_list_of_texts(tokenizer, texts):
    with pytest.raises(ValueError, match="E205"):
        tokenizer.encode_batch(texts)


def test_decoding(tokenizer, theirs):
    for text in ("bada do, 12 bada.", "ba  do", ""):
        ids = tokenizer(text)["input_ids"]
        for skip in (False, True):
            options = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": False}
            assert tokenizer.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, **options)
