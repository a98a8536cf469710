"""Untrusted JSON: parsed with limits on size and depth, and validated against a schema."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

SchemaT = TypeVar("SchemaT", bound=BaseModel)
ValueT = TypeVar("ValueT")

# The longest real file is a tokenizer's, with a hundred bytes for each of 128,000 pieces.
MAX_BYTES = 64 * 2**20
# Real files have four levels. Code that walks the values is recursive, here and in other packages.
MAX_DEPTH = 64
_MAX_SHOWN = 60


class JsonError(ValueError):
    """Invalid JSON. The text of the error goes into the coded message of the caller."""


class FieldError(ValueError):
    """An invalid field. Its attributes go into the coded message of the caller.

    Attributes:
        field: Its name, with dots between nested names.
        found: Its value, as a short text.
        expected: Its expected value, in words that follow "has to be".
    """

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"'{field}' is {found}, which has to be {expected}")
        self.field = field
        self.found = found
        self.expected = expected


class Schema(BaseModel):
    """The types and ranges of an object's known fields; unknown fields are ignored.

    Types are strict: "12" is not a number, and 1 is not true. Numbers are finite.
    """

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a file with one JSON object.

    Args:
        path: The file, in UTF-8 with or without a byte order mark.

    Returns:
        The object.

    Raises:
        JsonError: The file is not a JSON object, too deeply nested, too large, or ambiguous.
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise JsonError(f"it has more than {MAX_BYTES} bytes")
    return parse_json(content)


def parse_json(content: bytes) -> dict[str, Any]:
    """Parse one JSON object.

    Args:
        content: UTF-8, with or without a byte order mark.

    Returns:
        The object. Duplicate keys, strings that UTF-8 can't encode and more than 64 levels of
        nesting are refused: other parsers read them differently, or fail.

    Raises:
        JsonError: The content is not such an object.
    """
    try:
        values = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except RecursionError as error:
        raise JsonError(_TOO_DEEP) from error
    except JsonError:
        raise
    except ValueError as error:
        raise JsonError(str(error)) from error
    if not isinstance(values, dict):
        raise JsonError("it is no JSON object")
    _check_values(values)
    return values


def parse_typed(content: bytes, adapter: TypeAdapter[ValueT]) -> ValueT:
    """Parse JSON with a complete schema, such as a file that this package wrote.

    Args:
        content: The JSON.
        adapter: The schema.

    Returns:
        The validated value.

    Raises:
        JsonError: The content is invalid.
    """
    try:
        return adapter.validate_json(content, strict=True)
    except ValidationError as error:
        parts = [
            ".".join(map(str, found["loc"])) + ": " * bool(found["loc"]) + found["msg"]
            for found in error.errors(include_url=False)
        ]
        raise JsonError("; ".join(parts)) from None


def check_fields(schema: type[SchemaT], values: Mapping[str, Any]) -> SchemaT:
    """Validate an object against a schema.

    Args:
        schema: The schema.
        values: The object. Fields that the schema does not have are ignored.

    Returns:
        The known fields.

    Raises:
        FieldError: A field is invalid.
    """
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    *parents, last = first["loc"] or ("",)
    # pydantic's places of keys are the key itself, and then this.
    is_key = last == "[key]"
    field = ".".join(map(str, [*parents[:-1], "a key"] if is_key else first["loc"]))
    if first["type"] == "missing":  # its input is the object that lacks it
        raise FieldError(shorten(field), "missing", "there")
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    raise FieldError(shorten(field), show(first["input"]), expected)


def expected(text: str) -> WrapValidator:
    """Describe the expected value of a field, in words that follow "has to be"."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            raise ValueError(text) from error

    return WrapValidator(check)


def whole_number(low: int, high: int) -> WrapValidator:
    """Check that a field is a whole number in a range."""
    text = f"a whole number from {low} to {high}"

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> int:
        try:
            number: int = handler(value)
        except ValidationError as error:
            raise ValueError(text) from error
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return WrapValidator(check)


def show(value: object) -> str:
    """The representation of an untrusted value, short enough for a message."""
    try:
        return shorten(repr(value))
    except ValueError:  # more digits than Python's limit for integer strings
        return "a number of thousands of digits"


def shorten(text: str) -> str:
    """An untrusted text, cut to a length that fits into a message."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise JsonError(f"an object has the key {show(twice)} twice")
    return values


def _check_values(values: Any) -> None:
    """Check depth and strings, without recursion because the depth is unknown."""
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError(_TOO_DEEP)
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = below


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise JsonError(f"UTF-8 can't encode {show(text)}") from error
