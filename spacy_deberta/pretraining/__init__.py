"""Pretraining: objectives, masking, data and the loop."""

from .tokenizer_training import TokenizerTraining, train_tokenizer
from .vocabulary_report import SplitWord, VocabularyReport, measure_vocabulary

__all__ = [
    "SplitWord",
    "TokenizerTraining",
    "VocabularyReport",
    "measure_vocabulary",
    "train_tokenizer",
]
