"""Reads tensors from weight files without executing code, memory-mapped if possible."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import safe_open

from spacy_deberta.checkpoints.layouts.tensorflow import read_tensorflow
from spacy_deberta.errors import Errors

from .mapped_files import watch_file
from .pytorch import read_pytorch

Weights = dict[str, torch.Tensor]


def read_weights(paths: Iterable[Path]) -> Weights:
    """Read the tensors of a checkpoint, with the names in its files.

    Args:
        paths: One file, or all shards: `.safetensors`, `.bin` as `torch.save` writes it, or `.h5`
            as TensorFlow's Keras does.

    Returns:
        Dense CPU tensors by name, in the dtype of the file. They are private mappings of the file:
        no memory is taken until they are read, and changing them does not change the file. Files
        from before PyTorch 1.6 and archives that were compressed can't be mapped and are read as a
        whole, and so is `.h5`, whose tensors come under our names.

    Raises:
        ImportError: `.h5` needs `h5py`, which is not installed (E315).
        OSError: A file is truncated, or is not what its name says (E305), has tensors that are not
            dense numbers in memory (E327), or would take far more memory than its size (E330).

    Source:
        The `safetensors` format, and see `read_pytorch` and `read_tensorflow`.
    """
    weights: Weights = {}
    for path in paths:
        weights.update(READERS.get(path.suffix, read_pytorch)(path))
    return weights


def _read_safetensors(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except OSError:
        raise
    except Exception as error:  # damage shows as almost any kind of exception
        raise OSError(Errors.E305.format(path=path, error=error)) from error
    watch_file(path, weights.values())
    return weights


READERS = {".safetensors": _read_safetensors, ".h5": read_tensorflow}
