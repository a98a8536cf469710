"""The name of a model's component, for error messages."""

from thinc.api import Model

from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import encoder_shim


def name_component(model: Model, name: str) -> None:
    """Set the name of a model's component.

    Args:
        model: Made by `deberta_model` or `deberta_with_head`.
        name: The component's name in the pipeline.

    Raises:
        ValueError: The settings of its source exclude each other (E402).
    """
    tokenizer_shim(model.layers[0]).component = name
    encoder_shim(model.layers[1]).component = name
    model.attrs["source"].model_source(name)
