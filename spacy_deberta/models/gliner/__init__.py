"""GLiNER: names of any kind, found by labels that are part of the input."""

from .head import GLINER, DebertaV2ForGLiNER
from .scoring import TextRows

__all__ = ["GLINER", "DebertaV2ForGLiNER", "TextRows"]
