"""Calling the tokenizer returns the same as Hugging Face's."""

import numpy as np
import pytest

TEXTS = ["Bada bado, dedi 12.", "ba", "", "½ cup of [SEP] …"]
PAIRS = ["Ba dobe.", "a rather longer partner than that", "bo", ""]


def call_both(small, slow_small, *args, **options):
    slow = slow_small(*args, split_special_tokens=True, **options)
    return small(*args, **options), {key: slow[key] for key in slow}


@pytest.mark.parametrize("pairs", [None, PAIRS])
@pytest.mark.parametrize("padding", [False, True, "max_length"])
@pytest.mark.parametrize("truncation", [False, True, "longest_first"])
@pytest.mark.parametrize("special", [True, False])
def test_batches(small, slow_small, pairs, padding, truncation, special):
    options = {"padding": padding, "truncation": truncation, "max_length": 11}
    options |= {"return_special_tokens_mask": True}
    # For batches, Hugging Face's slow tokenizer disregards `split_special_tokens`.
    slow_options = {} if special else {"return_token_type_ids": None}
    ours = small(TEXTS, pairs, add_special_tokens=special, special_tokens_in_text=True, **options)
    theirs = slow_small(
        TEXTS,
        pairs,
        add_special_tokens=special,
        **options,
        **slow_options,
    )
    assert ours == {key: theirs[key] for key in theirs}


@pytest.mark.parametrize("max_length", range(6, 24))
def test_truncation_of_pairs(small, slow_small, max_length):
    ours, theirs = call_both(
        small, slow_small, TEXTS[0], PAIRS[1], truncation=True, max_length=max_length
    )
    assert ours == theirs


@pytest.mark.parametrize("strategy", ["only_first", "only_second"])
def test_truncation_of_one(small, slow_small, strategy):
    first, second = (TEXTS[0] * 3, PAIRS[0]) if strategy == "only_first" else ("ba", PAIRS[1] * 3)
    ours, theirs = call_both(small, slow_small, first, second, truncation=strategy, max_length=25)
    assert ours == theirs
    assert len(ours["input_ids"]) == 25


@pytest.mark.parametrize("pair", [None, PAIRS[0]])
def test_single_text(small, slow_small, pair):
    ours, theirs = call_both(small, slow_small, TEXTS[0], pair)
    assert ours == theirs
    ours, theirs = call_both(small, slow_small, TEXTS[0], pair, return_tensors="np")
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        assert isinstance(array, np.ndarray)
        assert array.shape == (1, len(theirs[key][0]))
        assert array.tolist() == theirs[key].tolist()


def test_pytorch(small):
    torch = pytest.importorskip("torch")
    batch = small(TEXTS, padding=True, return_tensors="pt", return_offsets_mapping=True)
    assert batch["input_ids"].dtype == torch.long
    assert batch["offset_mapping"].shape == (*batch["input_ids"].shape, 2)


def test_offsets(small):
    batch = small(TEXTS, PAIRS, padding=True, return_offsets_mapping=True)
    texts = zip(TEXTS, PAIRS, strict=True)
    keys = ("offset_mapping", "token_type_ids", "input_ids")
    for pair, *rows in zip(texts, *(batch[key] for key in keys), strict=True):
        for (start, end), which, piece_id in zip(*rows, strict=True):
            piece = small.convert_ids_to_tokens(piece_id).lstrip("▁")
            if piece_id < 260:
                continue
            assert pair[which][start:end] in (piece, "½", "…")


def test_what_is_wanted(small):
    assert set(small("ba", return_token_type_ids=False)) == {"input_ids", "attention_mask"}
    assert set(small("ba", return_attention_mask=False)) == {"input_ids", "token_type_ids"}


def test_special_tokens_in_text(small):
    assert small("[MASK]")["input_ids"].count(small.mask_token_id) == 0
    asked = small("[MASK]", special_tokens_in_text=True)["input_ids"]
    assert asked == [small.cls_token_id, small.mask_token_id, small.sep_token_id]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"padding": "max_length"}, "E206"),
        ({"truncation": True}, "E206"),
        ({"padding": "longer"}, "E207"),
        ({"truncation": "some", "max_length": 5}, "E207"),
        ({"return_tensors": "tf", "padding": True}, "E207"),
        ({"return_tensors": "np"}, "E208"),
        ({"truncation": True, "max_length": 1}, "E209"),
        ({"truncation": "only_second", "max_length": 5}, "E209"),
        ({"text_pair": ["ba"]}, "E215"),
    ],
)
def test_options_that_make_no_sense(small, options, code):
    with pytest.raises(ValueError, match=code):
        small(TEXTS, **options)


@pytest.mark.parametrize("texts", [[1], ["ba", None], [b"ba"]])
@pytest.mark.parametrize("in_text", [False, True])
def test_no_strings(small, texts, in_text):
    with pytest.raises(ValueError, match="E205"):
        small.encode_batch(texts, special_tokens_in_text=in_text)


def test_one_string_is_no_batch(small):
    with pytest.raises(ValueError, match="E205"):
        small.encode_batch("ba")
