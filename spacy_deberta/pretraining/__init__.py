"""Pretraining: objectives, masking, data and the loop."""

from .building import (
    ModelSource,
    masked_language_modelling_v1,
    replaced_token_detection_v1,
)
from .log import LogRow
from .masking import Masking
from .pretrain import pretrain
from .processes import Processes
from .readers import text_corpus_v1
from .texts import read_texts
from .tokenizer_training import TokenizerTraining, train_tokenizer
from .totals import PhaseScores
from .vocabulary_report import SplitWord, VocabularyReport, measure_vocabulary

__all__ = [
    "LogRow",
    "Masking",
    "ModelSource",
    "PhaseScores",
    "Processes",
    "SplitWord",
    "TokenizerTraining",
    "VocabularyReport",
    "masked_language_modelling_v1",
    "measure_vocabulary",
    "pretrain",
    "read_texts",
    "replaced_token_detection_v1",
    "text_corpus_v1",
    "train_tokenizer",
]
