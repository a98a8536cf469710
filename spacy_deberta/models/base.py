"""The base of all models, as Hugging Face has one."""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from torch import nn

from spacy_deberta.checkpoints import (
    MAX_SHARD_BYTES,
    find_checkpoint,
    override_config,
    read_config,
    save_checkpoint,
)
from spacy_deberta.nn import (
    DebertaV2Config,
    init_weights,
    set_dropout,
    training_step,
    weights_changed,
)

from .loading.building import ModuleT, build_from_checkpoint


class DebertaV2PreTrainedModel(nn.Module):
    """What the encoder and all heads have in common: they come from a checkpoint, and go to one.

    Args:
        config: What the model is made of.

    Source: The names and arguments of Hugging Face's base class.
    """

    # Whether a forward pass reads the whole table of word embeddings, and not just some rows.
    reads_all_embeddings: ClassVar[bool] = False

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

    def training_step(self) -> AbstractContextManager[None]:
        """A block for a forward pass of training, or its backward pass: see `nn.training_step`."""
        return training_step(self)

    def weights_changed(self) -> None:
        """Say that weights were changed unknown to torch: see `nn.weights_changed`."""
        weights_changed(self)

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
