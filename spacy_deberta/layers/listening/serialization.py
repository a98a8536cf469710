"""Serialize `doc._.trf_data` in a `DocBin` or in `doc.to_bytes()`, which use msgpack."""

from collections.abc import Callable
from typing import Any

import srsly

from .transformer_data import TransformerData

# The key of spacy-transformers: each package reads the data of the other.
KEY = "__transformerdata__"


@srsly.msgpack_encoders("spacy-deberta.transformer_data")
def encode_transformer_data(obj: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    """Encode our own class; spacy-transformers encodes its own."""
    if issubclass(type(obj), TransformerData):
        return {KEY: obj.to_dict()}
    return obj if chain is None else chain(obj)


@srsly.msgpack_decoders("spacy-deberta.transformer_data")
def decode_transformer_data(obj: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    """Decode the data of either package."""
    if KEY in obj:
        return TransformerData.empty().from_dict(obj[KEY])
    return obj if chain is None else chain(obj)
