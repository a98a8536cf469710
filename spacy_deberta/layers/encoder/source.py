"""The source of a component's encoder when a model is initialized."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_deberta.errors import check_flag
from spacy_deberta.models import ModelSource, SourceSection
from spacy_deberta.tokenization import check_engine, check_unknown_characters


@dataclass(frozen=True, kw_only=True)
class EncoderSource:
    """Source of weights and vocabulary, in the settings of an architecture.

    Attributes:
        name: Folder or hub name of a checkpoint.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within the repository, if it is not the repository itself.
        base: The checkpoint that an adapter was made for, if it is not where its config says.
        from_scratch: `vocabulary`, the path of a SentencePiece model, and fields of
            `DebertaV2Config`, for random weights instead of a checkpoint.
        split_special_tokens: Whether special tokens that were added to the vocabulary are split as
            text; None for the checkpoint's choice.
        tokenizer: "sentencepiece" or "tokenizers", see `DebertaV2Tokenizer.from_directory`; None
            for the one that the checkpoint was trained with.
        unknown_characters: "bytes" or "unk", see `DebertaV2Tokenizer`; None for the checkpoint's
            choice.
        is_split_into_words: Whether each token of a document is split into pieces on its own.

    Raises:
        ValueError: There is no such tokenizer (E234) or value of `unknown_characters` (E207), or
            a flag is not a boolean (E413).
    """

    name: str | None = None
    revision: str | None = None
    subfolder: str | None = None
    base: str | None = None
    from_scratch: Mapping[str, Any] | None = None
    split_special_tokens: bool | None = None
    tokenizer: str | None = None
    unknown_characters: str | None = None
    is_split_into_words: bool = False

    def __post_init__(self) -> None:
        check_engine(self.tokenizer)
        check_unknown_characters(self.unknown_characters)
        check_flag("is_split_into_words", self.is_split_into_words)
        check_flag("split_special_tokens", self.split_special_tokens, optional=True)

    def model_source(self, component: str) -> ModelSource:
        """The source with the config section of a component.

        Args:
            component: Its name, for messages.

        Raises:
            ValueError: Both a checkpoint and `from_scratch` are given (E402).
        """
        sizes = dict(self.from_scratch or {})
        # Without a vocabulary, from_scratch is still the user's choice.
        vocabulary = sizes.pop("vocabulary", None) or "" if sizes else None
        section = f"components.{component}.model"
        return ModelSource(
            name=self.name or None,
            revision=self.revision,
            subfolder=self.subfolder or None,
            base=self.base or None,
            vocabulary=vocabulary,
            config=sizes,
            section=SourceSection(
                name=section, scratch="'from_scratch'", sizes=f"{section}.from_scratch"
            ),
        )
