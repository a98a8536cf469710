"""External JSON: errors before its fields are read."""

import json

import pytest

from spacy_deberta.typed_json import (
    MAX_BYTES,
    FieldError,
    JsonError,
    Schema,
    check_fields,
    parse_json,
    read_json,
)


class Fields(Schema):
    size: int
    rate: float = 0.5
    flag: bool = False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"null", "no JSON object"),
        (b"[1]", "no JSON object"),
        ('{"a": "ö"}'.encode("latin-1"), "utf-8"),
        ('{"a": 1}'.encode("utf-16"), "utf-8"),
        (b'{"a": 1, "a": 2}', "key 'a' twice"),
        (b'{"b": [{"a": 1, "c": 0, "a": 1}]}', "key 'a' twice"),
        (b'{"a": "\\ud800"}', "UTF-8"),
        (b'{"\\udc00": 1}', "UTF-8"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "levels deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "levels deep"),
        (b"[" * 100_000, "levels deep"),
    ],
)
def test_invalid_or_ambiguous_json_objects(content, said):
    with pytest.raises(JsonError, match=said) as caught:
        parse_json(content)
    assert len(str(caught.value)) < 300


def test_what_python_and_hugging_face_write_is_read_as_they_read_it():
    values = {"a": 10**30, "b": [1e-7, None, True, {"ö": "🎻"}], "c": -0.0, "d": {}, "": 1e300}
    for ensure_ascii in (True, False):
        content = json.dumps(values, ensure_ascii=ensure_ascii, indent=2).encode()
        assert parse_json(content) == values
        assert parse_json(b"\xef\xbb\xbf" + content) == values, "a byte order mark is no character"


def test_a_file_without_end_is_not_read(tmp_path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(JsonError, match="bytes"):
        read_json(path)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "size"),
        ({"size": "12"}, "size"),
        ({"size": 12.0}, "size"),
        ({"size": True}, "size"),
        ({"size": None}, "size"),
        ({"size": 1, "rate": float("nan")}, "rate"),
        ({"size": 1, "rate": float("inf")}, "rate"),
        ({"size": 1, "rate": 10**400}, "rate"),
        ({"size": 1, "rate": "0.5"}, "rate"),
        ({"size": 1, "flag": 1}, "flag"),
        ({"size": 10**5000, "flag": "yes" * 5000}, "flag"),
    ],
)
def test_fields_are_not_converted_between_types(values, field):
    with pytest.raises(FieldError, match="has to be") as caught:
        check_fields(Fields, values)
    assert caught.value.field == field
    assert len(str(caught.value)) < 300


def test_whole_numbers_are_numbers_and_unknown_fields_nobodys_business():
    assert check_fields(Fields, {"size": 3, "rate": 1, "more": object()}).rate == 1
