"""Tokenization engines: SentencePiece, or Hugging Face's tokenizers library."""

from .conversion import convert_sentencepiece, for_pipeline
from .engine import Engine, EngineName
from .huggingface import PIPELINE_FILE, TokenizersEngine
from .making import make_engine, read_vocabulary
from .sentencepiece import SENTENCEPIECE_FILE, SentencePieceEngine
from .unknown import UnknownCharacters, check_unknown_characters
from .unreadable import naming_file
from .wordpiece import WORDPIECE_FILE, make_wordpiece

__all__ = [
    "PIPELINE_FILE",
    "SENTENCEPIECE_FILE",
    "WORDPIECE_FILE",
    "Engine",
    "EngineName",
    "SentencePieceEngine",
    "TokenizersEngine",
    "UnknownCharacters",
    "check_unknown_characters",
    "convert_sentencepiece",
    "for_pipeline",
    "make_engine",
    "make_wordpiece",
    "naming_file",
    "read_vocabulary",
]
