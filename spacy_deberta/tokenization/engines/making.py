"""Makes the engine of a vocabulary file."""

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
        controls: Control tokens of the model. Their strings in texts are tokenized as plain text.
        do_lower_case: Whether texts are lowercased before SentencePiece. A `tokenizer.json` has its
            own setting.
        split_by_punct: Whether each punctuation character is a separate word. Same.
        unknown_characters: "bytes" or "unk"; None for the vocabulary's setting.
        threads: Maximum number of native threads; None for one for each core.

    Returns:
        The engine.

    Raises:
        ValueError: There is neither file (E203), the file is damaged (E202, E220, E221, E232, E233)
            or has no byte pieces (E237), or `threads` is not a whole number (E231).
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


def read_vocabulary(
    path: Path,
    *,
    do_lower_case: bool,
    unk_token: str = "[UNK]",
    cls_token: str = "[CLS]",
    sep_token: str = "[SEP]",
) -> tuple[bytes | None, bytes | None]:
    """Read a vocabulary file.

    Args:
        path: An `spm.model` of any name, a `*.json` of the tokenizers library, or a `*.txt` with
            one WordPiece piece a line.
        do_lower_case: Whether WordPiece lowercases texts.
        unk_token: The unknown piece of WordPiece.
        cls_token: The token before the first text.
        sep_token: The token after each text.

    Returns:
        The contents of an `spm.model` and of a `tokenizer.json`, one of them None; unchecked.

    Raises:
        ValueError: The file does not exist (E201), or has no pieces (E232).
    """
    if not path.is_file():
        raise ValueError(Errors.E201.format(path=path))
    content = path.read_bytes()
    if path.suffix == ".txt":
        return None, make_wordpiece(
            content,
            do_lower_case=do_lower_case,
            unk_token=unk_token,
            cls_token=cls_token,
            sep_token=sep_token,
        )
    return (None, content) if path.suffix == ".json" else (content, None)
