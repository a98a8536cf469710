"""Reading tensors from weight files, without running code from them or copying what can be mapped."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from spacy_deberta.errors import Errors

Weights = dict[str, torch.Tensor]


def read_weights(paths: Iterable[Path]) -> Weights:
    """Read the tensors of a checkpoint under the names that its files give them.

    Args:
        paths: One file, or all shards: `.safetensors`, or `.bin` as `torch.save` writes it.

    Returns:
        CPU tensors by name, in the dtype of the file. They are private mappings of the file: no
        memory is taken until they are read, and changing them does not change the file.

    Raises:
        OSError: A file is truncated, or is not what its name says.

    Source:
        The `safetensors` format, and PyTorch's zip format with `weights_only=True`.
    """
    weights: Weights = {}
    for path in paths:
        read = _read_safetensors if path.suffix == ".safetensors" else _read_pytorch
        weights.update(read(path))
    return weights


def _read_safetensors(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise OSError(Errors.E305.format(path=path, error=error)) from error


def _read_pytorch(path: Path) -> Weights:
    try:
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            # Files from before the zip format (torch < 1.6) cannot be mapped, only read.
            if "mmap" not in str(error):
                raise
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling reports damage as almost any kind of exception
        raise OSError(Errors.E305.format(path=path, error=error)) from error
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise OSError(Errors.E305.format(path=path, error="it holds no state dict"))
    return weights
