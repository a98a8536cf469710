"""Heads: what turns the rows of the encoder into answers. One file each."""

from .masked_lm import DebertaV2ForMaskedLM
from .multiple_choice import DebertaV2ForMultipleChoice
from .question_answering import DebertaV2ForQuestionAnswering, answer_loss
from .replaced_token_detection import DebertaV2ForReplacedTokenDetection
from .sequence_classification import DebertaV2ForSequenceClassification
from .token_classification import DebertaV2ForTokenClassification

__all__ = [
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "answer_loss",
]
