"""Architectures with an encoder of their own, and their settings."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc, Span
from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.arrays import Array
from spacy_deberta.errors import check_strings
from spacy_deberta.layers import (
    NO_DECAY,
    EncoderOptions,
    EncoderSource,
    FullTransformerBatch,
    Sequences,
    TransformerData,
    deberta_model,
    deberta_with_head,
    document_encoder,
    pooled_tokens,
)


def deberta_v2_model_v1(
    get_spans: Callable[[list[Doc]], list[list[Span]]],
    name: str | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
    base: str | None = None,
    from_scratch: dict[str, Any] | None = None,
    precision: str = "auto",
    attention: str = "auto",
    far_positions: str | None = None,
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
    output_hidden_states: bool = False,
    freeze_embeddings: bool = False,
    freeze_layers: int = 0,
    layer_lr_decay: float = 1.0,
    no_decay: list[str] = list(NO_DECAY),  # noqa: B006 (confection shows it as the default)
    storage_precision: str | None = None,
    load_precision: str = "fp32",
    map_weights: bool = True,
    allow_non_finite: bool = False,
    device: str | None = None,
    split_special_tokens: bool | None = None,
    tokenizer: str | None = None,
    unknown_characters: str | None = None,
    is_split_into_words: bool = False,
) -> Model[list[Doc], FullTransformerBatch]:
    """Encode documents with DeBERTa-v2 or v3, for the factories `transformer` and `deberta`.

    get_spans (Callable[[list[Doc]], list[list[Span]]]): `spacy-deberta.piece_windows.v1`, or a span
        getter such as `spacy-deberta.strided_spans.v1`.
    name (str | None): Checkpoint to start from: a name on the Hugging Face hub or a folder. Only
        used by `initialize`, never when a trained pipeline is loaded.
    revision (str | None): Branch, tag or commit on the hub.
    subfolder (str | None): The folder within the repository, if it is not the repository itself.
    base (str | None): Of a LoRA adapter, the checkpoint that it was made for, if it is not where
        its config says.
    from_scratch (dict[str, Any] | None): Start from random weights instead: `vocabulary`, the path
        of a SentencePiece model, and fields of `DebertaV2Config` such as `hidden_size`.
    precision (str): "auto", "fp32", "bf16" or "fp16". Weights and outputs stay float32.
    attention (str): The attention kernel: "auto", "strided", "reference" or, on a GPU, "triton" or
        "bands".
    far_positions (str | None): Distances beyond the trained ones, in windows of more than 512
        pieces: "microsoft" clamps them, "huggingface" does not; null for the checkpoint's choice.
    max_batch_pieces (int): Maximum number of pieces in the encoder at once.
    gradient_checkpointing (bool): Recompute each layer in the backward pass, to save memory.
    output_hidden_states (bool): Put the hidden states of every layer into `doc._.trf_data`.
    freeze_embeddings (bool): Do not train the embeddings.
    freeze_layers (int): Do not train this many of the lowest layers.
    layer_lr_decay (float): Factor on the learning rate for each layer further down from the top.
    no_decay (list[str]): Parameters with one of these in their name have no weight decay.
    storage_precision (str | None): How weights are saved: "fp32", "fp16" or "bf16"; null for the
        dtype in which each is held, so that a loaded pipeline predicts the same.
    load_precision (str): "fp32", or "bf16" to hold the large weights in bfloat16, which takes half
        the memory. For prediction, or for training what comes after a frozen encoder.
    map_weights (bool): Memory-map weights from files of 64 MiB or more, if they are stored in
        `load_precision`; false reads them, so that later changes of the file have no effect.
    allow_non_finite (bool): Accept weights that are not finite.
    device (str | None): Where the encoder is: "cuda", "mps" (Apple), "cpu", or "auto" for a GPU if
        PyTorch has one, without CuPy; null for the device that spaCy runs on.
    split_special_tokens (bool | None): Whether special tokens that were added to the vocabulary are
        text in a document, and not one piece each; null for the value of the checkpoint or of the
        saved pipeline.
    tokenizer (str | None): "sentencepiece" for the checkpoint's `spm.model`, "tokenizers" for its
        `tokenizer.json` or `vocab.txt`; null for the one that it was trained with. Only used by
        `initialize`.
    unknown_characters (str | None): "bytes" to spell characters without a piece in bytes, "unk" for
        one [UNK] for a run of them; null for the value of the checkpoint or of the saved pipeline.
    is_split_into_words (bool): Whether each token of spaCy is split into pieces on its own, for
        checkpoints that were trained on words. By default the whole text is.
    RETURNS (Model[list[Doc], FullTransformerBatch]): The model.

    DOCS: docs/api/architectures.md#DebertaV2Model
    """
    return deberta_model(
        EncoderSource(
            name=name,
            revision=revision,
            subfolder=subfolder,
            base=base,
            from_scratch=from_scratch,
            split_special_tokens=split_special_tokens,
            tokenizer=tokenizer,
            unknown_characters=unknown_characters,
            is_split_into_words=is_split_into_words,
        ),
        get_spans,
        EncoderOptions(
            precision=precision,
            attention=attention,
            far_positions=far_positions,
            max_batch_pieces=max_batch_pieces,
            gradient_checkpointing=gradient_checkpointing,
            output_hidden_states=output_hidden_states,
            freeze_embeddings=freeze_embeddings,
            freeze_layers=freeze_layers,
            layer_lr_decay=layer_lr_decay,
            no_decay=tuple(check_strings("no_decay", no_decay)),
            storage_precision=storage_precision,
            load_precision=load_precision,
            map_weights=map_weights,
            allow_non_finite=allow_non_finite,
            device=device,
        ),
    )


def deberta_v2_tok2vec_v1(
    get_spans: Callable[[list[Doc]], list[list[Span]]],
    pooling: Model[Ragged, Floats2d],
    grad_factor: float = 1.0,
    name: str | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
    base: str | None = None,
    from_scratch: dict[str, Any] | None = None,
    precision: str = "auto",
    attention: str = "auto",
    far_positions: str | None = None,
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
    output_hidden_states: bool = False,
    freeze_embeddings: bool = False,
    freeze_layers: int = 0,
    layer_lr_decay: float = 1.0,
    no_decay: list[str] = list(NO_DECAY),  # noqa: B006 (confection shows it as the default)
    storage_precision: str | None = None,
    load_precision: str = "fp32",
    map_weights: bool = True,
    allow_non_finite: bool = False,
    device: str | None = None,
    split_special_tokens: bool | None = None,
    tokenizer: str | None = None,
    unknown_characters: str | None = None,
    is_split_into_words: bool = False,
) -> Model[list[Doc], list[Floats2d]]:
    """Encode documents with an encoder that one component owns, without a shared pipe.

    `replace_listeners` replaces a listener by this architecture.

    pooling (Model[Ragged, Floats2d]): Reduces the pieces of a token to one vector, for example
        `reduce_mean.v1`.
    grad_factor (float): Factor on the gradient of the encoder.
    RETURNS (Model[list[Doc], list[Floats2d]]): The model. The other arguments are those of
        `spacy-deberta.DebertaV2Model.v1`.

    DOCS: docs/api/architectures.md#DebertaV2Tok2Vec
    """
    model = deberta_v2_model_v1(
        get_spans=get_spans,
        name=name,
        revision=revision,
        subfolder=subfolder,
        base=base,
        from_scratch=from_scratch,
        precision=precision,
        attention=attention,
        far_positions=far_positions,
        max_batch_pieces=max_batch_pieces,
        gradient_checkpointing=gradient_checkpointing,
        output_hidden_states=output_hidden_states,
        freeze_embeddings=freeze_embeddings,
        freeze_layers=freeze_layers,
        layer_lr_decay=layer_lr_decay,
        no_decay=no_decay,
        storage_precision=storage_precision,
        load_precision=load_precision,
        map_weights=map_weights,
        allow_non_finite=allow_non_finite,
        device=device,
        split_special_tokens=split_special_tokens,
        tokenizer=tokenizer,
        unknown_characters=unknown_characters,
        is_split_into_words=is_split_into_words,
    )
    return pooled_tokens(model, pooling, grad_factor)


def deberta_v2_with_head_v1(
    head: str,
    name: str | None = None,
    revision: str | None = None,
    subfolder: str | None = None,
    base: str | None = None,
    from_scratch: dict[str, Any] | None = None,
    shared_encoder: str | None = None,
    precision: str = "auto",
    attention: str = "auto",
    far_positions: str | None = None,
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
    freeze_embeddings: bool = False,
    freeze_layers: int = 0,
    layer_lr_decay: float = 1.0,
    no_decay: list[str] = list(NO_DECAY),  # noqa: B006 (confection shows it as the default)
    storage_precision: str | None = None,
    load_precision: str = "fp32",
    map_weights: bool = True,
    allow_non_finite: bool = False,
    device: str | None = None,
    split_special_tokens: bool | None = None,
    tokenizer: str | None = None,
    unknown_characters: str | None = None,
    is_split_into_words: bool = False,
) -> Model[Sequences, Array]:
    """Run a DeBERTa-v2 or v3 with a head, for the components that use a fine-tuned checkpoint.

    head (str): "sequence_classification", "token_classification", "question_answering",
        "multiple_choice", "masked_lm", "replaced_token_detection" or "gliner".
    name (str | None): Checkpoint to start from: a name on the Hugging Face hub or a folder. Only
        used by `initialize`, never when a trained pipeline is loaded.
    shared_encoder (str | None): Name of an earlier component whose encoder is shared; `name` is
        then the source of the head only, or null for a new head.
    is_split_into_words (bool): As for `spacy-deberta.DebertaV2Model.v1`, with the heads
        "sequence_classification" and "token_classification".
    RETURNS (Model[Sequences, Array]): The model. The other arguments are those of
        `spacy-deberta.DebertaV2Model.v1`.

    DOCS: docs/api/architectures.md#DebertaV2WithHead
    """
    return deberta_with_head(
        head,
        EncoderSource(
            name=name,
            revision=revision,
            subfolder=subfolder,
            base=base,
            from_scratch=from_scratch,
            split_special_tokens=split_special_tokens,
            tokenizer=tokenizer,
            unknown_characters=unknown_characters,
            is_split_into_words=is_split_into_words,
        ),
        EncoderOptions(
            precision=precision,
            attention=attention,
            far_positions=far_positions,
            max_batch_pieces=max_batch_pieces,
            gradient_checkpointing=gradient_checkpointing,
            freeze_embeddings=freeze_embeddings,
            freeze_layers=freeze_layers,
            layer_lr_decay=layer_lr_decay,
            no_decay=tuple(check_strings("no_decay", no_decay)),
            storage_precision=storage_precision,
            load_precision=load_precision,
            map_weights=map_weights,
            allow_non_finite=allow_non_finite,
            device=device,
        ),
        shared_encoder=shared_encoder,
    )


def document_encoder_v1(
    transformer: Model[list[Doc], FullTransformerBatch],
) -> Model[list[Doc], list[TransformerData]]:
    """Encode documents with an encoder that one text classifier owns, without a shared pipe.

    `replace_listeners` replaces `spacy-deberta.DocumentListener.v1` by this architecture.

    transformer (Model[list[Doc], FullTransformerBatch]): `spacy-deberta.DebertaV2Model.v1`.
    RETURNS (Model[list[Doc], list[TransformerData]]): The model.

    DOCS: docs/api/architectures.md#DocumentEncoder
    """
    return document_encoder(transformer)
