"""Conversion of checkpoints between layouts: the same weights under other names."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from spacy_deberta.checkpoints import (
    BACKBONE_PREFIX,
    BARE_MODEL,
    HUGGING_FACE,
    POSITIONS,
    TENSORFLOW,
    Weights,
    check_finite,
    detect_key_map,
    find_checkpoint,
    read_config,
    read_parameters,
    read_tokenizer,
    save_checkpoint,
    save_tensorflow_checkpoint,
)
from spacy_deberta.errors import Errors, check_path
from spacy_deberta.files import new_folder
from spacy_deberta.nn import DebertaV2Config, meta_device

from .heads import HEADS, find_spec
from .loading.extras import describe_extra
from .loading.filling import check_layers, load_weights
from .model import DebertaV2Model

# Known but redundant: computable buffers, and tables already summed into the embeddings.
_REDUNDANT = (
    "deberta.embeddings.position_ids",
    "deberta.embeddings.word_embeddings._weight",
    "deberta.embeddings.position_embeddings._weight",
)


@dataclass(frozen=True)
class Conversion:
    """Result of converting a checkpoint.

    Attributes:
        name: Hub name or folder of the source.
        layout: Layout of the source.
        folder: The output folder.
        to: Layout of the output.
        architecture: Class name of the output.
        parameters: Number of parameters written.
        left_out: Descriptions of the parameters not written, by name; "unknown" for unknown ones.
        has_vocabulary: Whether the output has a vocabulary.
    """

    name: str
    layout: str
    folder: Path
    to: str
    architecture: str
    parameters: int
    left_out: Mapping[str, str]
    has_vocabulary: bool


def convert_checkpoint(
    name_or_path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    to: str,
    revision: str | None = None,
    subfolder: str = "",
    base: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Conversion:
    """Write a checkpoint in another layout, in float32, with the heads that the layout supports.

    Args:
        name_or_path: A folder or hub name, of any layout.
        folder: Output folder, new or empty. It is created once everything is written.
        to: "huggingface" or "tensorflow".
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within the repository, if it is not the repository itself.
        base: The checkpoint that an adapter was made for, if it is not where its config says.
        cache_dir: Folder for downloads.
        local_files_only: Use only cached files.

    Returns:
        What was written and what was omitted.

    Raises:
        ImportError: `h5py` is required and not installed (E315).
        OSError: A file is missing or damaged, or the folder can't be written to (E312, E318).
        ValueError: It is not a DeBERTa-v2, the weights do not match their config (E306, E307) or
            are not finite (E328), the layout is unknown (E508), or it can't represent the model
            (E317).
    """
    if to not in WRITERS:
        raise ValueError(Errors.E508.format(to=to, known=", ".join(WRITERS)))
    files = find_checkpoint(
        name_or_path,
        revision=revision,
        subfolder=subfolder,
        base=base,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    config = read_config(files)
    weights = read_parameters(files)
    check_layers(weights, config, source=files.name)
    with meta_device():
        encoder = DebertaV2Model(config)
    report = load_weights(encoder, weights, source=files.name)
    key_map = detect_key_map(weights)
    ours = {key_map.to_ours(key): tensor for key, tensor in weights.items()}
    encoder_keys = {BACKBONE_PREFIX + key for key in encoder.state_dict()}
    kept = {
        key: tensor
        for key, tensor in ours.items()
        if key in encoder_keys or (key not in _REDUNDANT and describe_extra(key) is not None)
    }
    check_finite(kept, source=files.name)
    architecture = find_architecture(kept, config)
    tokenizer = read_tokenizer(files, config) if files.has_vocabulary else None
    check_path("folder", folder)
    with new_folder(Path(folder).expanduser()) as staging:
        written = WRITERS[to](staging, config, kept, architecture)
        if tokenizer is not None:
            tokenizer.save_pretrained(staging)
    left_out = {key: describe_extra(key) or "unknown" for key in ours if key not in written}
    return Conversion(
        name=files.name,
        layout=report.layout if files.layout == HUGGING_FACE.layout else files.layout,
        folder=Path(folder).expanduser(),
        to=to,
        architecture=architecture,
        parameters=sum(kept[key].numel() for key in written),
        left_out=left_out,
        has_vocabulary=tokenizer is not None,
    )


def find_architecture(keys: Iterable[str], config: DebertaV2Config) -> str:
    """Infer a checkpoint's class from its heads; if several fit, the config decides.

    Args:
        keys: Our names of its parameters.
        config: Its config, which may have `architectures`.

    Returns:
        The name of a class of both Hugging Face and this package.
    """
    present = {key.partition(".")[0] for key in keys}
    fitting = [
        spec.architecture
        for spec in HEADS.values()
        if spec.is_hugging_faces and spec.modules[0].keys() <= present
    ]
    bare = DebertaV2Model.__name__
    declared = [name.removeprefix("TF") for name in config.extra.get("architectures") or ()]
    for name in declared:
        if name in fitting or name == bare:
            return name
    return fitting[0] if fitting else bare


def _write_huggingface(
    folder: Path, config: DebertaV2Config, weights: Weights, architecture: str
) -> set[str]:
    # A bare model's parameter names have no prefix.
    bare = all(key.startswith(BACKBONE_PREFIX) for key in weights)
    save_checkpoint(
        folder,
        config={"architectures": [architecture], **config.to_dict()},
        weights={
            key.removeprefix(BACKBONE_PREFIX) if bare else key: tensor
            for key, tensor in weights.items()
        },
    )
    return set(weights)


def _write_tensorflow(
    folder: Path, config: DebertaV2Config, weights: Weights, architecture: str
) -> set[str]:
    if config.conv_kernel_size > 0 and config.conv_groups != 1:
        raise ValueError(Errors.E317.format(reason="its convolution has several groups"))
    if config.position_biased_input and config.embedding_dim != config.hidden_size:
        raise ValueError(Errors.E317.format(reason="its positions are as narrow as its embeddings"))
    if not config.position_biased_input:
        weights = {key: tensor for key, tensor in weights.items() if key != POSITIONS}
    spec = find_spec(architecture)
    modules = frozenset() if spec is None else spec.modules[0].keys()
    keras = BARE_MODEL if spec is None else spec.keras
    if keras is None:
        raise ValueError(Errors.E317.format(reason=f"they have no {architecture}"))
    written = save_tensorflow_checkpoint(
        folder,
        config=config.to_dict(),
        weights={
            key: tensor
            for key, tensor in weights.items()
            if key.startswith(BACKBONE_PREFIX) or key.partition(".")[0] in modules
        },
        architecture=architecture,
        keras=keras,
    )
    return set(written)


Writer = Callable[[Path, DebertaV2Config, Weights, str], set[str]]
WRITERS: Mapping[str, Writer] = {
    HUGGING_FACE.layout: _write_huggingface,
    TENSORFLOW: _write_tensorflow,
}
