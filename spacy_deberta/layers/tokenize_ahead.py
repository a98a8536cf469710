"""Tokenize the next batch while the device computes the current one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from spacy.tokens import Doc
from thinc.api import Model

from .documents.tokenize import tokenizer_shim
from .encoder.encoder_shim import encoder_shim


def waits_for_device(model: Model) -> bool:
    """Whether the encoder of a model made by `deberta_model` leaves the CPU idle.

    An encoder on the CPU does not, and there the tokenizer takes less than 1% of its time.
    """
    shim = encoder_shim(model.layers[1])
    return shim.is_loaded and shim.device.type != "cpu"


def tokenize_ahead(model: Model, batches: Iterable[list[Doc]]) -> Iterator[list[Doc]]:
    """Yield batches, while a thread tokenizes the next one.

    The model uses the prefetched pieces when it is called with the same documents. An error of the
    thread is raised there as well.

    Args:
        model: Made by `deberta_model`.
        batches: The batches; at most one of them is read ahead.

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
    """The next batch, or the error, which is raised after the batch before it was yielded."""
    try:
        return next(source, None), None
    except Exception as error:
        return None, error
