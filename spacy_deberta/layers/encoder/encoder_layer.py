"""Sub-batches of sequences → hidden states or logits: the encoder or its heads as a thinc layer."""

from collections.abc import Callable
from dataclasses import dataclass

from thinc.api import Model
from torch.utils.checkpoint import checkpoint

from spacy_deberta.arrays import Array
from spacy_deberta.layers.device_arrays import array_to_device, tensor_to_array
from spacy_deberta.layers.encoder_owner import EncoderOwner
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.models import HeadSpec

from .batches import BatchPlan
from .encoder_shim import EncoderShim, encoder_shim
from .forking import use_one_thread_after_fork
from .output_rows import OutputRows

InT = BatchPlan


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """The output of a plan.

    Attributes:
        layers: The whole output, float32 arrays.
        views: The rows of each sequence that is a view, for each layer; see `EncoderBatch.views`.
    """

    layers: list[Array]
    views: dict[int, list[Array]]


OutT = EncodedRows


def encoder_layer(
    options: EncoderOptions, *, head: HeadSpec | None = None, shared: EncoderOwner | None = None
) -> Model[InT, OutT]:
    """Run a module of `spacy_deberta.models` on the sub-batches of a plan.

    Args:
        options: How it is run, trained and stored.
        head: The head of the module; None for the encoder alone.
        shared: Whose encoder the layer uses, see `EncoderShim`.

    Returns:
        A layer from a plan to `EncodedRows`. For the encoder these are the hidden states of the
        last layer, `(rows, hidden_size)`, or with `output_hidden_states` those of the embeddings
        and of every layer: all rows of the sequences, or those of their `sources`. For a head they
        are its logits, see `HeadSpec.rows`. Only the last array is backpropagated.
        `set_dropout_rate` sets the dropout; the default is that of the checkpoint.
    """
    return Model(
        "deberta_encoder",
        forward,
        dims={"nO": None},
        attrs={"dropout_rate": None},
        shims=[EncoderShim(options, head=head, shared=shared)],
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run the module, and its backward pass on the gradient of the last array."""
    use_one_thread_after_fork()
    shim = encoder_shim(model)
    if is_train:
        shim.module.set_dropout(model.attrs["dropout_rate"])
    output = OutputRows(X, is_train=is_train)
    views: dict[int, list[Array]] = {}
    with shim.training() if is_train else shim.predicting():
        for batch in X.batches:
            if is_train and len(X.batches) > 1:
                # Only one sub-batch's activations are in memory at a time.
                layers = checkpoint(shim.run_batch, batch, use_reentrant=False)
            else:
                layers = shim.run_batch(batch)
            output.add(batch, layers)
            if batch.views:
                arrays = [tensor_to_array(array) for array in layers]
                for sequence, start, end in batch.views:
                    views[sequence] = [array[start:end] for array in arrays]
        rows = output.joined()
    Y = EncodedRows([tensor_to_array(array) for array in rows], views)

    def backprop(dY: Array) -> None:
        shim.backprop(rows[-1], array_to_device(dY, shim.device))

    return Y, backprop
