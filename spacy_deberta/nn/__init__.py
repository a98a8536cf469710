"""DeBERTa-v2 and v3 in PyTorch, on packed pieces. Knows nothing of spaCy or transformers."""

from .attention import ATTENTION_KERNELS, resolve_attention
from .config import DebertaV2Config
from .heads import (
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    answer_loss,
)
from .model import DebertaV2Model
from .outputs import (
    EncoderOutput,
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    QuestionAnsweringModelOutput,
    ReplacedTokenDetectionOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from .packing import PackedPieces
from .processor import has_amx
from .training import freeze, init_weights

__all__ = [
    "ATTENTION_KERNELS",
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
    "QuestionAnsweringModelOutput",
    "ReplacedTokenDetectionOutput",
    "SequenceClassifierOutput",
    "TokenClassifierOutput",
    "answer_loss",
    "freeze",
    "has_amx",
    "init_weights",
    "resolve_attention",
]
