"""Text to pieces and back: SentencePiece with exact character offsets."""

from .pieces import Pieces
from .special_tokens import SPECIAL_TOKENS, AddedToken
from .tokenizer import DebertaV2Tokenizer
from .training import train_vocabulary

__all__ = ["SPECIAL_TOKENS", "AddedToken", "DebertaV2Tokenizer", "Pieces", "train_vocabulary"]
