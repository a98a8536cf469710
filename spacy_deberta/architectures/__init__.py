"""Registered spaCy architectures: their names, arguments and defaults, and no logic."""

from .classifiers import document_vectors_v1, pooled_text_classifier_v1, span_categorizer_v1
from .encoders import (
    deberta_v2_model_v1,
    deberta_v2_tok2vec_v1,
    deberta_v2_with_head_v1,
    document_encoder_v1,
)
from .listeners import document_listener_v1, transformer_listener_v1

__all__ = [
    "deberta_v2_model_v1",
    "deberta_v2_tok2vec_v1",
    "deberta_v2_with_head_v1",
    "document_encoder_v1",
    "document_listener_v1",
    "document_vectors_v1",
    "pooled_text_classifier_v1",
    "span_categorizer_v1",
    "transformer_listener_v1",
]
