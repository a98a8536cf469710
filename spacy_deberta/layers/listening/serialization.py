"""`doc._.trf_data` in a `DocBin` or in `doc.to_bytes()`, which use msgpack."""

from collections.abc import Callable
from typing import Any

import srsly

from .transformer_data import TransformerData

# The key of spacy-transformers: either package reads what the other has written.
KEY = "__transformerdata__"


@srsly.msgpack_encoders("spacy-deberta.transformer_data")
def encode_transformer_data(obj: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    """Encode our own class; what spacy-transformers makes is encoded by its own function."""
    if issubclass(type(obj), TransformerData):
        return {KEY: obj.to_dict()}
    return obj if chain is None else chain(obj)


@srsly.msgpack_decoders("spacy-deberta.transformer_data")
def decode_transformer_data(obj: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    """Decode what either package has encoded."""
    if KEY in obj:
        return TransformerData.empty().from_dict(obj[KEY])
    return obj if chain is None else chain(obj)
