"""Model outputs."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, fields
from typing import Any, ClassVar, overload

from torch import Tensor

# For a padded batch, one tensor per layer, (batch, heads, query, key). For packed pieces, per layer
# one tensor per sequence, (heads, length, length).
LayerAttentions = tuple[Tensor, ...] | tuple[tuple[Tensor, ...], ...]


class ModelOutput(Mapping[str, Any]):
    """Base class of all model outputs, which are frozen dataclasses.

    Beside attributes, it can be read like Hugging Face's: `output["logits"]` by name, `output[0]`
    and `output[:2]` by index, and as a mapping. Fields that are None are skipped in all of these.
    As there, iterating gives names: unpack `output.to_tuple()`.

    Source:
        `ModelOutput` of Hugging Face.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    hidden_states: tuple[Tensor, ...] | None
    attentions: LayerAttentions | None

    # Tensors have no truth value, so outputs are compared by identity.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @overload
    def __getitem__(self, key: str | int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, key: str | int | slice) -> Any:
        """A field by its name, or by its index among the fields that are not None.

        Args:
            key: Name, index or slice.

        Raises:
            KeyError: The field is unknown or None.
            IndexError: The index is out of range.
        """
        if not isinstance(key, str):
            return self.to_tuple()[key]
        return self._present()[key]

    def __contains__(self, key: object) -> bool:
        """Whether there is a field of this name that is not None; indices are not keys."""
        return key in self._present()

    def __iter__(self) -> Iterator[str]:
        """Field names, in order."""
        return iter(self._present())

    def __len__(self) -> int:
        """Number of fields."""
        return len(self._present())

    # The views of `Mapping` print the whole output.
    def keys(self) -> KeysView[str]:
        """Field names, in order."""
        return self._present().keys()

    def values(self) -> ValuesView[Any]:
        """Field values, in order."""
        return self._present().values()

    def items(self) -> ItemsView[str, Any]:
        """Field names and values, in order."""
        return self._present().items()

    def get(self, key: str, default: Any = None) -> Any:
        """A field by its name, or the default if missing."""
        return self._present().get(key, default)

    def to_tuple(self) -> tuple[Any, ...]:
        """Field values, in order: what Hugging Face returns without `return_dict`."""
        return tuple(self._present().values())

    def _present(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, eq=False)
class EncoderOutput(ModelOutput):
    """Output of `DebertaV2Model`.

    Args:
        last_hidden_state: (batch, length, hidden_size), zeros in padding; or (total_pieces,
            hidden_size) for packed pieces.
        hidden_states: The same for the embeddings and every layer, if requested.
        attentions: The attention probabilities of every layer (in training, after dropout), zeros
            in padding, if requested.
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None
