"""The tokenizer on Hugging Face's tokenizers library, whatever the vocabulary."""

from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.files import recover

from .engines import SENTENCEPIECE_FILE, convert_sentencepiece, naming_file, read_vocabulary
from .files import VOCABULARY_FILES
from .folder import pipeline_file, read_folder
from .tokenizer import DebertaV2Tokenizer


class DebertaV2TokenizerFast(DebertaV2Tokenizer):
    """The tokenizer of DeBERTa-v2 and v3 on Hugging Face's tokenizers library.

    A `tokenizer.json` or `vocab.txt` is used as it is. An `spm.model` is converted with its map of
    characters and with bytes for characters without a piece, so that ids are those of
    SentencePiece; see `convert_sentencepiece` for the rare texts where they are not. Saved, it is a
    `tokenizer.json` that `AutoTokenizer` of transformers 4 and 5 uses as it is.

    Args:
        vocab_file: Path of an `spm.model`, `tokenizer.json` or `vocab.txt`.
        tokenizer_file: Path of a `tokenizer.json`, instead; Hugging Face's name of the argument.
        model_proto: The bytes of an `spm.model`, instead.
        options: As for `DebertaV2Tokenizer`.

    Raises:
        ValueError: As `DebertaV2Tokenizer`.
    """

    def __init__(
        self,
        vocab_file: str | PathLike[str] | None = None,
        *,
        tokenizer_file: str | PathLike[str] | None = None,
        model_proto: bytes | None = None,
        **options: Any,
    ) -> None:
        given = (vocab_file, tokenizer_file, model_proto, options.get("pipeline"))
        if sum(item is not None for item in given) != 1:
            raise ValueError(Errors.E203)
        ends = ("cls_token", "sep_token")
        changes = {name: options.get(name, False) for name in ("do_lower_case", "split_by_punct")}
        path = vocab_file if tokenizer_file is None else tokenizer_file
        if path is not None:
            lower = changes["do_lower_case"]
            with naming_file(Path(path)):
                model_proto, options["pipeline"] = read_vocabulary(
                    Path(path), do_lower_case=lower, **_given(options, "unk_token", *ends)
                )
        if model_proto is not None:
            changes |= _given(options, *ends)
            options["pipeline"] = convert_sentencepiece(model_proto, **changes)
        with nullcontext() if path is None else naming_file(Path(path)):
            super().__init__(**options)

    @classmethod
    def from_directory(
        cls,
        path: str | PathLike[str],
        *,
        tokenizer: str | None = None,
        unknown_characters: str | None = None,
        is_split_into_words: bool = False,
        threads: int | None = None,
    ) -> "DebertaV2TokenizerFast":
        """Read the folder of a tokenizer or of a whole checkpoint.

        Args:
            path: A folder with `tokenizer.json` or `vocab.txt`, or with `spm.model`, which is
                converted if there is neither.
            tokenizer: "sentencepiece" to convert the `spm.model` of a folder that has both.
            unknown_characters: "bytes" or "unk", as in the constructor; None for what the folder
                says.
            is_split_into_words: As in `DebertaV2Tokenizer.from_directory`.
            threads: 1 for a single thread.

        Returns:
            The tokenizer.

        Raises:
            ValueError: As `DebertaV2Tokenizer.from_directory`.
        """
        folder = Path(path)
        recover(folder)
        if tokenizer is None and [p.name for p in _vocabularies(folder)] != [SENTENCEPIECE_FILE]:
            tokenizer = "tokenizers"
        with naming_file(pipeline_file(folder)):
            options = read_folder(
                folder,
                engine=tokenizer,
                unknown_characters=unknown_characters,
                is_split_into_words=is_split_into_words,
            )
            return cls(threads=threads, **options)


def _given(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


def _vocabularies(folder: Path) -> list[Path]:
    return [folder / name for name in VOCABULARY_FILES if (folder / name).is_file()]
