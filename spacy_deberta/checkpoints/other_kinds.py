"""Folders of models that are no checkpoint of a DeBERTa-v2 in PyTorch, told by their files."""

from pathlib import Path

from spacy_deberta.errors import Errors

from .file_names import CONFIG_FILE
from .layouts.adapters import ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILES, refused_adapter
from .layouts.gliner import GLINER_CONFIG_FILE
from .repository.interface import Repository

# Of the library `adapters`, which came before PEFT.
_ADAPTERS_FILES = ("pytorch_adapter.bin", "adapter_model_head.safetensors", "head_config.json")
# What spaCy writes into the folder of a pipeline.
_PIPELINE_FILES = ("meta.json", "config.cfg")
_USUAL = "transformer/model"
_FIRST_GENERATION_FILES = ("vocab.json", "merges.txt")
# Where others put what they exported, by what it is for.
_EXPORTED = {
    "ONNX Runtime": (
        "model.onnx",
        "onnx/model.onnx",
        "model_quantized.onnx",
        "model_optimized.onnx",
    ),
    "OpenVINO": ("openvino_model.xml", "openvino/openvino_model.xml"),
    "Flax": ("flax_model.msgpack",),
    "Rust": ("rust_model.ot",),
    "llama.cpp": (),
}
# Other names that exports have, where the files of a folder can be listed.
_ENDINGS = {"ONNX Runtime": ".onnx", "llama.cpp": ".gguf"}


class GlinerFolderError(FileNotFoundError):
    """The refusal of a folder that is a GLiNER."""


def refuse_other_kind(place: Repository) -> None:
    """Where a file of a checkpoint is missing: say so if that is because it is no checkpoint.

    Args:
        place: Where the file was looked for.

    Raises:
        OSError: The folder is that of a GLiNER (E338), has weights for another library only
            (E337), or is a pipeline of spaCy (E304).
        ValueError: It has an adapter of another kind (E320), or is a first DeBERTa (E344).
    """
    if place.find(GLINER_CONFIG_FILE) is not None:
        raise GlinerFolderError(Errors.E338.format(name=place.name, file=GLINER_CONFIG_FILE))
    if all(place.find(file_name) is not None for file_name in _PIPELINE_FILES):
        raise place.missing(CONFIG_FILE, message=Errors.E304 + _describe_pipeline(place))
    if any(place.find(file_name) is not None for file_name in _ADAPTERS_FILES):
        raise refused_adapter("of the library adapters", name=place.name)
    if any(place.find(file_name) is not None for file_name in ADAPTER_WEIGHTS_FILES):
        raise place.missing(ADAPTER_CONFIG_FILE)
    for library, file_names in _EXPORTED.items():
        found = [file_name for file_name in file_names if place.find(file_name) is not None]
        ending = _ENDINGS.get(library)
        if not found and ending is not None and (other := place.find_ending(ending)):
            found = [other]
        if found:
            reason = Errors.E337.format(name=place.name, library=library, file=found[0])
            raise FileNotFoundError(reason)
    if all(place.find(file_name) is not None for file_name in _FIRST_GENERATION_FILES):
        raise ValueError(Errors.E344.format(name=place.name))


def _describe_pipeline(place: Repository) -> str:
    """Where the checkpoints of a pipeline are: each component keeps its own. A format string."""
    meta = place.find(_PIPELINE_FILES[0])
    found = () if meta is None else sorted(meta.parent.glob(f"*/model/{CONFIG_FILE}"))
    names = [Path(path.parent.parent.name, path.parent.name).as_posix() for path in found]
    folders = _escaped(" or ".join(f"'{place.name}/{name}'" for name in names or [_USUAL]))
    return f" This is the folder of a spaCy pipeline: give {folders}, the checkpoint in it."


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")
