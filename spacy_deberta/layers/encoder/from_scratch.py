"""An encoder from random weights, in the layout of DeBERTa-v3 unless the config says otherwise."""

from typing import Any

from spacy_deberta import models, nn
from spacy_deberta.checkpoints import check_vocabulary_fits
from spacy_deberta.errors import Errors
from spacy_deberta.layers.options import EncoderOptions
from spacy_deberta.tokenization import DebertaV2Tokenizer


def encoder_from_scratch(
    options: EncoderOptions, *, vocabulary: str | None = None, **config_values: Any
) -> tuple[models.DebertaV2Model, DebertaV2Tokenizer]:
    """Build an encoder with random weights.

    Args:
        options: How the encoder computes.
        vocabulary: See `config_from_scratch`.
        config_values: See there.

    Returns:
        The encoder and its tokenizer.

    Raises:
        ValueError: There is no vocabulary, a field is unknown, or the vocabulary does not fit.

    Source:
        Initialization as in the released pretraining code: normal with `initializer_range`.
    """
    config, tokenizer = config_from_scratch(options, vocabulary=vocabulary, **config_values)
    return models.DebertaV2Model(config, attention=options.attention), tokenizer


def config_from_scratch(
    options: EncoderOptions, *, vocabulary: str | None = None, **config_values: Any
) -> tuple[nn.DebertaV2Config, DebertaV2Tokenizer]:
    """Describe an encoder with random weights.

    Args:
        options: How the encoder computes.
        vocabulary: Path of a SentencePiece model.
        config_values: Fields of `DebertaV2Config`, above all the size. `vocab_size` is that of the
            vocabulary if it is not given.

    Returns:
        Its config and its tokenizer.

    Raises:
        ValueError: There is no vocabulary (E404), a field is unknown (E414), or the vocabulary does
            not fit (E310).
    """
    if not vocabulary:
        raise ValueError(Errors.E404)
    tokenizer = DebertaV2Tokenizer(vocab_file=vocabulary)
    values = {**nn.V3_LAYOUT, "vocab_size": len(tokenizer), **config_values}
    config = options.configure(nn.DebertaV2Config.from_dict(values))
    if config.extra:
        raise ValueError(Errors.E414.format(unknown=", ".join(config.extra)))
    check_vocabulary_fits(tokenizer, config)
    return config, tokenizer
