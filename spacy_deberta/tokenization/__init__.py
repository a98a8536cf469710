"""Text to pieces and back, with exact character offsets: one interface, two engines."""

from .adding import add_tokens
from .engines import check_unknown_characters
from .fast import DebertaV2TokenizerFast
from .files import TOKENIZER_FILES, VOCABULARY_FILES
from .folder import check_engine
from .pieces import Pieces
from .special_tokens import SPECIAL_TOKENS, AddedToken
from .tokenizer import DebertaV2Tokenizer
from .training import train_vocabulary

__all__ = [
    "SPECIAL_TOKENS",
    "TOKENIZER_FILES",
    "VOCABULARY_FILES",
    "AddedToken",
    "DebertaV2Tokenizer",
    "DebertaV2TokenizerFast",
    "Pieces",
    "add_tokens",
    "check_engine",
    "check_unknown_characters",
    "train_vocabulary",
]
