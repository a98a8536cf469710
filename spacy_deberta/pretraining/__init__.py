"""Pretraining: objectives, masking, data and the loop."""

from .texts import read_texts
from .tokenizer_training import TokenizerTraining, train_tokenizer
from .vocabulary_report import SplitWord, VocabularyReport, measure_vocabulary

__all__ = [
    "SplitWord",
    "TokenizerTraining",
    "VocabularyReport",
    "measure_vocabulary",
    "read_texts",
    "train_tokenizer",
]
