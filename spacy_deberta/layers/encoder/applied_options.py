"""The options of an encoder that change its modules."""

from spacy_deberta import models, nn
from spacy_deberta.layers.options import EncoderOptions


def apply_options(encoder: models.DebertaV2Model, options: EncoderOptions) -> None:
    """Set the precision of the weights, frozen parameters and gradient checkpointing.

    Args:
        encoder: Changed in place.
        options: How it is run and trained.
    """
    # Random weights, and those of another component, come in float32.
    nn.load_in(encoder.embeddings, encoder.encoder, options.load_precision)
    if options.load_precision == "int8":
        encoder.hold_in_int8()
    nn.freeze(encoder, embeddings=options.freeze_embeddings, layers=options.freeze_layers)
    if options.gradient_checkpointing:
        encoder.gradient_checkpointing_enable()
