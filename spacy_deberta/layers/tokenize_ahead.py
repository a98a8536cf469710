"""Splitting the next batch into pieces while a device is busy with this one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from spacy.tokens import Doc
from thinc.api import Model

from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import encoder_shim


def waits_for_device(model: Model) -> bool:
    """Whether the encoder of a model made by `deberta_model` leaves the CPU idle.

    On a CPU it does not, and the tokenizer takes less than a hundredth of the encoder's time.
    """
    shim = encoder_shim(model.layers[1])
    return shim.is_loaded and shim.device.type != "cpu"


def tokenize_ahead(model: Model, batches: Iterable[list[Doc]]) -> Iterator[list[Doc]]:
    """Hand on batches, and have a thread tokenize the next one while the caller is at one.

    The model then takes the pieces that are ready when it is given the same documents. If they
    could not be made, the error comes there too.

    Args:
        model: Made by `deberta_model`.
        batches: The batches; never more than one of them is read ahead.

    Yields:
        The batches in their order. The thread ends with the generator.
    """
    shim = tokenizer_shim(model.layers[0])
    source = iter(batches)
    batch, following = next(source, None), None
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            while batch is not None:
                following, error = _read(source)
                if following is not None:
                    shim.start_ahead(following, pool)
                yield batch
                shim.take_ahead(batch)
                if error is not None:
                    raise error
                batch, following = following, None
        finally:
            for docs in (batch, following):
                shim.take_ahead(docs or [])


def _read(source: Iterator[list[Doc]]) -> tuple[list[Doc] | None, Exception | None]:
    """The next batch, or the error instead: what was read before is still to be handed on."""
    try:
        return next(source, None), None
    except Exception as error:
        return None, error
