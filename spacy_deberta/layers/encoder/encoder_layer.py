"""Sequences → rows: the encoder, with or without a head, as a thinc layer."""

from collections.abc import Callable

from thinc.api import Model
from thinc.util import torch2xp, xp2torch

from spacy_deberta.arrays import Array
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.layers.sequences import Sequences

from .encoder_shim import EncoderShim, encoder_shim
from .module_specs import ModuleSpec

InT = Sequences
OutT = list[Array]


def encoder_layer(
    spec: ModuleSpec, options: EncoderOptions, *, shares_encoder: bool = False
) -> Model[InT, OutT]:
    """Run a module of `spacy_deberta.nn` on sequences.

    Args:
        spec: Which module, and what is read from its output.
        options: How it computes, learns and is stored.
        shares_encoder: Whether it uses the encoder of another layer, see `EncoderShim`.

    Returns:
        A layer from sequences to float32 arrays. For the encoder these are the rows of the last
        layer, `(rows, hidden_size)`, or with `output_hidden_states` those of the embeddings and of
        every layer; for a head its scores, one row for each place, see `ModuleSpec`. Only the last
        array is backpropagated. `set_dropout_rate` sets the dropout; before that it is the
        checkpoint's own.
    """
    return Model(
        "deberta_encoder",
        forward,
        dims={"nO": None},
        attrs={"dropout_rate": None},
        shims=[EncoderShim(spec, options, shares_encoder=shares_encoder)],
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run the module, and its backward pass on the gradient of the last array."""
    shim = encoder_shim(model)
    if is_train:
        shim.module.set_dropout(model.attrs["dropout_rate"])
    rows, backprop_rows = shim(X, is_train)
    Y: OutT = [torch2xp(array.detach()) for array in rows]

    def backprop(dY: Array) -> None:
        backprop_rows(xp2torch(dY, device=shim.device))

    return Y, backprop
