"""The post-processor of `tokenizer.json`, for other libraries that read the file."""

from collections.abc import Mapping
from typing import Any


def make_template(
    vocab: Mapping[str, int], *, cls_token: str = "[CLS]", sep_token: str = "[SEP]"
) -> dict[str, Any] | None:
    """Make the template `[CLS] first [SEP] second [SEP]`.

    Args:
        vocab: The id of each piece.
        cls_token: The token before the first text.
        sep_token: The token after each text.

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
