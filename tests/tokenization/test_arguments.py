"""Methods of a tokenizer with values of other kinds than they take."""

import numpy as np
import pytest

NO_TEXTS = (None, 5, 1.5, True, b"Mira", object(), {"Mira": 1}, [1], [None], ["Mira", None])


@pytest.mark.parametrize("value", NO_TEXTS, ids=lambda value: type(value).__name__)
def test_texts_are_strings(value, tiny_tokenizer):
    with pytest.raises(ValueError, match="E205"):
        tiny_tokenizer(value)
    with pytest.raises(ValueError, match="E205"):
        tiny_tokenizer.encode_batch(value)
    with pytest.raises(ValueError, match="E205"):
        tiny_tokenizer.encode_ids(value)
    if value is not None:
        with pytest.raises(ValueError, match="E205|E215"):
            tiny_tokenizer(["Mira"], value)


@pytest.mark.parametrize("value", [None, 5, 1.5, b"Mira", [1], [None], [["Mira"]]], ids=repr)
def test_pieces_are_strings(value, tiny_tokenizer):
    with pytest.raises(ValueError, match="E624"):
        tiny_tokenizer.convert_tokens_to_ids(value)
    with pytest.raises(ValueError, match="E624"):
        tiny_tokenizer.convert_tokens_to_string(value)


@pytest.mark.parametrize(
    "value",
    [None, 1.5, "x", "", b"x", ["1"], [None], [1.5], [[1]], [[1], [1, 2]], {1: 2}, [True]],
    ids=repr,
)
def test_ids_are_whole_numbers(value, tiny_tokenizer):
    with pytest.raises(ValueError, match="E413.*'ids'"):
        tiny_tokenizer.convert_ids_to_tokens(value)
    with pytest.raises(ValueError, match="E413.*'ids'"):
        tiny_tokenizer.decode(value)


def test_ids_of_any_iterable(tiny_tokenizer):
    ids = tiny_tokenizer.encode_batch(["Mira left."]).ids
    tokens = tiny_tokenizer.tokenize("Mira left.")
    for values in (ids, ids.astype(np.int32), ids.tolist(), tuple(ids), iter(ids.tolist())):
        assert tiny_tokenizer.convert_ids_to_tokens(values) == tokens
    assert tiny_tokenizer.convert_ids_to_tokens([]) == []
