"""Sequences → the logits of a head: a fine-tuned checkpoint as a thinc model."""

from collections.abc import Callable

from thinc.api import Model

from spacy_deberta import nn
from spacy_deberta.arrays import Array
from spacy_deberta.models import GLINER, HEADS, HeadSpec

from .documents.tokenize import check_takes_words, doc_tokenizer
from .encoder.batches import batch_sequences
from .encoder.encoder_layer import encoder_layer
from .encoder.encoder_shim import EncoderShim, encoder_shim
from .encoder.source import EncoderSource
from .encoder_owner import EncoderOwner
from .gliner import GLINER_HEAD
from .options import EncoderOptions
from .saved_model import SavedModel
from .sequences import Sequences
from .settings import check_choice, check_setting

InT = Sequences
OutT = Array


def deberta_with_head(
    head: str,
    source: EncoderSource,
    options: EncoderOptions,
    *,
    shared_encoder: str | None = None,
) -> Model[InT, OutT]:
    """Run a DeBERTa-v2 with a head on sequences.

    Args:
        head: One of `models.HEADS`, or "gliner".
        source: Where weights and vocabulary come from when the model is initialized.
        options: How it is run, trained and stored.
        shared_encoder: Name of the component whose encoder is used instead of one of its own; see
            `share_encoder`.

    Returns:
        A model from sequences to logits, float32: `(sequences, labels)` for
        "sequence_classification", `(rows, labels)` for "token_classification", `(rows, 2)`, start
        and end, for "question_answering", `(sequences, 1)` for "multiple_choice", `(decoded_rows,
        vocab_size)` for "masked_lm" and `(rows, 1)` for "replaced_token_detection".
        `initialize_head` loads its weights. For "gliner" the output are vectors, `(decoded_rows,
        hidden_size)`, which `score_labelled_texts` scores, and `initialize_gliner` loads weights.
    """
    check_choice("head", head, (*HEADS, GLINER_HEAD))
    if head == GLINER_HEAD:
        wanted = "null for a GLiNER, whose encoder is its own"
        check_setting(shared_encoder is None, "shared_encoder", shared_encoder, wanted)
        wanted = "another precision for a GLiNER, whose folder is read by other packages"
        check_setting(options.storage_precision != "int8", "storage_precision", "'int8'", wanted)
    if shared_encoder is not None:
        check_setting(
            options.precision != "fp16",
            "precision",
            "'fp16'",
            "'bf16' or 'fp32' where an encoder is shared",
        )
        check_setting(
            not source.from_scratch, "from_scratch", "given", "null where an encoder is shared"
        )
        check_setting(
            options.device is None,
            "device",
            f"'{options.device}'",
            "null where an encoder is shared, whose component has the device",
        )
        for setting in ("split_special_tokens", "tokenizer", "unknown_characters"):
            check_setting(
                getattr(source, setting) is None,
                setting,
                getattr(source, setting),
                "null where an encoder is shared, whose component has the tokenizer",
            )
        check_setting(
            not source.is_split_into_words,
            "is_split_into_words",
            True,
            "false where an encoder is shared, whose component has the tokenizer",
        )
    if source.is_split_into_words:
        check_takes_words(head)
    return SavedModel(
        "deberta_with_head",
        forward,
        # Layers by position, not by reference: references are lost when thinc copies a model.
        layers=[
            doc_tokenizer(
                shared=_owner(shared_encoder),
                split_special_tokens=source.split_special_tokens,
                unknown_characters=source.unknown_characters,
                is_split_into_words=source.is_split_into_words,
            ),
            encoder_layer(options, head=_find_spec(head), shared=_owner(shared_encoder)),
        ],
        attrs={"head": head, "source": source, "shared_encoder": shared_encoder},
    )


def _owner(name: str | None) -> EncoderOwner | None:
    return None if name is None else EncoderOwner(name)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run encoder and head; the backward pass starts from the gradient of the logits."""
    encode, shim = model.layers[1], head_shim(model)
    plan = batch_sequences(X, unit=shim.unit, max_pieces=shim.options.max_batch_pieces)
    output, backprop = encode(plan, is_train)
    return output.layers[0], backprop


def head_shim(model: Model[InT, OutT]) -> EncoderShim:
    """The shim of a model that `deberta_with_head` made, or of a copy of it."""
    return encoder_shim(model.layers[1])


def is_initialized(model: Model[InT, OutT]) -> bool:
    """Whether a model has weights."""
    return head_shim(model).is_loaded


def get_config(model: Model[InT, OutT]) -> nn.DebertaV2Config:
    """The config of a model with a head: its labels are in `id2label`.

    Raises:
        ValueError: The model is not initialized (E403).
    """
    return head_shim(model).config


def get_labels(model: Model[InT, OutT]) -> tuple[str, ...]:
    """The labels of a head in the order of its outputs; none before it is initialized."""
    shim = head_shim(model)
    if not shim.is_loaded or not _find_spec(model.attrs["head"]).has_labels:
        return ()
    names = shim.config.id2label
    return tuple(names[index] for index in sorted(names))


def _find_spec(head: str) -> HeadSpec:
    return GLINER if head == GLINER_HEAD else HEADS[head]
