"""DeBERTa-v2 and v3 in PyTorch, on packed pieces. Knows nothing of spaCy or transformers."""

from .attention import ATTENTION_KERNELS, resolve_attention
from .config import DebertaV2Config
from .heads.token_classification import DebertaV2ForTokenClassification
from .model import DebertaV2Model
from .outputs import EncoderOutput, TokenClassifierOutput
from .packing import PackedPieces
from .training import freeze, init_weights

__all__ = [
    "ATTENTION_KERNELS",
    "DebertaV2Config",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "EncoderOutput",
    "PackedPieces",
    "TokenClassifierOutput",
    "freeze",
    "init_weights",
    "resolve_attention",
]
