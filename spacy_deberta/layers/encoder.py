"""Windows → rows: the encoder as a thinc layer."""

from collections.abc import Callable

from thinc.api import Model
from thinc.util import torch2xp, xp2torch

from .encoder_shim import EncoderShim
from .options import EncoderOptions
from .ragged import Array
from .windows import WindowPlan

InT = WindowPlan
OutT = list[Array]


def deberta_encoder(options: EncoderOptions) -> Model[InT, OutT]:
    """Encode windows with DeBERTa-v2.

    Args:
        options: How the encoder computes, learns and is stored.

    Returns:
        A layer from windows to `(window_rows, hidden_size)`: the rows of the last layer, or with
        `output_hidden_states` those of the embeddings and of every layer. Only the last is
        backpropagated. `set_dropout_rate` sets the dropout of hidden states and attention; before
        that it is the checkpoint's own.
    """
    return Model(
        "deberta_encoder",
        forward,
        dims={"nO": None},
        attrs={"dropout_rate": None},
        shims=[EncoderShim(options)],
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run the encoder, and its backward pass on the gradient of the last layer's rows."""
    shim = encoder_shim(model)
    if is_train:
        shim.encoder.set_dropout(model.attrs["dropout_rate"])
    rows, backprop_rows = shim(X, is_train)
    Y: OutT = [torch2xp(layer.detach()) for layer in rows]

    def backprop(dY: Array) -> None:
        backprop_rows(xp2torch(dY, device=shim.device))

    return Y, backprop


def encoder_shim(model: Model) -> EncoderShim:
    """The shim of a layer that `deberta_encoder` made, or of a copy of it."""
    shim = model.shims[0]
    assert isinstance(shim, EncoderShim)
    return shim
