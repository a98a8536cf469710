"""A model whose errors name the saved model, where thinc only reports another structure."""

from typing import Any

import srsly
from thinc.api import Model
from thinc.util import convert_recursive, is_xp_array

from spacy_deberta.errors import Errors, is_coded

# The node names of spacy-transformers' `TransformerModel`, the same in all versions.
STOCK_NODES = ["transformer", "hf-pytorch"]


class SavedModel(Model):
    """A thinc model that checks which architecture saved the bytes, in any component."""

    def from_bytes(self, bytes_data: bytes) -> "SavedModel":
        """Load the result of `to_bytes`.

        Raises:
            ValueError: The bytes are damaged (E407) or of another model (E421, E422).
        """
        try:
            message = srsly.msgpack_loads(bytes_data)
        except (ValueError, TypeError, LookupError) as error:
            raise ValueError(Errors.E407.format(error=error)) from error
        return self.from_dict(convert_recursive(is_xp_array, self.ops.asarray, message))

    def from_dict(self, msg: Any) -> "SavedModel":
        """Load the result of `to_dict` of the same architecture; see `from_bytes`."""
        try:
            found = [node["name"] for node in msg["nodes"]]
        except (LookupError, TypeError) as error:
            raise ValueError(Errors.E407.format(error=f"no nodes: {error!r}")) from error
        if found == STOCK_NODES:
            raise ValueError(Errors.E421)
        expected = [node.name for node in self.walk()]
        if len(found) != len(expected):
            raise ValueError(
                Errors.E422.format(found=", ".join(map(str, found)), expected=", ".join(expected))
            )
        try:
            super().from_dict(msg)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            if is_coded(error):
                raise
            raise ValueError(Errors.E407.format(error=repr(error))) from error
        return self
