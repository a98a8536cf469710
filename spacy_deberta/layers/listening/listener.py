"""The layer that passes the output of a shared encoder to a component, and its gradient back.

Every encoder writes `doc._.trf_data`. A listener that trains on one encoder would predict from
another, if that one is between the two in the pipeline. A listener that names an encoder reads the
output of that encoder only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, cast

import numpy as np
from spacy.attrs import ORTH
from spacy.errors import Errors as SpacyErrors
from spacy.tokens import Doc
from thinc.api import Model

from spacy_deberta.errors import Errors

from .integration import StandIn, is_stock
from .transformer_data import TransformerData

InT = list[Doc]
OutT = list[TransformerData]

# Key in `doc.user_data`, together with the name of an encoder.
ROWS = "spacy_deberta.rows"
ANY_ENCODER = "*"
STOCK_LISTENER = "layers.listener.TransformerListener"


class TransformerListener(StandIn, Model[InT, OutT]):
    """Returns the output of an encoder earlier in the pipeline.

    In training, the encoder calls `receive` before the listening component is updated. Otherwise
    the output is read from the documents.

    Args:
        upstream_name: Name of the component with the encoder; "*" for any.
    """

    stands_for: ClassVar[str] = STOCK_LISTENER
    # `spacy debug model` looks for this name.
    name = "transformer-listener"

    def __init__(self, upstream_name: str) -> None:
        Model.__init__(self, name=self.name, forward=forward, dims={"nO": None})
        self.upstream_name = upstream_name
        self._batch_id: int | None = None
        self._outputs: OutT | None = None
        self._backprop: Callable[[OutT], InT] | None = None

    def get_dim(self, name: str) -> int:
        """The size of a dimension; the width is that of the encoder.

        Raises:
            ValueError: No encoder has given its width (E426).
        """
        if name == "nO" and not self.has_dim("nO"):
            raise ValueError(Errors.E426.format(upstream=self.upstream_name))
        return super().get_dim(name)

    @classmethod
    def get_batch_id(cls, inputs: Iterable[Doc]) -> int:
        """An id of the batch: the exact sum of all `token.orth`.

        Summed in halves of 32 bits, which can't overflow.
        """
        halves = np.zeros(2, dtype=np.uint64)
        for doc in inputs:
            orths: Any = doc.to_array(ORTH).astype(np.uint64)
            halves += [(orths & 0xFFFFFFFF).sum(), (orths >> 32).sum()]
        low, high = halves.tolist()
        return low + (high << 32)

    def receive(self, batch_id: int, outputs: OutT, backprop: Callable[[OutT], InT]) -> None:
        """Store the encoder's output for a batch.

        Args:
            batch_id: See `get_batch_id`.
            outputs: One for each document.
            backprop: The encoder's backward pass, from the gradients of the documents with tokens.
        """
        self._batch_id, self._outputs, self._backprop = batch_id, outputs, backprop

    def backprop_and_clear(self, *args: Any, **kwargs: Any) -> Any:
        """Backpropagate to the encoder, and release the batch, which holds much memory."""
        backprop = self._backprop
        self._batch_id = self._outputs = self._backprop = None
        return None if backprop is None else backprop(*args, **kwargs)

    def verify_inputs(self, inputs: Iterable[Doc]) -> bool:
        """Check that the documents are those of the stored batch.

        Raises:
            ValueError: They are not (E450).
        """
        if self.get_batch_id(inputs) != self._batch_id:
            raise ValueError(Errors.E450)
        return True


def forward(model: Any, X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Return the stored output of the encoder, or that of the documents.

    `model` is a listener, ours or that of spacy-transformers.

    Raises:
        ValueError: The documents have the output of another encoder than the named one, which is
            missing, or has another factory and was overwritten (E424); or there is none to train on
            (spaCy's E203).
    """
    if is_train and model._batch_id is not None:
        model.verify_inputs(X)
        return model._outputs, model.backprop_and_clear
    return [_rows_of(model, doc, is_train=is_train) for doc in X], lambda dY: []


def _rows_of(model: Any, doc: Doc, *, is_train: bool) -> TransformerData:
    name = model.upstream_name
    kept: Mapping[Any, TransformerData] = cast(Any, doc.user_data)
    data = kept.get((ROWS, name)) or doc._.trf_data
    if data is None:
        if is_train:
            raise ValueError(SpacyErrors.E203.format(name="transformer"))
        return TransformerData.zeros(len(doc), model.get_dim("nO"), xp=model.ops.xp)
    if name != ANY_ENCODER and isinstance(data, TransformerData) and _is_other(data, name):
        raise ValueError(Errors.E424.format(upstream=name, encoder=data.encoder))
    return data


def _is_other(data: TransformerData, name: str) -> bool:
    """Whether an output is known to be that of another encoder than the named one."""
    if data.encoder is None or data.encoder == name:
        return False
    # Several encoders may have had one name, in the pipelines that they were sourced from.
    return data.replaces_others or name not in data.former_names


def note_encoder(
    doc: Doc,
    data: TransformerData,
    *,
    encoder: str,
    keep: bool,
    former_names: Iterable[str] = (),
) -> None:
    """Record the encoder of the output that is about to be set as `doc._.trf_data`.

    Args:
        doc: The document, with the output of an earlier encoder, if there is one.
        data: The new output.
        encoder: Name of the component that computed it.
        keep: Whether to keep it when a later encoder writes its own.
        former_names: Names that the component had before it was renamed.
    """
    if isinstance(data, TransformerData):
        previous = doc._.trf_data
        data.encoder = encoder
        data.former_names = tuple(former_names)
        data.replaces_others = previous is not None and (
            getattr(previous, "encoder", None) != encoder
        )
    if keep:
        user_data: dict[Any, Any] = cast(Any, doc.user_data)
        user_data[ROWS, encoder] = data


def listeners_of(component: Any) -> Iterator[Any]:
    """The listeners in the model of a component, ours and stock ones, of any encoder.

    A stock listener that names an encoder is patched to read that encoder's output, as ours do.
    """
    model = getattr(component, "model", None)
    if not isinstance(model, Model):
        return
    for node in model.walk():
        if isinstance(node, TransformerListener):
            yield node
        elif is_stock(node, STOCK_LISTENER):
            listener: Any = node
            if listener.upstream_name != ANY_ENCODER:
                listener._func = forward
            yield listener
