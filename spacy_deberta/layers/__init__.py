"""thinc layers: documents to windows, windows to hidden states, one row for each piece or token."""

from spacy_deberta.registries import create_registries

from .answer_loss import answer_loss
from .classifiers.document_listener import document_encoder, document_listener
from .classifiers.document_vectors import document_vectors, predict_vectors
from .classifiers.pooled_text_classifier import pooled_text_classifier
from .classifiers.span_categorizer import span_categorizer
from .component_name import name_component
from .deberta_model import (
    deberta_model,
    get_encoder,
    get_tokenizer,
    load_model,
    pooled_tokens,
    save_model,
)
from .documents.alignment import DocPieces, align_pieces, token_offsets
from .documents.span_getters import doc_spans_v1, sent_spans_v1, strided_spans_v1
from .documents.tokenize import TokenizerShim, check_whole_texts, encode_docs, splits_words
from .documents.windows import DocWindows, PieceWindows, SpanGetter, cut_windows, piece_windows_v1
from .encoder.parameters import torch_parameters
from .encoder.source import EncoderSource
from .focal_loss import REDUCTIONS, FocalLoss
from .gliner import (
    GLINER_HEAD,
    GoldWords,
    LabelledTexts,
    MarkerIds,
    get_gliner_config,
    get_marker_ids,
    gliner_loss,
    score_labelled_texts,
    set_head_rate,
)
from .gliner_loading import initialize_gliner, load_gliner, save_gliner_model
from .gpu import select_gpu
from .head_loading import FINE_TUNED, initialize_head, load_head, without_output
from .head_model import (
    deberta_with_head,
    get_config,
    get_labels,
    is_initialized,
)
from .listening.batch import FullTransformerBatch
from .listening.integration import is_stock
from .listening.listener import ANY_ENCODER, TransformerListener, listeners_of, note_encoder
from .listening.serialization import decode_transformer_data, encode_transformer_data
from .listening.transformer_data import TransformerData
from .listening.transformer_listener import transformer_listener
from .loss_gradient import Loss, loss_gradient
from .options import NO_DECAY, EncoderOptions
from .sequences import (
    N_SPECIAL_TOKENS,
    N_SPECIAL_TOKENS_PAIR,
    JoinedSequences,
    PieceRanges,
    Sequences,
    encode_texts,
    join_sequences,
)
from .settings import check_choice, check_setting
from .shared_encoder import share_encoder
from .tokenize_ahead import tokenize_ahead, waits_for_device
from .updates.schedules import rate_for_width, warmup_linear_v1

__all__ = [
    "ANY_ENCODER",
    "FINE_TUNED",
    "GLINER_HEAD",
    "NO_DECAY",
    "N_SPECIAL_TOKENS",
    "N_SPECIAL_TOKENS_PAIR",
    "REDUCTIONS",
    "DocPieces",
    "DocWindows",
    "EncoderOptions",
    "EncoderSource",
    "FocalLoss",
    "FullTransformerBatch",
    "GoldWords",
    "JoinedSequences",
    "LabelledTexts",
    "Loss",
    "MarkerIds",
    "PieceRanges",
    "PieceWindows",
    "Sequences",
    "SpanGetter",
    "TokenizerShim",
    "TransformerData",
    "TransformerListener",
    "align_pieces",
    "answer_loss",
    "check_choice",
    "check_setting",
    "check_whole_texts",
    "cut_windows",
    "deberta_model",
    "deberta_with_head",
    "decode_transformer_data",
    "doc_spans_v1",
    "document_encoder",
    "document_listener",
    "document_vectors",
    "encode_docs",
    "encode_texts",
    "encode_transformer_data",
    "get_config",
    "get_encoder",
    "get_gliner_config",
    "get_labels",
    "get_marker_ids",
    "get_tokenizer",
    "gliner_loss",
    "initialize_gliner",
    "initialize_head",
    "is_initialized",
    "is_stock",
    "join_sequences",
    "listeners_of",
    "load_gliner",
    "load_head",
    "load_model",
    "loss_gradient",
    "name_component",
    "note_encoder",
    "piece_windows_v1",
    "pooled_text_classifier",
    "pooled_tokens",
    "predict_vectors",
    "rate_for_width",
    "save_gliner_model",
    "save_model",
    "score_labelled_texts",
    "select_gpu",
    "sent_spans_v1",
    "set_head_rate",
    "share_encoder",
    "span_categorizer",
    "splits_words",
    "strided_spans_v1",
    "token_offsets",
    "tokenize_ahead",
    "torch_parameters",
    "transformer_listener",
    "waits_for_device",
    "warmup_linear_v1",
    "without_output",
]

# spaCy may have been imported after the package. A config may name a span getter or an annotation
# setter, so this runs before any is read.
create_registries()
