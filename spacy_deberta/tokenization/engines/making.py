"""The engine for the file of a vocabulary."""

from collections.abc import Collection
from pathlib import Path

from spacy_deberta.errors import Errors

from .engine import Engine
from .huggingface import TokenizersEngine
from .sentencepiece import SentencePieceEngine
from .unknown import UnknownCharacters, check_unknown_characters
from .wordpiece import make_wordpiece


def make_engine(
    model_proto: bytes | None,
    pipeline: bytes | None,
    *,
    controls: Collection[str],
    do_lower_case: bool,
    split_by_punct: bool,
    unknown_characters: UnknownCharacters | None,
    threads: int | None,
) -> Engine:
    """Make an engine from one of two files.

    Args:
        model_proto: An `spm.model`.
        pipeline: A `tokenizer.json`.
        controls: Control tokens of the model, which are text in a text.
        do_lower_case: Whether texts are lowercased before SentencePiece; a pipeline says so itself.
        split_by_punct: Whether every punctuation character is a word of its own, likewise.
        unknown_characters: "bytes" or "unk"; None for what the vocabulary says.
        threads: Maximum number of native threads; None for one on each core.

    Returns:
        The engine.

    Raises:
        ValueError: There is neither (E203), it is damaged (E202, E220, E221, E232, E233) or has no
            bytes (E237), or `threads` is no whole number (E231).
    """
    check_unknown_characters(unknown_characters)
    if pipeline is not None:
        return TokenizersEngine(
            pipeline, controls=controls, unknown_characters=unknown_characters, threads=threads
        )
    if model_proto is None:
        raise ValueError(Errors.E203)
    return SentencePieceEngine(
        model_proto,
        do_lower_case=do_lower_case,
        split_by_punct=split_by_punct,
        unknown_characters=unknown_characters,
        threads=threads,
    )


def read_vocabulary(path: Path, *, do_lower_case: bool) -> tuple[bytes | None, bytes | None]:
    """Read the file of a vocabulary.

    Args:
        path: An `spm.model` of any name, a `*.json` as the tokenizers library writes it, or a
            `*.txt` with one piece of WordPiece a line.
        do_lower_case: Whether WordPiece lowercases texts.

    Returns:
        An `spm.model` and a `tokenizer.json`, one of them None; unchecked.

    Raises:
        ValueError: There is no such file (E201), or no piece in it (E232).
    """
    if not path.is_file():
        raise ValueError(Errors.E201.format(path=path))
    content = path.read_bytes()
    if path.suffix == ".txt":
        return None, make_wordpiece(content, do_lower_case=do_lower_case)
    return (None, content) if path.suffix == ".json" else (content, None)
