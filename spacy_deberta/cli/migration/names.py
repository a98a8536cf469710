"""Names of the other packages, ours, and the settings that are gone."""

import re

STOCK = "spacy-transformers."
CURATED = "spacy-curated-transformers."
OURS = "spacy-deberta."

# Registered functions that have the same arguments here.
RENAMED = {
    **{f"{STOCK}{name}": f"{OURS}{name}" for name in ("TransformerListener.v1",)},
    f"{STOCK}null_annotation_setter.v1": f"{OURS}null_annotation_setter.v1",
    **{f"{STOCK}{name}.v1": f"{OURS}{name}.v1" for name in ("sent_spans", "doc_spans")},
    f"{STOCK}strided_spans.v1": f"{OURS}strided_spans.v1",
}
LISTENERS = {
    f"{CURATED}LastTransformerLayerListener.v1": {"width"},
    f"{CURATED}ScalarWeightingListener.v1": {"width", "weighting"},
    f"{CURATED}TransformerLayersListener.v1": {"width", "layers"},
}
ENCODERS = re.compile(
    rf"{re.escape(STOCK)}(?P<stock>TransformerModel|Tok2VecTransformer)\.v\d"
    rf"|{re.escape(CURATED)}\w+Transformer\.v\d"
)
FACTORIES = ("transformer", "curated_transformer")
# Settings of the component, and of the model within it.
PIPE_SETTINGS = ("max_batch_items", "frozen", "all_layer_outputs")
ENCODER_SETTINGS = (
    *("tokenizer_config", "transformer_config", "mixed_precision", "grad_scaler_config"),
    *("max_batch_items", "all_layer_outputs", "with_spans", "piece_encoder"),
    *("encoder_loader", "piecer_loader"),
)
WINDOWS = {"@span_getters": f"{OURS}piece_windows.v1", "window": 510, "overlap": 64}

# Settings without an equivalent, and the reasons for dropping them.
DROPPED = {
    "max_batch_items": "'max_batch_pieces' of the model limits memory, in training too",
    "tokenizer_config": "the tokenizer reads the 'tokenizer_config.json' of the checkpoint",
    "transformer_config": "the encoder reads the 'config.json' of the checkpoint; of these "
    "settings only 'output_hidden_states' is one of the model",
    "mixed_precision": "'precision' is \"auto\" by default: bf16 where the hardware is fast at "
    'it; set it to "fp32" to compute in float32 everywhere',
    "grad_scaler_config": "gradients are scaled with 'precision = \"fp16\"' only, by fixed rules",
    "frozen": "list the component in 'frozen_components' and 'annotating_components' of [training]",
    "all_layer_outputs": "it is 'output_hidden_states' of the model; listeners read the last layer",
    "width": "the listener takes it from the encoder",
    "weighting": "listeners read the last layer",
    "layers": "listeners read the last layer",
    "stride": "'overlap' is the number of pieces that windows share: what 'window - stride' was",
    "with_spans": "windows are counted in pieces, which is 'get_spans'",
    "piece_encoder": "the tokenizer comes with the checkpoint",
    "encoder_loader": "'name' of the model is where weights and vocabulary come from",
    "piecer_loader": "'name' of the model is where weights and vocabulary come from",
}
