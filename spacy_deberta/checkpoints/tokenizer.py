"""Reads the vocabulary of a checkpoint, and compares it with the size of the embeddings."""

from spacy_deberta.errors import Errors
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .source import CheckpointFiles


def read_tokenizer(
    files: CheckpointFiles,
    config: DebertaV2Config,
    *,
    engine: str | None = None,
    is_split_into_words: bool = False,
) -> DebertaV2Tokenizer:
    """Read the vocabulary of a checkpoint, and compare it with the size of the embeddings.

    Args:
        files: The checkpoint.
        config: Its config.
        engine: "sentencepiece" or "tokenizers", see `DebertaV2Tokenizer.from_directory`.
        is_split_into_words: As there.

    Raises:
        FileNotFoundError: The checkpoint has no vocabulary (E309).
        ValueError: Texts can have ids without an embedding (E310).
    """
    if files.vocabulary is None:
        raise FileNotFoundError(Errors.E309.format(name=files.name))
    tokenizer = DebertaV2Tokenizer.from_directory(
        files.vocabulary, tokenizer=engine, is_split_into_words=is_split_into_words
    )
    check_vocabulary_fits(tokenizer, config)
    return tokenizer


def check_vocabulary_fits(tokenizer: DebertaV2Tokenizer, config: DebertaV2Config) -> None:
    """Check that all ids of texts have embeddings.

    `[MASK]` is not an id of texts, and published checkpoints with 128,000 rows have none for it.
    See `check_mask_fits`.

    Raises:
        ValueError: There are more pieces and tokens than embeddings (E310).
    """
    needed = tokenizer.count_rows(mask=False)
    if needed > config.vocab_size:
        raise ValueError(Errors.E310.format(pieces=needed, rows=config.vocab_size))


def check_mask_fits(tokenizer: DebertaV2Tokenizer, config: DebertaV2Config) -> None:
    """Check that `[MASK]` has an embedding.

    Raises:
        ValueError: It has none (E319).
    """
    if tokenizer.mask_token_id >= config.vocab_size:
        mask = tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id)
        raise ValueError(
            Errors.E319.format(mask=mask, id=tokenizer.mask_token_id, rows=config.vocab_size)
        )
