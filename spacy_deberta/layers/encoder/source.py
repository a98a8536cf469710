"""Where an encoder comes from when a model is initialized."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_deberta.errors import Errors


@dataclass(frozen=True, kw_only=True)
class EncoderSource:
    """Where weights and vocabulary come from when the model is initialized.

    Attributes:
        name: Folder or hub name of a checkpoint.
        revision: Branch, tag or commit on the hub.
        from_scratch: `vocabulary`, the path of a SentencePiece model, and fields of
            `DebertaV2Config`, for random weights instead of a checkpoint.
        split_special_tokens: Whether special tokens that were added to the vocabulary are text in a
            document; None leaves it to the checkpoint.
    """

    name: str | None = None
    revision: str | None = None
    from_scratch: Mapping[str, Any] | None = None
    split_special_tokens: bool | None = None

    def __post_init__(self) -> None:
        if self.name and self.from_scratch:
            raise ValueError(Errors.E402.format(name=self.name))
