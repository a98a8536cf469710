"""What stands around texts, for readers of a `tokenizer.json` other than this package."""

from collections.abc import Mapping
from typing import Any


def make_template(
    vocab: Mapping[str, int], *, cls_token: str = "[CLS]", sep_token: str = "[SEP]"
) -> dict[str, Any] | None:
    """Describe `[CLS] first [SEP] second [SEP]` to the tokenizers library.

    Args:
        vocab: The id of every piece.
        cls_token: The token before the first text.
        sep_token: The token after every text.

    Returns:
        A post-processor of `tokenizer.json`; None for a vocabulary without these tokens.
    """
    if not {cls_token, sep_token} <= vocab.keys():
        return None

    def special(token: str, text: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": text}}

    def text(name: str, text: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": text}}

    first = [special(cls_token, 0), text("A", 0), special(sep_token, 0)]
    return {
        "type": "TemplateProcessing",
        "single": first,
        "pair": [*first, text("B", 1), special(sep_token, 1)],
        "special_tokens": {
            token: {"id": token, "ids": [vocab[token]], "tokens": [token]}
            for token in (cls_token, sep_token)
        },
    }
