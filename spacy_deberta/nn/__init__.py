"""PyTorch modules of DeBERTa-v2 and v3, on packed pieces. Independent of spaCy and transformers."""

from .attention import ATTENTION_KERNELS, Attentions, resolve_attention
from .config import V3_LAYOUT, DebertaV2Config
from .embeddings import DebertaV2Embeddings
from .encoder import DebertaV2Encoder
from .half_precision import (
    LOAD_PRECISIONS,
    check_load_precision,
    check_trainable,
    load_in,
)
from .inference.precision import (
    Precision,
    check_precision,
    compute_dtype,
)
from .inference.primitive_cache import bound_primitive_caches
from .inference.quantized_linear import is_quantized
from .inference.smoothing import Examples
from .mask_decoder import decode_masked
from .ops.activations import resolve_activation
from .ops.dropout import Dropout
from .ops.memory import check_memory, count_weights
from .ops.meta_device import meta_device
from .ops.packing import PackedPieces
from .ops.processor import has_bf16
from .ops.tensor_checks import check_tensors
from .ops.transfer import send
from .outputs import EncoderOutput, LayerAttentions, ModelOutput
from .pooler import ContextPooler
from .quantization import expect_int8, hold_in_int8, int8_state
from .training import freeze, init_weights, set_dropout, training_step, weights_changed
from .vocabulary_head import LegacyVocabularyHead, VocabularyHead

__all__ = [
    "ATTENTION_KERNELS",
    "LOAD_PRECISIONS",
    "V3_LAYOUT",
    "Attentions",
    "ContextPooler",
    "DebertaV2Config",
    "DebertaV2Embeddings",
    "DebertaV2Encoder",
    "Dropout",
    "EncoderOutput",
    "Examples",
    "LayerAttentions",
    "LegacyVocabularyHead",
    "ModelOutput",
    "PackedPieces",
    "Precision",
    "VocabularyHead",
    "check_load_precision",
    "check_memory",
    "check_precision",
    "check_tensors",
    "check_trainable",
    "compute_dtype",
    "count_weights",
    "decode_masked",
    "expect_int8",
    "freeze",
    "has_bf16",
    "hold_in_int8",
    "init_weights",
    "int8_state",
    "is_quantized",
    "load_in",
    "meta_device",
    "resolve_activation",
    "resolve_attention",
    "send",
    "set_dropout",
    "training_step",
    "weights_changed",
]

bound_primitive_caches()
