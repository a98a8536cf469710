"""The weights that a component saves."""

from typing import Any

from torch import Tensor

from spacy_deberta.layers.options import EncoderOptions

ENCODER_PREFIX = "deberta."


def stored_weights(
    module: Any, options: EncoderOptions, *, head_only: bool = False
) -> tuple[dict[str, Tensor], str | None]:
    """The state of a module as it is saved.

    Args:
        module: An encoder, or a module with a head.
        options: Have the storage precision.
        head_only: Whether its encoder is that of another component, which saves it.

    Returns:
        Tensors by name, and the precision to save them in; None for the dtype of each.
    """
    state, precision = module.state_dict(), options.storage_precision
    if head_only:
        own = {key: x for key, x in state.items() if not key.startswith(ENCODER_PREFIX)}
        return own, None if precision == "int8" else precision
    if precision != "int8":
        return state, precision
    encoder = getattr(module, "deberta", module)
    prefix = "" if encoder is module else ENCODER_PREFIX
    return {**state, **{prefix + name: x for name, x in encoder.int8_state().items()}}, None
