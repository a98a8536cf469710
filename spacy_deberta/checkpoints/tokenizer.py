"""The vocabulary of a checkpoint, held against the rows of its embeddings."""

import os

from spacy_deberta import tokenization
from spacy_deberta.errors import Errors
from spacy_deberta.nn import DebertaV2Config

from .source import CheckpointFiles, find_vocabulary


def read_tokenizer(
    files: CheckpointFiles, config: DebertaV2Config, *, engine: str | None = None
) -> tokenization.DebertaV2Tokenizer:
    """Read the vocabulary of a checkpoint and hold it against the size of the embeddings.

    Args:
        files: The checkpoint.
        config: Its config.
        engine: "sentencepiece" or "tokenizers", see `DebertaV2Tokenizer.from_directory`.

    Raises:
        FileNotFoundError: The checkpoint has no vocabulary (E309).
        ValueError: Texts can have ids that the encoder has no embedding for (E310).
    """
    if files.vocabulary is None:
        raise FileNotFoundError(Errors.E309.format(name=files.name))
    tokenizer = tokenization.DebertaV2Tokenizer.from_directory(files.vocabulary, tokenizer=engine)
    check_vocabulary_fits(tokenizer, config)
    return tokenizer


def check_vocabulary_fits(
    tokenizer: tokenization.DebertaV2Tokenizer, config: DebertaV2Config
) -> None:
    """Make sure that every id of a text has an embedding.

    The mask is in no text, and published checkpoints of 128,000 rows have none for it: whoever
    needs it asks `check_mask_fits`.

    Raises:
        ValueError: There are more pieces and tokens than embeddings (E310).
    """
    needed = tokenizer.count_rows(mask=False)
    if needed > config.vocab_size:
        raise ValueError(Errors.E310.format(pieces=needed, rows=config.vocab_size))


def check_mask_fits(tokenizer: tokenization.DebertaV2Tokenizer, config: DebertaV2Config) -> None:
    """Make sure that the mask has an embedding.

    Raises:
        ValueError: It has none (E319).
    """
    if tokenizer.mask_token_id >= config.vocab_size:
        mask = tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id)
        raise ValueError(
            Errors.E319.format(mask=mask, id=tokenizer.mask_token_id, rows=config.vocab_size)
        )


class _FromPretrained(tokenization.DebertaV2Tokenizer):
    """Reading a tokenizer by the name of its checkpoint."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        subfolder: str = "",
        base: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        tokenizer: str | None = None,
    ) -> tokenization.DebertaV2Tokenizer:
        """Load the vocabulary of a checkpoint from a folder or from the Hugging Face hub.

        Args:
            pretrained_model_name_or_path: A folder, of a checkpoint or of a tokenizer alone, or a
                hub name.
            revision: Branch, tag or commit on the hub.
            subfolder: The folder within the repository, if it is not the repository itself.
            base: Of an adapter without a vocabulary of its own: the checkpoint that it was made
                for, if it is not where its config says.
            cache_dir: Where downloads are kept.
            local_files_only: Use only what the cache has.
            tokenizer: "sentencepiece" for `spm.model`, "tokenizers" for `tokenizer.json` and
                `vocab.txt`; None for what the checkpoint was trained with.

        Returns:
            The tokenizer, of this class.

        Raises:
            OSError: The vocabulary is missing (E304, E309), or the name is not found (E301 to
                E303).
            ValueError: A file is damaged (E202, E213, E232), or there is no such vocabulary (E234,
                E235).
        """
        return cls.from_directory(
            find_vocabulary(
                pretrained_model_name_or_path,
                revision=revision,
                subfolder=subfolder,
                base=base,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            ),
            tokenizer=tokenizer,
        )


class DebertaV2Tokenizer(_FromPretrained):
    """The tokenizer; see `spacy_deberta.tokenization.DebertaV2Tokenizer`."""


class DebertaV2TokenizerFast(tokenization.DebertaV2TokenizerFast, _FromPretrained):
    """On the tokenizers library; see `spacy_deberta.tokenization.DebertaV2TokenizerFast`."""
