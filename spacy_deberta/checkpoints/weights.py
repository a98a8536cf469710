"""Reading tensors from weight files: no code of theirs is run, and what can be is mapped."""

from collections.abc import Iterable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from spacy_deberta.errors import Errors

from .tensorflow import read_tensorflow

Weights = dict[str, torch.Tensor]


def read_weights(paths: Iterable[Path]) -> Weights:
    """Read the tensors of a checkpoint under the names that its files give them.

    Args:
        paths: One file, or all shards: `.safetensors`, `.bin` as `torch.save` writes it, or `.h5`
            as TensorFlow's Keras does.

    Returns:
        CPU tensors by name, in the dtype of the file. They are private mappings of the file: no
        memory is taken until they are read, and changing them does not change the file. Files from
        before PyTorch 1.6 can't be mapped and are read as a whole, and so is `.h5`, whose tensors
        come under our names.

    Raises:
        ImportError: `.h5` needs `h5py`, which is not installed (E315).
        OSError: A file is truncated, or is not what its name says.

    Source:
        The `safetensors` format, and PyTorch's formats with `weights_only=True`.
    """
    weights: Weights = {}
    for path in paths:
        weights.update(READERS.get(path.suffix, _read_pytorch)(path))
    return weights


def _read_safetensors(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise OSError(Errors.E305.format(path=path, error=error)) from error


def _read_pytorch(path: Path) -> Weights:
    try:
        weights = _load_pytorch(path)
    except UnpicklingError as error:
        # PyTorch's own text recommends to load the file all the same, and to run what is in it.
        reason = "it is no file of plain tensors; anything else is not loaded, as it could be code"
        raise OSError(Errors.E305.format(path=path, error=reason)) from error
    except Exception as error:  # damage shows as almost any kind of exception, some without a text
        reason = str(error) or type(error).__name__
        raise OSError(Errors.E305.format(path=path, error=reason)) from error
    if not isinstance(weights, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in weights.items()
    ):
        raise OSError(Errors.E305.format(path=path, error="it holds no state dict"))
    return dict(weights)


def _load_pytorch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        # Files from before the zip format (torch < 1.6) cannot be mapped, only read.
        if "mmap can only be used" not in str(error):
            raise
    return torch.load(path, map_location="cpu", weights_only=True)


READERS = {".safetensors": _read_safetensors, ".h5": read_tensorflow}
