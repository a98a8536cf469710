"""Converts a WordPiece `vocab.txt` to `tokenizer.json`, equivalent to BertTokenizer."""

import json
from typing import Any

from .template import make_template
from .unreadable import UnreadableVocabularyError

WORDPIECE_FILE = "vocab.txt"


def make_wordpiece(
    content: bytes,
    *,
    do_lower_case: bool = True,
    strip_accents: bool | None = None,
    tokenize_chinese_chars: bool = True,
    unk_token: str = "[UNK]",
    cls_token: str = "[CLS]",
    sep_token: str = "[SEP]",
) -> bytes:
    """Convert a `vocab.txt` to a `tokenizer.json`.

    Args:
        content: Content of the file: one piece a line, in the order of their ids.
        do_lower_case: Whether texts are lowercased.
        strip_accents: Whether accents are removed; None for the value of `do_lower_case`.
        tokenize_chinese_chars: Whether each Chinese character is a separate word.
        unk_token: The unknown piece.
        cls_token: The token before the first text.
        sep_token: The token after each text.

    Returns:
        The `tokenizer.json`, without added tokens: the special tokens are in the vocabulary.

    Raises:
        ValueError: The file is not UTF-8, or empty (E232).

    Source: Devlin et al. 2018 (arXiv 1810.04805); the defaults of Hugging Face's `BertTokenizer`.
    """
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UnreadableVocabularyError(error) from error
    pieces = [line.removesuffix("\r") for line in lines]
    while pieces and not pieces[-1]:
        pieces.pop()
    vocab = {piece: i for i, piece in enumerate(pieces)}
    values: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": tokenize_chinese_chars,
            "strip_accents": strip_accents,
            "lowercase": do_lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": make_template(vocab, cls_token=cls_token, sep_token=sep_token),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": unk_token,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocab,
        },
    }
    return json.dumps(values, ensure_ascii=False).encode("utf8")
