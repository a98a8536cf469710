"""Where weights and vocabularies come from and go to."""

from spacy_deberta.files import new_folder, remove_unfinished, staged_folder

from .building import build_from_checkpoint, build_from_weights, build_head_from_weights
from .converting import Conversion, convert_checkpoint
from .embedded import embedded_names
from .heads import CheckpointHeads, find_heads
from .huggingface import HUGGING_FACE
from .info import CheckpointInfo, describe_checkpoint
from .keys import KeyMap
from .loading import LoadReport, load_weights
from .pretrained import (
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    DebertaV2Tokenizer,
    check_mask_fits,
    check_vocabulary_fits,
    read_config,
    read_tokenizer,
)
from .saving import (
    REPLACED_PATTERNS,
    STORAGE_DTYPES,
    save_checkpoint,
    save_tensorflow_checkpoint,
)
from .source import CONFIG_FILE, CheckpointFiles, find_checkpoint, find_vocabulary
from .weights import read_weights

__all__ = [
    "CONFIG_FILE",
    "HUGGING_FACE",
    "REPLACED_PATTERNS",
    "STORAGE_DTYPES",
    "CheckpointFiles",
    "CheckpointHeads",
    "CheckpointInfo",
    "Conversion",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "DebertaV2Tokenizer",
    "KeyMap",
    "LoadReport",
    "build_from_checkpoint",
    "build_from_weights",
    "build_head_from_weights",
    "check_mask_fits",
    "check_vocabulary_fits",
    "convert_checkpoint",
    "describe_checkpoint",
    "embedded_names",
    "find_checkpoint",
    "find_heads",
    "find_vocabulary",
    "load_weights",
    "new_folder",
    "read_config",
    "read_tokenizer",
    "read_weights",
    "remove_unfinished",
    "save_checkpoint",
    "save_tensorflow_checkpoint",
    "staged_folder",
]
