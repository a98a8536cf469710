"""What stands around texts, for readers of a `tokenizer.json` other than this package."""

from collections.abc import Mapping
from typing import Any


def make_template(vocab: Mapping[str, int]) -> dict[str, Any] | None:
    """Describe `[CLS] first [SEP] second [SEP]` to the tokenizers library.

    Args:
        vocab: The id of every piece.

    Returns:
        A post-processor of `tokenizer.json`; None for a vocabulary without these tokens.
    """
    if not {"[CLS]", "[SEP]"} <= vocab.keys():
        return None

    def special(token: str, text: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": text}}

    def text(name: str, text: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": text}}

    first = [special("[CLS]", 0), text("A", 0), special("[SEP]", 0)]
    return {
        "type": "TemplateProcessing",
        "single": first,
        "pair": [*first, text("B", 1), special("[SEP]", 1)],
        "special_tokens": {
            token: {"id": token, "ids": [vocab[token]], "tokens": [token]}
            for token in ("[CLS]", "[SEP]")
        },
    }
