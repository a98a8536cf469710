"""Files of checkpoints ↔ config, tensors, tokenizer. It has no PyTorch modules."""

from .config import override_config, read_config
from .file_names import CONFIG_FILE
from .finite import check_finite, find_non_finite, is_finite
from .gliner import (
    GlinerFiles,
    find_gliner,
    gliner_config,
    marker_ids,
    read_gliner,
    save_gliner,
)
from .int8_weights import dequantize_weights, int8_names
from .layouts.detection import detect_key_map
from .layouts.gliner import GlinerConfig, NoGlinerError
from .layouts.huggingface import HUGGING_FACE
from .layouts.keys import (
    BACKBONE_PREFIX,
    POSITIONS,
    KeyMap,
    describe_encoder_extra,
    refuse_without_encoder,
    with_backbone_prefix,
)
from .layouts.microsoft import refuse_first_generation
from .layouts.tensorflow import BARE_MODEL, KerasModel
from .layouts.tensorflow import LAYOUT as TENSORFLOW
from .names import list_names
from .new_gliner import add_markers, check_sizes, new_gliner_config
from .other_kinds import GlinerFolderError
from .parameters import read_parameters
from .repository.embedded import embedded_names
from .saving import (
    MAX_SHARD_BYTES,
    REPLACED_PATTERNS,
    STORAGE_DTYPES,
    save_checkpoint,
    save_tensorflow_checkpoint,
    stored_dtype,
)
from .source import CheckpointFiles, find_checkpoint, find_vocabulary
from .tokenizer import (
    check_mask_fits,
    check_vocabulary_fits,
    read_tokenizer,
)
from .weight_files.mapped_files import MIN_MAPPED_BYTES, MappedFile, find_mapped_file
from .weight_files.reading import Weights, read_weights

__all__ = [
    "BACKBONE_PREFIX",
    "BARE_MODEL",
    "CONFIG_FILE",
    "HUGGING_FACE",
    "MAX_SHARD_BYTES",
    "MIN_MAPPED_BYTES",
    "POSITIONS",
    "REPLACED_PATTERNS",
    "STORAGE_DTYPES",
    "TENSORFLOW",
    "CheckpointFiles",
    "GlinerConfig",
    "GlinerFiles",
    "GlinerFolderError",
    "KerasModel",
    "KeyMap",
    "MappedFile",
    "NoGlinerError",
    "Weights",
    "add_markers",
    "check_finite",
    "check_mask_fits",
    "check_sizes",
    "check_vocabulary_fits",
    "dequantize_weights",
    "describe_encoder_extra",
    "detect_key_map",
    "embedded_names",
    "find_checkpoint",
    "find_gliner",
    "find_mapped_file",
    "find_non_finite",
    "find_vocabulary",
    "gliner_config",
    "int8_names",
    "is_finite",
    "list_names",
    "marker_ids",
    "new_gliner_config",
    "override_config",
    "read_config",
    "read_gliner",
    "read_parameters",
    "read_tokenizer",
    "read_weights",
    "refuse_first_generation",
    "refuse_without_encoder",
    "save_checkpoint",
    "save_gliner",
    "save_tensorflow_checkpoint",
    "stored_dtype",
    "with_backbone_prefix",
]
