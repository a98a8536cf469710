"""Base class of all models, as in Hugging Face's library."""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar, cast

import torch
from torch import nn

from spacy_deberta.checkpoints import (
    MAX_SHARD_BYTES,
    find_checkpoint,
    override_config,
    read_config,
    save_checkpoint,
)
from spacy_deberta.errors import Errors, check_number
from spacy_deberta.nn import (
    DebertaV2Config,
    check_load_precision,
    init_weights,
    is_quantized,
    set_dropout,
    training_step,
    weights_changed,
)

from .embedding_rows import with_rows
from .padded_forward import PaddedForward

ModelT = TypeVar("ModelT", bound="DebertaV2PreTrainedModel")


class DebertaV2PreTrainedModel(PaddedForward):
    """Base class of all models: loading, saving, initialization.

    Args:
        config: The model's config.

    Source: The names and arguments of Hugging Face's base class.
    """

    # Whether a forward pass reads the whole word embedding table, and not just some rows.
    reads_all_embeddings: ClassVar[bool] = False
    base_model_prefix: ClassVar[str] = "deberta"

    config: DebertaV2Config

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def layout_options(cls, keys: Iterable[str], config: DebertaV2Config) -> dict[str, Any]:
        """Constructor arguments that follow from the parameter names of a checkpoint.

        Args:
            keys: The names as `KeyMap.to_ours` gives them.
            config: The config.
        """
        return {}

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Reinitialize all weights: see `nn.init_weights`."""
        init_weights(self, self.config, generator=generator)

    def set_dropout(self, rate: float | None) -> None:
        """Set the rate of every dropout, including the one before a head's classifier.

        The pooler's own dropout, 0 unless the config sets it, is unchanged.

        Args:
            rate: In [0, 1); None for the rates of the config.

        Raises:
            ValueError: The rate is out of range (E116).
        """
        set_dropout(self, self.config, rate)

    @property
    def base_model(self) -> Any:
        """The encoder; a `DebertaV2Model` itself."""
        return getattr(self, self.base_model_prefix, self)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the first parameter."""
        return next(self.parameters()).dtype

    @property
    def load_precision(self) -> str:
        """`"int8"` or `"bf16"` if the large weights are held in it, else `"fp32"`."""
        if is_quantized(self):
            return "int8"
        return "bf16" if self.get_input_embeddings().weight.dtype == torch.bfloat16 else "fp32"

    @property
    def device(self) -> torch.device:
        """The device of the first parameter."""
        return next(self.parameters()).device

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """Count the parameters.

        Args:
            only_trainable: Whether to exclude frozen parameters.
            exclude_embeddings: Whether to exclude embedding tables.
        """
        excluded = {
            id(part.weight)
            for part in self.modules()
            if exclude_embeddings and isinstance(part, nn.Embedding)
        }
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if id(parameter) not in excluded and (parameter.requires_grad or not only_trainable)
        )

    def get_input_embeddings(self) -> nn.Embedding:
        """The word embedding table."""
        return cast(nn.Embedding, self.base_model.embeddings.word_embeddings)

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the word embedding table.

        Args:
            value: A table of the same width. For another number of rows, use
                `resize_token_embeddings`.
        """
        self.base_model.embeddings.word_embeddings = value

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
    ) -> nn.Embedding:
        """Change the number of word embeddings, for instance after tokens were added.

        Existing rows keep their values. New ones are drawn from a normal distribution with the
        config's `initializer_range`; a head's bias for new rows is zero.

        Args:
            new_num_tokens: The new number of rows; None for the current one.
            pad_to_multiple_of: Round the number up to a multiple of this.

        Returns:
            The embedding table. `vocab_size` of the config is updated.

        Raises:
            ValueError: The number is less than one, or drops the padding row (E350), or it is none
                (E413).
        """
        old = self.get_input_embeddings()
        count = old.num_embeddings if new_num_tokens is None else new_num_tokens
        multiple = 1 if pad_to_multiple_of is None else pad_to_multiple_of
        check_number("new_num_tokens", count, lambda n: True, "counted in tokens", whole=True)
        check_number("pad_to_multiple_of", multiple, lambda n: n >= 1, "at least 1", whole=True)
        count = -(-count // multiple) * multiple
        if count <= self.config.pad_token_id:
            raise ValueError(Errors.E350.format(count=count, least=self.config.pad_token_id + 1))
        if count == old.num_embeddings:
            return old
        new = with_rows(old, count, self.config)
        self.set_input_embeddings(new)
        self._resize_head(count)
        self.config = replace(self.config, vocab_size=count)
        self.base_model.config = replace(self.base_model.config, vocab_size=count)
        return new

    def _resize_head(self, count: int) -> None:
        """Resize a head's parameters that have one entry per vocabulary row."""

    def gradient_checkpointing_enable(self) -> None:
        """Keep only the input of every layer in training; recompute the rest in backward.

        The gradients are the same, dropout included. Training is about a third slower, and most
        of the activation memory is saved.
        """
        self.base_model.encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep all activations for the backward pass."""
        self.base_model.encoder.gradient_checkpointing = False

    def training_step(self) -> AbstractContextManager[None]:
        """Context manager for a forward or backward pass of training: see `nn.training_step`."""
        return training_step(self)

    def weights_changed(self) -> None:
        """Report a weight update that did not bump `_version`: see `nn.weights_changed`."""
        weights_changed(self)

    @classmethod
    def from_pretrained(
        cls: type[ModelT],
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        subfolder: str = "",
        base: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        attention: str = "auto",
        config_overrides: Mapping[str, Any] | None = None,
        map_weights: bool = True,
        load_precision: str = "fp32",
        allow_non_finite: bool = False,
    ) -> ModelT:
        """Load a checkpoint from a folder or from the Hugging Face hub.

        Args:
            pretrained_model_name_or_path: A folder or a hub name, of a checkpoint or of a LoRA
                adapter of PEFT, which is merged into its base.
            revision: Branch, tag or commit on the hub.
            subfolder: The folder within the repository, if it is not the repository itself.
            base: The checkpoint that an adapter was made for, if it is not where its config says.
            cache_dir: Folder for downloads.
            local_files_only: Use only cached files.
            attention: The attention kernel, see `spacy_deberta.nn.ATTENTION_KERNELS`.
            config_overrides: Values that replace those of `config.json`. New labels create a new
                head only if the checkpoint has none.
            map_weights: Whether weights in a file of 64 MiB or more are memory-mapped, if they are
                stored in the precision that they are loaded in. False reads them, so that later
                changes of the file have no effect.
            load_precision: `"fp32"`; `"bf16"` for prediction with half the memory: the matrices
                of the layers and the word embeddings are held in bfloat16, the rest in float32.
                `"int8"`, for prediction on the CPU with less: these matrices in int8.
            allow_non_finite: Whether to accept non-finite weights.

        Returns:
            The model in evaluation mode, on the CPU. Using a memory-mapped model raises
            an OSError if its file was modified (E329); the first use raises a ValueError if the
            weights are not finite (E328).

        Raises:
            OSError: A file is missing (E304), damaged (E305) or of another format than its name
                says (E326, E327, E330), the name is not found (E301 to E303), nor the base of an
                adapter (E331), or the folder has another kind of model (E337, E338).
            ValueError: The files hold no DeBERTa-v2 weights for this class (E101 to E107, E306 to
                E308, E328, E339), an adapter can't be merged (E320, E332 to E335), an override is
                unknown (E313), or the precision is (E129).

        Source:
            The arguments of Hugging Face's method of that name.
        """
        from .loading.building import (
            build_from_checkpoint,  # imports the heads, which import this module
        )

        files = find_checkpoint(
            pretrained_model_name_or_path,
            revision=revision,
            subfolder=subfolder,
            base=base,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        check_load_precision(load_precision)
        config = read_config(files)
        if config_overrides:
            config = override_config(config, config_overrides)
        return build_from_checkpoint(
            cls,
            files,
            config,
            map_weights=map_weights,
            load_precision=load_precision,
            allow_non_finite=allow_non_finite,
            attention=attention,
            overridden=tuple(config_overrides or ()),
        )

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        precision: str | None = None,
        max_shard_bytes: int = MAX_SHARD_BYTES,
    ) -> None:
        """Write a folder that Hugging Face's class of the same name opens.

        Args:
            save_directory: Folder to write, created if missing.
            precision: Precision of the stored weights: `"fp32"`, `"fp16"` or `"bf16"`; None for
                the dtype that each weight has, so that loading gives the same weights.
            max_shard_bytes: Maximum size of a shard in bytes.

        Raises:
            ValueError: The precision is unknown (E311).
            OSError: The path is a file (E312), or can't be written to.
        """
        save_checkpoint(
            save_directory,
            config={**self.config.to_dict(), "architectures": [type(self).__name__]},
            weights=self.state_dict(),
            precision=precision,
            max_shard_bytes=max_shard_bytes,
        )
