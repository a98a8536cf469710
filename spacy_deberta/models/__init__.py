"""What people import: the encoder, and the encoder with each head, from a checkpoint and to one."""

from .base import DebertaV2PreTrainedModel
from .checkpoint_heads import CheckpointHeads, find_heads
from .converting import Conversion, convert_checkpoint
from .info import CheckpointInfo, describe_checkpoint
from .loading.building import build_from_checkpoint, build_from_weights, build_head_from_weights
from .loading.filling import LoadReport, load_weights
from .masked_lm import DebertaV2ForMaskedLM
from .model import DebertaV2Model
from .multiple_choice import DebertaV2ForMultipleChoice
from .question_answering import DebertaV2ForQuestionAnswering, answer_loss
from .replaced_token_detection import DebertaV2ForReplacedTokenDetection
from .sequence_classification import DebertaV2ForSequenceClassification
from .token_classification import DebertaV2ForTokenClassification
from .with_head import DebertaV2WithHead

__all__ = [
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
    "DebertaV2PreTrainedModel",
    "DebertaV2WithHead",
    "LoadReport",
    "answer_loss",
    "build_from_checkpoint",
    "build_from_weights",
    "build_head_from_weights",
    "convert_checkpoint",
    "describe_checkpoint",
    "find_heads",
    "load_weights",
]
