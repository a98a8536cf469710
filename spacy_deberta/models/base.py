"""The base of all models, as Hugging Face has one."""

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
from spacy_deberta.errors import Errors
from spacy_deberta.nn import (
    DebertaV2Config,
    init_weights,
    set_dropout,
    training_step,
    weights_changed,
)

from .padded_forward import PaddedForward

ModelT = TypeVar("ModelT", bound="DebertaV2PreTrainedModel")


class DebertaV2PreTrainedModel(PaddedForward):
    """What the encoder and all heads have in common: they come from a checkpoint, and go to one.

    Args:
        config: What the model is made of.

    Source: The names and arguments of Hugging Face's base class.
    """

    # Whether a forward pass reads the whole table of word embeddings, and not just some rows.
    reads_all_embeddings: ClassVar[bool] = False
    base_model_prefix: ClassVar[str] = "deberta"

    config: DebertaV2Config

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def layout_options(cls, keys: Iterable[str], config: DebertaV2Config) -> dict[str, Any]:
        """Arguments of the constructor that the names in a file of weights decide.

        Args:
            keys: The names as `KeyMap.to_ours` gives them.
            config: The config.
        """
        return {}

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Start over with fresh weights: see `nn.init_weights`."""
        init_weights(self, self.config, generator=generator)

    def set_dropout(self, rate: float | None) -> None:
        """Set every dropout, the one before the last layer of a head included.

        The pooler's own, which is 0 unless a config says otherwise, stays.

        Args:
            rate: From 0 up to (but without) 1; None for the rates of the configuration.

        Raises:
            ValueError: The rate is none of these (E116).
        """
        set_dropout(self, self.config, rate)

    @property
    def base_model(self) -> Any:
        """The encoder, which is all of a `DebertaV2Model`."""
        return getattr(self, self.base_model_prefix, self)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights: that of the first one."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are: where the first one is."""
        return next(self.parameters()).device

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """Count the parameters.

        Args:
            only_trainable: Whether to leave out those that are frozen.
            exclude_embeddings: Whether to leave out the tables of embeddings.
        """
        left_out = {
            id(part.weight)
            for part in self.modules()
            if exclude_embeddings and isinstance(part, nn.Embedding)
        }
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if id(parameter) not in left_out and (parameter.requires_grad or not only_trainable)
        )

    def get_input_embeddings(self) -> nn.Embedding:
        """The word embeddings."""
        return cast(nn.Embedding, self.base_model.embeddings.word_embeddings)

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Use other word embeddings.

        Args:
            value: The embeddings, as wide as those that they replace. For another number of rows,
                use `resize_token_embeddings`.
        """
        self.base_model.embeddings.word_embeddings = value

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
    ) -> nn.Embedding:
        """Change the number of word embeddings, for instance after tokens were added.

        Rows that stay keep their values. New ones are drawn from a normal distribution of the
        configured range; what a head has for each row of the vocabulary begins at zero.

        Args:
            new_num_tokens: How many; None for as many as there are.
            pad_to_multiple_of: Round the number up to a multiple of this.

        Returns:
            The embeddings. `vocab_size` of the config is their number.

        Raises:
            ValueError: It is less than one, or leaves out the row of the padding (E350).
        """
        old = self.get_input_embeddings()
        count = old.num_embeddings if new_num_tokens is None else new_num_tokens
        count = -(-count // (pad_to_multiple_of or 1)) * (pad_to_multiple_of or 1)
        if count <= self.config.pad_token_id:
            raise ValueError(Errors.E350.format(count=count, least=self.config.pad_token_id + 1))
        if count == old.num_embeddings:
            return old
        new = nn.Embedding(
            count,
            old.embedding_dim,
            padding_idx=old.padding_idx,
            device=old.weight.device,
            dtype=old.weight.dtype,
        )
        init_weights(new, self.config)
        new.weight.requires_grad_(old.weight.requires_grad)
        kept = min(count, old.num_embeddings)
        with torch.no_grad():
            new.weight[:kept] = old.weight[:kept]
        self.set_input_embeddings(new)
        self._resize_head(count)
        self.config = replace(self.config, vocab_size=count)
        self.base_model.config = replace(self.base_model.config, vocab_size=count)
        return new

    def _resize_head(self, count: int) -> None:
        """Give a head another number of what it has for each row of the vocabulary."""

    def gradient_checkpointing_enable(self) -> None:
        """In training, keep only the input of every layer and compute the rest a second time.

        The gradients are the same, dropout included. About a third slower, and most of the memory
        of the activations is saved.
        """
        self.base_model.encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep everything that the backward pass needs."""
        self.base_model.encoder.gradient_checkpointing = False

    def training_step(self) -> AbstractContextManager[None]:
        """A block for a forward pass of training, or its backward pass: see `nn.training_step`."""
        return training_step(self)

    def weights_changed(self) -> None:
        """Say that weights were changed unknown to torch: see `nn.weights_changed`."""
        weights_changed(self)

    @classmethod
    def from_pretrained(
        cls: type[ModelT],
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        attention: str = "auto",
        config_overrides: Mapping[str, Any] | None = None,
        map_weights: bool = True,
        allow_non_finite: bool = False,
    ) -> ModelT:
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
        from .loading.building import (
            build_from_checkpoint,  # knows the heads, which know this class
        )

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
