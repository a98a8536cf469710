"""Immutable JSON values for frozen configurations."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(Mapping[K, V], Generic[K, V]):
    """An immutable mapping that can be hashed, copied and pickled.

    `types.MappingProxyType` supports neither copying nor pickling, and models with a
    configuration have to be copied and sent to other processes.

    Args:
        values: The items, in this order. The values are frozen too.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[K, V] | None = None) -> None:
        self._values: dict[K, V] = {
            key: freeze_json(value) for key, value in (values or {}).items()
        }

    def __getitem__(self, key: K) -> V:
        return self._values[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"FrozenDict({self._values!r})"


def freeze_json(value: Any) -> Any:
    """Freeze a JSON value recursively: dicts become `FrozenDict`, lists become tuples."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict(value)
    if isinstance(value, (list, tuple)):
        return tuple(freeze_json(item) for item in value)
    return value


def thaw_json(value: Any) -> Any:
    """Inverse of `freeze_json`: plain dicts and lists, for `json.dumps`."""
    if isinstance(value, Mapping):
        return {key: thaw_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw_json(item) for item in value]
    return value
