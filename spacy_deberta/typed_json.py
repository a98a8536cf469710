"""JSON from outside: read within limits, and held against the types that are expected of it."""

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
# Real files have four levels. What walks the values is recursive, in this package and in others.
MAX_DEPTH = 64
_MAX_SHOWN = 60


class JsonError(ValueError):
    """What is wrong with a text as JSON, for the coded message of the caller."""


class FieldError(ValueError):
    """A field that is not as expected, for the coded message of the caller.

    Attributes:
        field: Its name, with dots before the names of fields within it.
        found: What it is, as a short text.
        expected: What it has to be, to stand after "has to be".
    """

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"'{field}' is {found}, which has to be {expected}")
        self.field = field
        self.found = found
        self.expected = expected


class Schema(BaseModel):
    """The types and ranges of an object's known fields; unknown fields are nobody's business.

    Types are strict: "12" is no number, and 1 is not true. Numbers are finite.
    """

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path: The file, in UTF-8 with or without a byte order mark.

    Returns:
        The object.

    Raises:
        JsonError: It is something else, nested too deeply, too large, or not clear.
        OSError: It can't be read.
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
        The object. A key that stands twice, a string that UTF-8 can't write and a nesting of more
        than 64 levels are refused: other readers take them in other ways, or break at them.

    Raises:
        JsonError: It is something else.
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
    """Parse JSON that is wholly known, such as a file that this package wrote.

    Args:
        content: The JSON.
        adapter: Knows what it has to be.

    Returns:
        That.

    Raises:
        JsonError: It is something else.
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
    """Hold an object against the types that are expected of its fields.

    Args:
        schema: The fields.
        values: The object. Fields that the schema does not have are passed over.

    Returns:
        The known fields.

    Raises:
        FieldError: A field is not as expected.
    """
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    raise FieldError(shorten(field), show(first["input"]), expected)


def expected(text: str) -> WrapValidator:
    """Say in one's own words what a field has to be, to stand after "has to be"."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            raise ValueError(text) from error

    return WrapValidator(check)


def whole_number(low: int, high: int) -> WrapValidator:
    """Say what a whole number has to be, and check it."""
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
    """A value from a stranger's file, as it fits into a message."""
    try:
        return shorten(repr(value))
    except ValueError:  # of more digits than Python writes
        return "a number of thousands of digits"


def shorten(text: str) -> str:
    """A text from a stranger's file, cut to what fits into a message."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise JsonError(f"the key {show(twice)} stands twice in one object")
    return values


def _check_values(values: Any) -> None:
    """Without recursion, since the depth is what is in question."""
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
        raise JsonError(f"{show(text)} is no text that UTF-8 can write") from error
