"""JSON values that can't be changed: what a frozen configuration is made of."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(Mapping[K, V], Generic[K, V]):
    """A mapping that can't be changed, yet can be hashed, copied and pickled.

    `types.MappingProxyType` can do neither of the last two, and models that hold a
    configuration have to be copied and sent to other processes.

    Args:
        values: What it holds, in this order. The values are frozen too.
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
    """Freeze a JSON value: dicts become `FrozenDict`, lists become tuples, all the way down."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict(value)
    if isinstance(value, (list, tuple)):
        return tuple(freeze_json(item) for item in value)
    return value


def thaw_json(value: Any) -> Any:
    """The way back of `freeze_json`: plain dicts and lists, as `json.dumps` takes them."""
    if isinstance(value, Mapping):
        return {key: thaw_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw_json(item) for item in value]
    return value
