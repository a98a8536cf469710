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
from .options import NO_DECAY, EncoderOptions
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
    "get_encoder",
    "get_tokenizer",
    "load_model",
    "piece_windows_v1",
    "pooled_tokens",
    "save_model",
]
