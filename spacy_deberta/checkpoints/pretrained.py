"""The classes that people import: modules that come from a checkpoint and go to one."""

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch

from spacy_deberta import nn, tokenization
from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import JsonError, read_json

from .building import ModuleT, build_from_checkpoint
from .saving import MAX_SHARD_BYTES, save_checkpoint
from .source import CheckpointFiles, find_checkpoint, find_vocabulary

LABEL_FIELDS = ("num_labels", "id2label", "label2id")


def read_config(files: CheckpointFiles) -> nn.DebertaV2Config:
    """Read `config.json` of a checkpoint, or what stands for it in another layout.

    Raises:
        ValueError: It is not JSON (E308), or no config of a DeBERTa-v2 (E101 to E107); the message
            names the file.
    """
    try:
        values = read_json(files.config)
    except JsonError as error:
        raise ValueError(Errors.E308.format(path=files.config, error=error)) from error
    try:
        return nn.DebertaV2Config.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{error} The file is {files.config}.") from error


def read_tokenizer(
    files: CheckpointFiles, config: nn.DebertaV2Config
) -> tokenization.DebertaV2Tokenizer:
    """Read the vocabulary of a checkpoint and hold it against the size of the embeddings.

    Raises:
        FileNotFoundError: The checkpoint has no `spm.model`.
        ValueError: Texts can have ids that the encoder has no embedding for (E310).
    """
    if not files.has_vocabulary:
        raise FileNotFoundError(Errors.E309.format(name=files.name))
    tokenizer = tokenization.DebertaV2Tokenizer.from_directory(files.folder)
    check_vocabulary_fits(tokenizer, config)
    return tokenizer


def check_vocabulary_fits(
    tokenizer: tokenization.DebertaV2Tokenizer, config: nn.DebertaV2Config
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


def check_mask_fits(tokenizer: tokenization.DebertaV2Tokenizer, config: nn.DebertaV2Config) -> None:
    """Make sure that the mask has an embedding.

    Raises:
        ValueError: It has none (E319).
    """
    if tokenizer.mask_token_id >= config.vocab_size:
        mask = tokenizer.convert_ids_to_tokens(tokenizer.mask_token_id)
        raise ValueError(
            Errors.E319.format(mask=mask, id=tokenizer.mask_token_id, rows=config.vocab_size)
        )


def override_config(config: nn.DebertaV2Config, overrides: Mapping[str, Any]) -> nn.DebertaV2Config:
    """The same config with other values for some fields.

    Args:
        config: The config of a checkpoint.
        overrides: Values by field. Labels replace each other: a new number of them drops the old
            names, and new names the old number.

    Raises:
        ValueError: There are no such fields (E313), or no such values.
    """
    known = {field.name for field in fields(config) if field.name != "extra"}
    unknown = set(overrides) - known
    if unknown:
        raise ValueError(Errors.E313.format(unknown=", ".join(sorted(unknown))))
    values = config.to_dict()
    if not overrides.keys().isdisjoint(LABEL_FIELDS):
        values = {key: value for key, value in values.items() if key not in LABEL_FIELDS}
    return nn.DebertaV2Config.from_dict({**values, **overrides})


class PretrainedModule(torch.nn.Module):
    """`from_pretrained` and `save_pretrained` for the modules of `spacy_deberta.nn`."""

    config: nn.DebertaV2Config

    @classmethod
    def from_pretrained(
        cls: type[ModuleT],
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        attention: str = "auto",
        config_overrides: Mapping[str, Any] | None = None,
        map_weights: bool = True,
        allow_non_finite: bool = False,
    ) -> ModuleT:
        """Load a checkpoint from a folder or from the Hugging Face hub.

        Args:
            pretrained_model_name_or_path: A folder, or a hub name.
            revision: Branch, tag or commit on the hub.
            cache_dir: Where downloads are kept.
            local_files_only: Use only what the cache has.
            attention: The attention kernel, see `spacy_deberta.nn.ATTENTION_KERNELS`.
            config_overrides: Values that replace those of `config.json`. New labels make a new
                head only if the checkpoint has none.
            map_weights: Whether float32 weights in a file of 64 MiB or more are mapped from it;
                False reads them, so that nothing that happens to the file matters any more.
            allow_non_finite: Whether to accept weights that are not finite.

        Returns:
            The module in evaluation mode, on the CPU, in float32. If it is mapped, using it raises
            an OSError when somebody has written into its file (E329), and for the first time a
            ValueError if its weights are not finite (E328).

        Raises:
            OSError: A file is missing (E304), damaged (E305) or not what its name says (E326, E327,
                E330), or the name is not found (E301 to E303).
            ValueError: The files hold no DeBERTa-v2 that this class can be filled from (E101 to
                E107, E306 to E308, E328), or there is no such override (E313).

        Source:
            The arguments of Hugging Face's method of that name.
        """
        files = find_checkpoint(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        config = read_config(files)
        if config_overrides:
            config = override_config(config, config_overrides)
        return build_from_checkpoint(
            cls,
            files,
            config,
            map_weights=map_weights,
            allow_non_finite=allow_non_finite,
            attention=attention,
            overridden=tuple(config_overrides or ()),
        )

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        precision: str = "fp32",
        max_shard_bytes: int = MAX_SHARD_BYTES,
    ) -> None:
        """Write a folder that Hugging Face's class of the same name opens.

        Args:
            save_directory: Where to write; made if it is missing.
            precision: How the weights are stored: `"fp32"`, `"fp16"` or `"bf16"`.
            max_shard_bytes: Weights above this size, in bytes, are split into several files.

        Raises:
            ValueError: The precision is unknown (E311).
            OSError: The path is that of a file (E312), or can't be written to.
        """
        save_checkpoint(
            save_directory,
            config={**self.config.to_dict(), "architectures": [type(self).__name__]},
            weights=self.state_dict(),
            precision=precision,
            max_shard_bytes=max_shard_bytes,
        )


class DebertaV2Model(PretrainedModule, nn.DebertaV2Model):
    """The encoder; see `spacy_deberta.nn.DebertaV2Model`."""


class DebertaV2ForMaskedLM(PretrainedModule, nn.DebertaV2ForMaskedLM):
    """The encoder with a head over the vocabulary, in the layout that the file has."""


class DebertaV2ForMultipleChoice(PretrainedModule, nn.DebertaV2ForMultipleChoice):
    """The encoder with one score per choice."""


class DebertaV2ForQuestionAnswering(PretrainedModule, nn.DebertaV2ForQuestionAnswering):
    """The encoder with scores for the start and the end of an answer."""


class DebertaV2ForReplacedTokenDetection(PretrainedModule, nn.DebertaV2ForReplacedTokenDetection):
    """The encoder with the discriminator of its pre-training."""


class DebertaV2ForSequenceClassification(PretrainedModule, nn.DebertaV2ForSequenceClassification):
    """The encoder with a classifier over whole sequences."""


class DebertaV2ForTokenClassification(PretrainedModule, nn.DebertaV2ForTokenClassification):
    """The encoder with a classifier over its pieces."""


class DebertaV2Tokenizer(tokenization.DebertaV2Tokenizer):
    """The tokenizer; see `spacy_deberta.tokenization.DebertaV2Tokenizer`."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> tokenization.DebertaV2Tokenizer:
        """Load the vocabulary of a checkpoint from a folder or from the Hugging Face hub.

        Args:
            pretrained_model_name_or_path: A folder, of a checkpoint or of a tokenizer alone, or a
                hub name.
            revision: Branch, tag or commit on the hub.
            cache_dir: Where downloads are kept.
            local_files_only: Use only what the cache has.

        Returns:
            The tokenizer, of this class.

        Raises:
            OSError: The vocabulary is missing (E304, E309), or the name is not found (E301 to
                E303).
            ValueError: A file is damaged (E202, E213).
        """
        return cls.from_directory(
            find_vocabulary(
                pretrained_model_name_or_path,
                revision=revision,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        )
