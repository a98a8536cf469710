"""The folder of a tokenizer: which of its vocabularies is used."""

from pathlib import Path
from typing import Any, get_args

from spacy_deberta.errors import Errors, Warnings, warn

from .differences import find_differences
from .engines import (
    PIPELINE_FILE,
    SENTENCEPIECE_FILE,
    WORDPIECE_FILE,
    EngineName,
    make_wordpiece,
)
from .files import VOCABULARY_FILES, is_converted, read_options, read_raw_config
from .special_tokens import SPECIAL_TOKENS
from .words_first import warn_of_words

_FILES: dict[EngineName, tuple[str, ...]] = {
    "sentencepiece": (SENTENCEPIECE_FILE,),
    "tokenizers": (PIPELINE_FILE, WORDPIECE_FILE),
}


def read_folder(
    folder: Path,
    *,
    engine: str | None = None,
    unknown_characters: str | None = None,
    is_split_into_words: bool = False,
) -> dict[str, Any]:
    """Read the folder of a tokenizer.

    Args:
        folder: A folder with one of `VOCABULARY_FILES`, or several.
        engine: "sentencepiece" or "tokenizers"; None for what the checkpoint was trained with.
        unknown_characters: "bytes" or "unk"; None for what the files say.
        is_split_into_words: Whether the caller splits texts into words.

    Returns:
        Arguments of `DebertaV2Tokenizer`.

    Raises:
        ValueError: The folder has no such vocabulary (E212, E235), there is no such engine (E234),
            or a file is damaged (E213, E230, E232).
    """
    check_engine(engine)
    present = [name for name in VOCABULARY_FILES if (folder / name).is_file()]
    if not present:
        found = sorted(p.name for p in folder.iterdir())[:20] if folder.is_dir() else "nothing"
        raise ValueError(Errors.E212.format(path=folder, found=found))
    options = read_options(folder)
    if unknown_characters is not None:
        options["unknown_characters"] = unknown_characters
    if not is_split_into_words:
        warn_of_words(folder, read_raw_config(folder) or {})
    if engine is None:
        engine = _choose(folder, present, options)
    of_engine = [name for name in present if name in _FILES[engine]]  # type: ignore[index]
    if not of_engine:
        raise ValueError(Errors.E235.format(path=folder, engine=engine, found=", ".join(present)))
    content = (folder / of_engine[0]).read_bytes()
    if engine == "sentencepiece":
        return {**options, "model_proto": content}
    config = read_raw_config(folder)
    if of_engine[0] == WORDPIECE_FILE:
        content = _make_wordpiece(content, options, config or {})
    if config is None:
        # Without a list, the flags in tokenizer.json mark the special tokens.
        options["additional_special_tokens"] = None
    return {**options, "pipeline": content, "tokenizer_config": config}


def pipeline_file(folder: Path) -> Path:
    """The file of the tokenizers library in a folder, where there is one."""
    path = folder / PIPELINE_FILE
    return path if path.is_file() else folder / WORDPIECE_FILE


def check_engine(engine: object) -> None:
    """Check the name of an engine.

    Raises:
        ValueError: There is no such engine (E234).
    """
    if engine is not None and engine not in get_args(EngineName):
        known = " or ".join(f'"{name}"' for name in get_args(EngineName))
        raise ValueError(Errors.E234.format(engine=engine, known=known))


def _choose(folder: Path, present: list[str], options: dict[str, Any]) -> EngineName:
    """The engine that a checkpoint was trained with.

    Hugging Face's fast tokenizer saves a `tokenizer.json`, with or without an `spm.model`, and
    `AutoTokenizer` prefers it; the slow tokenizer and Microsoft's code save none.
    """
    if SENTENCEPIECE_FILE not in present:
        return "tokenizers"
    if PIPELINE_FILE not in present:
        return "sentencepiece"
    if is_converted(folder):
        return "sentencepiece"
    differences = find_differences(
        (folder / SENTENCEPIECE_FILE).read_bytes(),
        (folder / PIPELINE_FILE).read_bytes(),
        options,
    )
    if not differences:
        return "sentencepiece"
    warn(Warnings.W202.format(path=folder, differences="; ".join(differences)))
    return "tokenizers"


def _make_wordpiece(content: bytes, options: dict[str, Any], config: dict[str, Any]) -> bytes:
    chinese = config.get("tokenize_chinese_chars")
    return make_wordpiece(
        content,
        do_lower_case=options.get("do_lower_case", True),
        strip_accents=config.get("strip_accents"),
        tokenize_chinese_chars=True if chinese is None else chinese,
        **{r: options.get(r, SPECIAL_TOKENS[r]) for r in ("unk_token", "cls_token", "sep_token")},
    )
