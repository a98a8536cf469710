"""Serialize a module to bytes, and back, for thinc's `to_bytes`."""

import json
from dataclasses import dataclass

import srsly
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from spacy_deberta import models
from spacy_deberta.checkpoints import dequantize_weights, stored_dtype
from spacy_deberta.errors import Errors, check_number
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.typed_json import parse_json

# Version of the serialization format; a newer one is refused.
FORMAT = 1
# msgpack limits a bytes object to 4 GiB, so larger weights are stored as several.
MAX_BYTES_OBJECT = 2**30
# Errors of msgpack, JSON and safetensors for damaged data, and for fields of another type.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, SafetensorError)


@dataclass(frozen=True, eq=False)
class SavedEncoder:
    """Config and weights of a module.

    Attributes:
        config: Its config.
        weights: Its parameters by name.
    """

    config: DebertaV2Config
    weights: dict[str, torch.Tensor]


def pack_encoder(saved: SavedEncoder | None, *, storage_precision: str | None) -> bytes:
    """Write config and weights, the weights as safetensors.

    Args:
        saved: Config and weights; None for a model that has no weights yet.
        storage_precision: As in `save_checkpoint`.
    """
    if saved is None:
        return srsly.msgpack_dumps({"format": FORMAT, "config": None})
    state = saved.weights if storage_precision is None else dequantize_weights(saved.weights)
    weights = save_safetensors(
        {
            key: tensor.to("cpu", stored_dtype(tensor, storage_precision))
            for key, tensor in state.items()
        }
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
    """Deserialize the bytes of `pack_encoder`.

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
    """Build a module from its saved config and weights.

    Args:
        saved: The result of `unpack_encoder`.
        module_class: Its class.
        options: How it is run.
        head_only: Whether its encoder is shared by another component, which saves it.
    """
    config = options.configure(saved.config)
    source = "saved transformer model"
    if head_only:
        return models.build_head_from_weights(
            module_class,
            saved.weights,
            config,
            source=source,
            allow_non_finite=options.allow_non_finite,
            attention=options.attention,
        )
    return models.build_from_weights(
        module_class,
        saved.weights,
        config,
        source=source,
        allow_non_finite=options.allow_non_finite,
        load_precision=options.load_precision,
        keep_int8=options.keeps_int8,
        release=True,
        attention=options.attention,
    )
