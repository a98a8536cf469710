"""Public models: the encoder, alone or with a head, loaded from checkpoints and saved to them."""

from . import heads
from .base import DebertaV2PreTrainedModel
from .checkpoint_heads import CheckpointHeads, find_heads
from .converting import Conversion, convert_checkpoint
from .gliner import GLINER, GLINER_PARTS, DebertaV2ForGLiNER, TextRows
from .heads import *  # noqa: F403
from .info import CheckpointInfo, describe_checkpoint
from .loading.building import build_from_checkpoint, build_from_weights, build_head_from_weights
from .loading.filling import LoadReport, load_weights
from .model import DebertaV2Model
from .question_answering import answer_loss
from .source import ModelSource, SourceSection
from .with_head import DebertaV2WithHead

__all__ = [
    "GLINER",
    "GLINER_PARTS",
    "CheckpointHeads",
    "CheckpointInfo",
    "Conversion",
    "DebertaV2ForGLiNER",
    "DebertaV2Model",
    "DebertaV2PreTrainedModel",
    "DebertaV2WithHead",
    "LoadReport",
    "ModelSource",
    "SourceSection",
    "TextRows",
    "answer_loss",
    "build_from_checkpoint",
    "build_from_weights",
    "build_head_from_weights",
    "convert_checkpoint",
    "describe_checkpoint",
    "find_heads",
    "load_weights",
]
__all__ += heads.__all__
