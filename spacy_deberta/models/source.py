"""Initialization of a model, in a pipeline or in pretraining: a checkpoint or random weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from spacy_deberta.checkpoints import (
    CheckpointFiles,
    check_vocabulary_fits,
    find_checkpoint,
    find_vocabulary,
)
from spacy_deberta.errors import Errors
from spacy_deberta.nn import V3_LAYOUT, DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer
from spacy_deberta.typed_json import FieldError, Schema, check_fields, expected

from .base import DebertaV2PreTrainedModel

ModelT = TypeVar("ModelT", bound=DebertaV2PreTrainedModel)


@dataclass(frozen=True, kw_only=True)
class SourceSection:
    """Names of a source's settings in the user's config, for messages.

    Attributes:
        name: The section, without brackets.
        scratch: The setting there for random weights.
        sizes: The section with the fields of `DebertaV2Config`, without brackets.
    """

    name: str
    scratch: str
    sizes: str


class _SourceFields(Schema):
    name: Annotated[str | Path | None, expected("a folder or a name, or null")]
    revision: Annotated[str | None, expected("a string or null")]
    subfolder: Annotated[str | None, expected("a string or null")]
    base: Annotated[str | Path | None, expected("a folder or a name, or null")]
    vocabulary: Annotated[str | Path | None, expected("a path or null")]
    config: Annotated[Mapping[str, Any], expected("a section with fields of a config")]
    attention: Annotated[str, expected("a string")]


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """Source of a model's initial weights.

    Args:
        name: A checkpoint to load: a folder, or a name on the Hugging Face hub.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within the repository, if it is not the repository itself.
        base: The checkpoint that an adapter was made for, if it is not where its config says.
        vocabulary: Path of an `spm.model`, or of a folder with one, for random weights.
        config: Fields of `DebertaV2Config` for random weights, with the v3 checkpoints' values as
            defaults; with a checkpoint, fields to override.
        attention: Name of an attention kernel, or "auto".
        section: The section of the user's config.

    Raises:
        ValueError: A value has the wrong type (E730), or both a checkpoint and a vocabulary are
            given (E402).
    """

    name: str | Path | None = None
    revision: str | None = None
    subfolder: str | None = None
    base: str | Path | None = None
    vocabulary: str | Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    attention: str = "auto"
    section: SourceSection = field(
        default=SourceSection(name="model", scratch="'vocabulary'", sizes="model.config"),
        metadata={"in_config": False},
    )

    def __post_init__(self) -> None:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        del values["section"]
        try:
            check_fields(_SourceFields, values)
        except FieldError as error:
            raise ValueError(Errors.E730.format(section=self.section.name, error=error)) from error
        if self.name is not None and self.vocabulary is not None:
            raise ValueError(
                Errors.E402.format(
                    section=self.section.name, name=self.name, scratch=self.section.scratch
                )
            )

    def check(self) -> None:
        """Check that a checkpoint or a vocabulary is given, and that the config's fields are known.

        Raises:
            ValueError: Neither a checkpoint nor a vocabulary is given (E401), or a field of the
                config is unknown (E414).
        """
        if self.name is None and self.vocabulary is None:
            raise ValueError(
                Errors.E401.format(section=self.section.name, scratch=self.section.scratch)
            )
        known = {item.name for item in fields(DebertaV2Config)} - {"extra"} | {"model_type"}
        unknown = [name for name in self.config if name not in known]
        if unknown:
            raise ValueError(
                Errors.E414.format(section=self.section.sizes, unknown=", ".join(unknown))
            )

    @property
    def location(self) -> dict[str, Any]:
        """Where the checkpoint is, beside its name: arguments of `find_checkpoint` and the like."""
        return {"revision": self.revision, "subfolder": self.subfolder or "", "base": self.base}

    def find_files(self) -> CheckpointFiles:
        """Find the files of the checkpoint, see `find_checkpoint`."""
        assert self.name is not None
        return find_checkpoint(self.name, **self.location)

    def load_tokenizer(self, *, is_split_into_words: bool = False) -> DebertaV2Tokenizer:
        """Load the vocabulary of the checkpoint, or the given one.

        Args:
            is_split_into_words: As in `DebertaV2Tokenizer.from_directory`.

        Raises:
            OSError: It is missing, or can't be read.
            ValueError: There is no source (E401), no vocabulary for random weights (E404), or a
                field is unknown (E414).
        """
        self.check()
        if self.name is not None:
            folder = find_vocabulary(self.name, **self.location)
            return DebertaV2Tokenizer.from_directory(
                folder, is_split_into_words=is_split_into_words
            )
        if not self.vocabulary:
            raise ValueError(Errors.E404.format(section=self.section.sizes))
        path = Path(self.vocabulary)
        if path.is_dir():
            return DebertaV2Tokenizer.from_directory(path, is_split_into_words=is_split_into_words)
        return DebertaV2Tokenizer(path)

    def make_config(
        self, tokenizer: DebertaV2Tokenizer, *, multiple_of: int = 1, **changes: Any
    ) -> DebertaV2Config:
        """Make the config of a model with random weights.

        Args:
            tokenizer: Its length is the default `vocab_size`.
            multiple_of: `vocab_size` is rounded up to a multiple of this.
            changes: Fields set by the caller, over the user's.

        Raises:
            ValueError: A value is invalid (E101 to E107), or the vocabulary has more pieces than
                the model embeddings (E310).
        """
        rows = -(-len(tokenizer) // multiple_of) * multiple_of
        values = {**V3_LAYOUT, "vocab_size": rows, **self.config, **changes}
        config = DebertaV2Config.from_dict(values)
        check_vocabulary_fits(tokenizer, config)
        return config

    def load(self, model_class: type[ModelT]) -> ModelT:
        """Load the checkpoint, with config overrides.

        Args:
            model_class: The class to load. A missing head is initialized randomly.

        Raises:
            ValueError: A field is unknown (E414), or as `from_pretrained`.
        """
        self.check()
        assert self.name is not None
        return model_class.from_pretrained(
            self.name,
            **self.location,
            attention=self.attention,
            config_overrides=self.config,
        )
