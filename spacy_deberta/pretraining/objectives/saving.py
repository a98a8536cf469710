"""Save pretrained models as ordinary checkpoints."""

from pathlib import Path
from typing import Protocol

from torch import nn

from spacy_deberta.checkpoints import save_checkpoint
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .shared_embeddings import whole_weights


class Pretrained(Protocol):
    """A model with a config."""

    config: DebertaV2Config


def save_model(
    folder: Path, model: nn.Module, tokenizer: DebertaV2Tokenizer, *, precision: str = "fp32"
) -> None:
    """Write a model with its vocabulary: see `save_checkpoint`.

    Args:
        folder: Where to write; existing files are replaced only after everything is written.
        model: A class of `spacy_deberta.models`; shared embeddings are written as whole tables.
        tokenizer: Its vocabulary.
        precision: How the weights are stored: "fp32", "fp16" or "bf16".
    """
    config: DebertaV2Config = model.config  # type: ignore[assignment]
    save_checkpoint(
        folder,
        config={**config.to_dict(), "architectures": [type(model).__name__]},
        weights=whole_weights(model),
        tokenizer=tokenizer,
        precision=precision,
    )
