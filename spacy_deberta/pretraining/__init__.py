"""Pretraining: objectives, masking, data and the loop."""

from .building import (
    masked_language_modelling_v1,
    replaced_token_detection_v1,
)
from .corpus.readers import text_corpus_v1
from .corpus.texts import read_texts
from .loop.pretrain import pretrain
from .masking.masking import Masking
from .run_folder.log import LogRow
from .updates.metrics import PhaseScores
from .vocabulary.tokenizer_training import TokenizerTraining, train_tokenizer
from .vocabulary.vocabulary_report import SplitWord, VocabularyReport, measure_vocabulary

__all__ = [
    "LogRow",
    "Masking",
    "PhaseScores",
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
