"""The output of an encoder for one document: the type of `doc._.trf_data`.

Attributes and methods are those of spacy-transformers' data classes, so its layers, and code
written for them, accept these as well.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import srsly
from thinc.types import Ragged
from thinc.util import xp2torch

from spacy_deberta.arrays import Array

from .integration import StandIn, is_stock


class ModelOutput(dict[str, Any]):
    """Arrays by name, attribute or index, as in transformers' `ModelOutput`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def to_tuple(self) -> tuple[Any, ...]:
        """The values in their order, without None."""
        return tuple(value for value in self.values() if value is not None)


class EmptyOutput(ModelOutput):
    """The output for a document without tokens: arrays of the usual shape, with 0 rows.

    `"last_hidden_state" in output` is False, by which spacy-transformers' layers exclude a document
    from training; they fail for a document without tokens.
    """

    def __contains__(self, key: object) -> bool:
        return False


@dataclass
class WordpieceBatch:
    """The pieces of some windows, padded to one length.

    Attributes:
        strings: The pieces as text, for each window.
        input_ids: Their ids, `(windows, length)`, int64, on the CPU.
        attention_mask: 1 for a piece and 0 for padding, `(windows, length)`, float32.
        lengths: Number of pieces of each window, without padding.
        token_type_ids: `(windows, length)`, or None.
    """

    strings: list[list[str]]
    input_ids: Array
    attention_mask: Array
    lengths: list[int]
    token_type_ids: Array | None

    def __len__(self) -> int:
        return len(self.strings)

    def __getitem__(self, index: int | slice) -> "WordpieceBatch":
        part = slice(index, index + 1) if isinstance(index, int) else index
        types = self.token_type_ids
        return WordpieceBatch(
            strings=self.strings[part],
            input_ids=self.input_ids[part],
            attention_mask=self.attention_mask[part],
            lengths=self.lengths[part],
            token_type_ids=None if types is None else types[part],
        )

    @classmethod
    def empty(cls, *, xp: Any = np) -> "WordpieceBatch":
        """No windows."""
        return cls([], xp.zeros((0, 0), dtype="i"), xp.ones((0, 0), dtype="bool"), [], None)

    @classmethod
    def zeros(cls, lengths: list[int], xp: Any = np) -> "WordpieceBatch":
        """Windows of pieces without text, with the id 0."""
        shape = (len(lengths), max(lengths, default=0))
        return cls(
            strings=[[""] * length for length in lengths],
            input_ids=xp.zeros(shape, dtype="i"),
            attention_mask=xp.ones(shape, dtype="bool"),
            lengths=lengths,
            token_type_ids=None,
        )

    def to_hf_dict(self) -> dict[str, Any]:
        """The arguments of a Hugging Face model, as tensors, and the pieces as `input_texts`."""
        output = {
            "input_ids": xp2torch(self.input_ids),
            "attention_mask": xp2torch(self.attention_mask),
            "input_texts": self.strings,
        }
        if self.token_type_ids is not None:
            output["token_type_ids"] = xp2torch(self.token_type_ids)
        return output

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return dict(vars(self))

    def from_dict(self, msg: dict[str, Any]) -> "WordpieceBatch":
        """Load the result of `to_dict`; msgpack may have converted lists to tuples."""
        self.strings = [list(strings) for strings in msg["strings"]]
        self.input_ids = msg["input_ids"]
        self.attention_mask = msg["attention_mask"]
        self.lengths = list(msg["lengths"])
        self.token_type_ids = msg["token_type_ids"]
        return self


@dataclass
class TransformerData(StandIn):
    """The output of an encoder for one document.

    Attributes:
        wordpieces: The pieces.
        model_output: `last_hidden_state`, `(windows, rows, width)`, and other outputs.
        align: Rows of each token's pieces in `last_hidden_state`, flattened.
        encoder: Name of the component that computed it, once it is set on a document.
        replaces_others: Whether it replaced the output of another component.
        former_names: Names that the component had before it was renamed.
    """

    stands_for: ClassVar[str] = "data_classes.TransformerData"

    wordpieces: WordpieceBatch
    model_output: ModelOutput
    align: Ragged
    encoder: str | None = None
    replaces_others: bool = False
    former_names: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> "TransformerData":
        """The output for a document that was not encoded."""
        return cls(WordpieceBatch.empty(), ModelOutput(), ragged(np.zeros(0), np.zeros(0)))

    @classmethod
    def zeros(cls, length: int, width: int, *, xp: Any = np) -> "TransformerData":
        """Zeros, `(1, length, width)`, with one row for each of `length` tokens."""
        rows = xp.zeros((1, length, width), dtype="f")
        return cls(
            wordpieces=WordpieceBatch.zeros([length], xp=xp),
            model_output=ModelOutput(last_hidden_state=rows),
            align=ragged(np.arange(length), np.ones(length)),
        )

    @property
    def tensors(self) -> tuple[Any, ...]:
        """The arrays of `model_output`."""
        return self.model_output.to_tuple()

    @property
    def tokens(self) -> dict[str, Any]:
        """The pieces, as returned by `WordpieceBatch.to_hf_dict`."""
        return self.wordpieces.to_hf_dict()

    @property
    def width(self) -> int:
        """Width of the rows.

        Raises:
            AttributeError: Nothing was encoded.
        """
        return int(self.model_output.last_hidden_state.shape[-1])

    def to_dict(self) -> dict[str, Any]:
        """All fields, for msgpack."""
        return {
            "wordpieces": self.wordpieces.to_dict(),
            "model_output": dict(self.model_output),
            "align": [self.align.dataXd, self.align.lengths],
            "encoder": self.encoder,
            "replaces_others": self.replaces_others,
            "former_names": list(self.former_names),
        }

    def from_dict(self, msg: dict[str, Any]) -> "TransformerData":
        """Load the result of `to_dict`, here or in spacy-transformers."""
        self.wordpieces = WordpieceBatch.empty().from_dict(msg["wordpieces"])
        rows = msg["model_output"].get("last_hidden_state")
        output_class = EmptyOutput if rows is not None and rows.size == 0 else ModelOutput
        self.model_output = output_class(msg["model_output"])
        self.align = Ragged(*msg["align"])
        self.encoder = msg.get("encoder")
        self.replaces_others = msg.get("replaces_others", False)
        self.former_names = tuple(msg.get("former_names", ()))
        return self

    def to_bytes(self) -> bytes:
        """All fields as msgpack."""
        return srsly.msgpack_dumps(self.to_dict())

    def from_bytes(self, byte_string: bytes) -> "TransformerData":
        """Load the result of `to_bytes`."""
        return self.from_dict(srsly.msgpack_loads(byte_string))


def is_transformer_data(value: object) -> bool:
    """Whether a value is the output of an encoder for one document, of either package."""
    return isinstance(value, TransformerData) or is_stock(value, TransformerData.stands_for)


def ragged(rows: Array, lengths: Array) -> Ragged:
    """Rows of tokens, flattened, and the number of rows of each token, both as int32."""
    return Ragged(rows.astype("i"), lengths.astype("i"))
