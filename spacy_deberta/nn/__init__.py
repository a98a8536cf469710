"""DeBERTa-v2 and v3 in PyTorch, on packed pieces. Knows nothing of spaCy or transformers."""

from .attention import ATTENTION_KERNELS, resolve_attention
from .config import V3_LAYOUT, DebertaV2Config
from .heads import (
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    answer_loss,
)
from .inference.precision import Precision, check_precision
from .inference.primitive_cache import bound_primitive_caches
from .inference.processor import has_bf16
from .model import DebertaV2Model
from .ops.memory import check_memory
from .ops.packing import PackedPieces
from .ops.transfer import send
from .outputs import (
    EncoderOutput,
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    ReplacedTokenDetectionOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from .training import freeze, init_weights, training_step, weights_changed

__all__ = [
    "ATTENTION_KERNELS",
    "V3_LAYOUT",
    "DebertaV2Config",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "EncoderOutput",
    "MaskedLMOutput",
    "MultipleChoiceModelOutput",
    "PackedPieces",
    "Precision",
    "QuestionAnsweringModelOutput",
    "ReplacedTokenDetectionOutput",
    "SequenceClassifierOutput",
    "TokenClassifierOutput",
    "answer_loss",
    "check_memory",
    "check_precision",
    "freeze",
    "has_bf16",
    "init_weights",
    "resolve_attention",
    "send",
    "training_step",
    "weights_changed",
]

bound_primitive_caches()
