"""A module as bytes, and back: what thinc saves of a model."""

import json
from dataclasses import dataclass

import srsly
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from spacy_deberta import models
from spacy_deberta.checkpoints import STORAGE_DTYPES
from spacy_deberta.errors import Errors, check_number
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.typed_json import parse_json

# Of the bytes; a newer one is refused, so that nothing is read wrongly.
FORMAT = 1
# msgpack takes no bytes object of 4 GiB, so larger weights are stored as several.
MAX_BYTES_OBJECT = 2**30
# What msgpack, JSON and safetensors raise at what they can't read, and at fields of other types.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, SafetensorError)


@dataclass(frozen=True, eq=False)
class SavedEncoder:
    """A module without its class.

    Attributes:
        config: Its config.
        weights: Its parameters by name.
    """

    config: DebertaV2Config
    weights: dict[str, torch.Tensor]


def pack_encoder(saved: SavedEncoder | None, *, storage_precision: str) -> bytes:
    """Write config and weights, the weights as safetensors.

    Args:
        saved: What to write; None for a model that has no weights yet.
        storage_precision: A key of `STORAGE_DTYPES`.
    """
    if saved is None:
        return srsly.msgpack_dumps({"format": FORMAT, "config": None})
    dtype = STORAGE_DTYPES[storage_precision]
    weights = save_safetensors(
        {key: tensor.to("cpu", dtype) for key, tensor in saved.weights.items()}
    )
    return srsly.msgpack_dumps(
        {
            "format": FORMAT,
            "config": json.dumps(saved.config.to_dict()),
            "weights": [
                weights[start : start + MAX_BYTES_OBJECT]
                for start in range(0, len(weights), MAX_BYTES_OBJECT)
            ],
        }
    )


def unpack_encoder(data: bytes) -> SavedEncoder | None:
    """Read what `pack_encoder` wrote.

    Raises:
        ValueError: The bytes are of a newer release (E406), or damaged (E407).
    """
    try:
        message = srsly.msgpack_loads(data)
        found = message["format"]
        check_number("format", found, lambda n: n > 0, "above 0", whole=True)
    except _DAMAGED as error:
        raise ValueError(Errors.E407.format(error=repr(error))) from error
    if found > FORMAT:
        raise ValueError(Errors.E406.format(found=found, known=FORMAT))
    try:
        if message["config"] is None:
            return None
        values = parse_json(message["config"].encode())
        weights = load_safetensors(b"".join(message["weights"]))
    except _DAMAGED as error:
        raise ValueError(Errors.E407.format(error=repr(error))) from error
    return SavedEncoder(DebertaV2Config.from_dict(values), weights)


def build_saved(
    saved: SavedEncoder,
    module_class: type[models.DebertaV2PreTrainedModel],
    options: EncoderOptions,
    *,
    head_only: bool,
) -> torch.nn.Module:
    """Build a module that was saved.

    Args:
        saved: What `unpack_encoder` read.
        module_class: Its class.
        options: How it computes.
        head_only: Whether its encoder is that of another component, which has it saved.
    """
    build = models.build_head_from_weights if head_only else models.build_from_weights
    return build(
        module_class,
        saved.weights,
        options.configure(saved.config),
        source="saved transformer model",
        allow_non_finite=options.allow_non_finite,
        attention=options.attention,
    )
