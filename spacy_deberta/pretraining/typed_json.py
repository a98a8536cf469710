"""JSON as what it should be, or what is wrong with it in a line."""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

ValueT = TypeVar("ValueT")


def parse_json(data: bytes, adapter: TypeAdapter[ValueT]) -> ValueT:
    """Parse JSON of known fields and types.

    Args:
        data: The JSON.
        adapter: Knows what it should be.

    Returns:
        That.

    Raises:
        ValueError: It is something else; without a code.
    """
    try:
        return adapter.validate_json(data, strict=True)
    except ValidationError as error:
        parts = [
            ".".join(map(str, found["loc"])) + ": " * bool(found["loc"]) + found["msg"]
            for found in error.errors(include_url=False)
        ]
        raise ValueError("; ".join(parts)) from None
