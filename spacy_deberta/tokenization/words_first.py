"""Warnings for tokenizers that split texts into words before their vocabulary does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Warnings, warn
from spacy_deberta.typed_json import shorten, show

# Classes of Hugging Face that take whole texts: their vocabulary files say all that they do.
# BertJapaneseTokenizer has `word_tokenizer_type`, which is looked at.
_KNOWN = {
    *("TokenizersBackend", "SentencePieceBackend", "BertJapaneseTokenizer"),
    *(
        f"{name}Tokenizer{suffix}"
        for name in (
            *("DebertaV2", "Deberta", "PreTrained", "Bert", "Electra", "Albert", "XLMRoberta"),
            *("Camembert", "T5", "Llama", "Roberta"),
        )
        for suffix in ("", "Fast")
    ),
}


def warn_of_words(folder: Path, config: Mapping[str, Any]) -> None:
    """Issue one warning if a tokenizer splits texts in another way than its vocabulary.

    Args:
        folder: The folder of the tokenizer, for the message.
        config: The content of its `tokenizer_config.json`, checked by `read_options`.
    """
    name, code = config.get("tokenizer_class"), config.get("auto_map")
    if words := _find_words(config):
        warn(Warnings.W204.format(path=folder, reason=f"splits texts into words first ({words})"))
    elif isinstance(code, Mapping) and code:
        classes = ", ".join(map(shorten, map(str, code)))
        warn(Warnings.W305.format(path=folder, classes=classes))
    elif name and name not in _KNOWN:
        reason = f"is of an unknown class ({show(name)}), which may split texts into words first"
        warn(Warnings.W204.format(path=folder, reason=reason))


def _find_words(config: Mapping[str, Any]) -> str | None:
    """The field of a config that asks for words, with its value."""
    kind = config.get("word_tokenizer_type")
    if kind not in (None, "", "basic") and config.get("do_word_tokenize") is not False:
        return f"word_tokenizer_type: {show(kind)}"
    for field in ("tokenizer_class", "auto_map"):
        if "jumanpp" in str(config.get(field)).lower():
            return f"{field}: {show(config[field])}"
    return None
