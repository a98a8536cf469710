"""thinc layers: documents to windows, through the encoder, to a row for each piece and token."""

from .alignment import DocPieces, align_pieces
from .deberta_model import (
    EncoderSource,
    deberta_model,
    get_encoder,
    get_tokenizer,
    load_model,
    pooled_tokens,
    save_model,
)
from .document_listener import document_encoder, document_listener
from .options import NO_DECAY, EncoderOptions
from .pooled_text_classifier import pooled_text_classifier
from .transformer_data import DebertaBatch
from .windows import PieceWindows, SpanGetter, piece_windows_v1

__all__ = [
    "NO_DECAY",
    "DebertaBatch",
    "DocPieces",
    "EncoderOptions",
    "EncoderSource",
    "PieceWindows",
    "SpanGetter",
    "align_pieces",
    "deberta_model",
    "document_encoder",
    "document_listener",
    "get_encoder",
    "get_tokenizer",
    "load_model",
    "piece_windows_v1",
    "pooled_text_classifier",
    "pooled_tokens",
    "save_model",
]
