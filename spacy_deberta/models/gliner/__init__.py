"""GLiNER: names of any kind, found by labels that are part of the input."""

from .head import GLINER, GLINER_PARTS, DebertaV2ForGLiNER
from .scoring import TextRows

__all__ = ["GLINER", "GLINER_PARTS", "DebertaV2ForGLiNER", "TextRows"]
