"""Hugging Face's layout for TensorFlow, `tf_model.h5`, read and written without TensorFlow.

Keras saves one group per layer of the model. Names are paths in it that begin with the model's own
name, such as `tf_deberta_v2_model/deberta/encoder/LayerNorm/gamma:0`.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spacy_deberta.checkpoints.refusals import RefusedFileError, check_expansion
from spacy_deberta.errors import Errors

from .keys import POSITIONS
from .microsoft import POSITION_PROJECTIONS

LAYOUT = "tensorflow"

# Pairs (ours, theirs), for names that the rules below do not describe.
WHOLE_NAMES = (
    ("deberta.embeddings.word_embeddings.weight", "deberta/embeddings/word_embeddings/weight"),
    (POSITIONS, "deberta/embeddings/position_embeddings/embeddings"),
    (
        "deberta.embeddings.token_type_embeddings.weight",
        "deberta/embeddings/token_type_embeddings/embeddings",
    ),
    # Names with a dot.
    ("deberta.encoder.rel_embeddings.weight", "deberta/encoder/rel_embeddings.weight"),
)
# Pairs (ours, theirs) of levels within names, and of their last level.
LEVELS = POSITION_PROJECTIONS
NORMALIZATION = "LayerNorm"
NORMALIZATION_ENDS = (("weight", "gamma"), ("bias", "beta"))
# All axes of a kernel are in the opposite order.
KERNEL = "kernel"
ENDS = (("weight", KERNEL), ("bias", "bias"))
# Lists of layers: `layer.3` is `layer_._3`.
LIST_LEVEL = "_._"
VARIABLE = ":0"

# Attributes that Keras writes besides the weights.
_FILE_ATTRIBUTES = {"backend": "tensorflow", "keras_version": "2.21.0"}


@dataclass(frozen=True, kw_only=True)
class KerasModel:
    """The layout of a TensorFlow class in a file.

    Attributes:
        name: Keras' name of the model.
        layers: Its layers in order; some have no weights.
        uses_embeddings: Layers that use the embeddings: a head that multiplies with them.
    """

    name: str
    layers: tuple[str, ...]
    uses_embeddings: frozenset[str] = frozenset()


# The class without a head.
BARE_MODEL = KerasModel(name="tf_deberta_v2_model", layers=("deberta",))


def to_tensorflow(key: str) -> str:
    """The path in a file for our name, without the name of the model; the inverse of `to_ours`."""
    for ours, theirs in WHOLE_NAMES:
        if key == ours:
            return theirs + VARIABLE
    *levels, end = key.split(".")
    ends = NORMALIZATION_ENDS if levels[-1] == NORMALIZATION else ENDS
    renamed = [dict(LEVELS).get(level, level) for level in levels]
    path = "/".join([*renamed, dict(ends)[end]])
    for number in filter(str.isdigit, levels):
        path = path.replace(f"/{number}/", f"{LIST_LEVEL}{number}/", 1)
    return path + VARIABLE


def to_ours(path: str, layers: Collection[str]) -> str:
    """Our name for a path in a file.

    Args:
        path: The path. It may begin with the name of the model.
        layers: The layers of the model.
    """
    path = path.removesuffix(VARIABLE)
    first, _, rest = path.partition("/")
    if first not in layers and rest.partition("/")[0] in layers:
        path = rest
    for ours, theirs in WHOLE_NAMES:
        if path == theirs or path == theirs.removeprefix("deberta/"):
            return ours
    *levels, end = path.replace(LIST_LEVEL, "/").split("/")
    backwards = {theirs: ours for ours, theirs in LEVELS}
    ends = {theirs: ours for ours, theirs in (*NORMALIZATION_ENDS, *ENDS)}
    return ".".join([*(backwards.get(level, level) for level in levels), ends.get(end, end)])


def read_tensorflow(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a file under our names, with our order of axes.

    Args:
        path: `tf_model.h5`, or a part of one that was split.

    Returns:
        CPU tensors by name, in the dtype of the file.

    Raises:
        ImportError: `h5py` is not installed (E315).
        OSError: The file is damaged, or is no such file (E305), or it would take far more memory
            than its size (E330).

    Source:
        `load_tf_weights_from_h5` and `convert_tf_weight_name_to_pt_weight_name` of Hugging Face,
        which leave `pos_proj` and `pos_q_proj` as they are.
    """
    h5py = _import_h5py()
    try:
        with h5py.File(path, "r") as file:
            variables: dict[str, tuple[Any, str]] = {}
            layers = {name.partition("/")[0] for name in _names(file.attrs, "layer_names")}
            for name, data in _variables(file):
                variables.setdefault(to_ours(name, layers), (data, name))  # some are duplicated
            check_expansion(path, sum(_memory(data) for data, _ in variables.values()))
            return {key: _read(file, *variable) for key, variable in variables.items()}
    except RefusedFileError:
        raise
    except Exception as error:  # damage shows as almost any kind of exception
        raise OSError(Errors.E305.format(path=path, error=error)) from error


def write_tensorflow(
    path: Path, weights: Mapping[str, torch.Tensor], *, keras: KerasModel
) -> tuple[str, ...]:
    """Write the tensors that a class of TensorFlow has.

    Args:
        path: The file.
        weights: Floating-point tensors by our names, with the `deberta.` prefix.
        keras: The class.

    Returns:
        The names that were written.

    Raises:
        ImportError: `h5py` is not installed (E315).
    """
    h5py = _import_h5py()
    written: list[str] = []
    with h5py.File(path, "w") as file:
        for name, value in _FILE_ATTRIBUTES.items():
            file.attrs[name] = value
        file.attrs["layer_names"] = list(keras.layers)
        for layer in keras.layers:
            keys = [key for key in weights if key.partition(".")[0] == layer]
            paths = [f"{keras.name}/{to_tensorflow(key)}" for key in keys]
            group = file.create_group(layer)
            # Keras writes the embeddings a second time here. This is a second name for them.
            shared = [] if layer not in keras.uses_embeddings else _embeddings(file["deberta"])
            group.attrs["weight_names"] = [*paths, *shared]
            for name in shared:
                group[name] = file["deberta"][name]
            for key, name in zip(keys, paths, strict=True):
                tensor = weights[key].detach().to(device="cpu", dtype=torch.float32)
                group.create_dataset(name, data=_other_axes(tensor, name).numpy())
            written += keys
    return tuple(written)


def _variables(file: Any) -> Iterator[tuple[str, Any]]:
    """Names and data of all variables; a part of a split file has them without groups."""
    for layer in _names(file.attrs, "layer_names"):
        if not hasattr(file[layer], "keys"):
            yield layer, file[layer]
            continue
        for name in _names(file[layer].attrs, "weight_names"):
            yield name, file[layer][name]


def _embeddings(backbone: Any) -> list[str]:
    paths = _names(backbone.attrs, "weight_names")
    return [path for path in paths if path.split("/")[2] == "embeddings"]


def _names(attributes: Mapping[str, Any], name: str) -> list[str]:
    """A list of names; if it is too long for HDF5, Keras numbers its parts."""
    if name in attributes:
        parts: Iterable[Any] = [attributes[name]]
    else:
        numbered = [key for key in attributes if key.removeprefix(name).isdigit()]
        if not numbered:
            raise ValueError(f"it has no '{name}', which Keras writes")
        parts = (attributes[key] for key in sorted(numbered, key=lambda key: (len(key), key)))
    return [
        value.decode("utf8") if isinstance(value, bytes) else str(value)
        for part in parts
        for value in part
    ]


def _memory(data: Any) -> int:
    """Bytes for reading a variable. Compressed chunks are read completely."""
    chunk = math.prod(data.chunks or ())
    return int(max(data.size or 0, chunk)) * int(data.dtype.itemsize)


def _read(file: Any, data: Any, name: str) -> torch.Tensor:
    # HDF5 can link to any other file; an untrusted file must not make this read one.
    if data.is_virtual or data.external or data.file.filename != file.filename:
        raise ValueError(f"'{name}' lies in another file")
    return _other_axes(torch.from_numpy(data[()]), name)


def _other_axes(tensor: torch.Tensor, name: str) -> torch.Tensor:
    if name.removesuffix(VARIABLE).rpartition("/")[2] != KERNEL:
        return tensor.contiguous()
    return tensor.permute(*reversed(range(tensor.dim()))).contiguous()


def _import_h5py() -> Any:
    try:
        import h5py  # an optional dependency
    except ImportError as error:
        raise ImportError(Errors.E315) from error
    return h5py
