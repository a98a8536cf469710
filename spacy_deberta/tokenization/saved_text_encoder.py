"""A vocabulary that cuts texts, and how it is written: into a folder, and as bytes."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors, check_path
from spacy_deberta.files import staged_folder, write_atomically

from .engines import Engine, EngineName, SentencePieceEngine, UnknownCharacters
from .files import TOKENIZER_FILES, write_config, write_options
from .serialization import serialize
from .special_tokens import TokenTable, special_contents
from .text_encoder import TextEncoder


class SavedTextEncoder(TextEncoder):
    """A text encoder with the options that it was made with, which are saved with it.

    Args:
        engine: The vocabulary and what applies it.
        table: The tokens beside its pieces.
        tokenizer_config: As for `DebertaV2Tokenizer`, like all below.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether every punctuation character is a word of its own.
        unknown_characters: What characters without a piece become; None for what the vocabulary
            says.
        split_special_tokens: Whether special ones of the added tokens are read as text.
        model_max_length: Maximum number of pieces of the model.
        threads: Maximum number of native threads for a batch.
    """

    def __init__(
        self,
        engine: Engine,
        table: TokenTable,
        *,
        tokenizer_config: Mapping[str, Any] | None,
        do_lower_case: bool,
        split_by_punct: bool,
        unknown_characters: UnknownCharacters | None,
        split_special_tokens: bool,
        model_max_length: int | None,
        threads: int | None,
    ) -> None:
        super().__init__(
            engine,
            table,
            split_special_tokens=split_special_tokens,
            model_max_length=model_max_length,
        )
        self.tokenizer_config = tokenizer_config
        self.do_lower_case = do_lower_case
        self.split_by_punct = split_by_punct
        self.threads = threads
        self._unknown_characters = unknown_characters

    @property
    def engine(self) -> EngineName:
        """Which library cuts the texts: "sentencepiece" or "tokenizers"."""
        return self._engine.name

    @property
    def unknown_characters(self) -> UnknownCharacters:
        """What characters without a piece become: "bytes", or "unk" for a run of them."""
        return self._engine.unknown_characters

    @property
    def model_proto(self) -> bytes:
        """The bytes of the `spm.model`.

        Raises:
            ValueError: The vocabulary is not one of SentencePiece (E236).
        """
        if not isinstance(self._engine, SentencePieceEngine):
            raise ValueError(Errors.E236)
        return self._engine.model_proto

    def save_pretrained(
        self, path: str | PathLike[str], *, tokenizer_json: bool = True
    ) -> list[Path]:
        """Write a folder that `from_directory` and Hugging Face open.

        Args:
            path: The folder; created if it does not exist. An existing tokenizer is replaced once
                everything is written.
            tokenizer_json: Whether a `tokenizer.json` is written beside an `spm.model`, so that
                Hugging Face's fast tokenizers have the same ids. It is twice as large.

        Returns:
            The files.

        Raises:
            OSError: The path is a file (E312), or can't be written to.
        """
        check_path("path", path)
        folder = Path(path)
        names = list(self._engine.vocabulary_files())
        with staged_folder(folder, replaces=TOKENIZER_FILES, last=names) as staging:
            vocabulary = self.save_vocabulary(staging)
            if self.engine == "sentencepiece":
                options = self._options()
                converted = self._convert() if tokenizer_json else None
                others = write_options(staging, options, self._table, converted=converted)
            else:
                config = {**(self.tokenizer_config or {}), **self._settings()}
                others = [write_config(staging, config, self._table, self._engine.added_tokens)]
        return [folder / file.name for file in (vocabulary, *others)]

    def save_vocabulary(
        self, directory: str | PathLike[str], filename_prefix: str | None = None
    ) -> Path:
        """Write the vocabulary alone, byte for byte.

        Args:
            directory: A folder; created if it does not exist.
            filename_prefix: Prefix of the file name, followed by a hyphen.

        Returns:
            The file. An existing file is replaced once everything is written.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        ((name, content),) = self._engine.vocabulary_files().items()
        file = folder / (f"{filename_prefix}-{name}" if filename_prefix else name)
        write_atomically(file, content)
        return file

    def to_bytes(self) -> bytes:
        """Serialize the tokenizer.

        Returns:
            A line of JSON, then the file of the vocabulary.
        """
        added = [token for _, token in sorted(self._table.by_id.items())]
        options = {**self._options(), **self._table.roles}
        if self._table.special != {token.content for token in added if token.special}:
            options["additional_special_tokens"] = special_contents(self._table)
        if self.engine == "tokenizers":
            options |= {"engine": self.engine, "tokenizer_config": self.tokenizer_config}
        ((_, content),) = self._engine.vocabulary_files().items()
        return serialize(options, added, content)

    def _convert(self) -> bytes | None:
        engine = self._engine
        return engine.convert(self._table) if isinstance(engine, SentencePieceEngine) else None

    def _options(self) -> dict[str, Any]:
        changes = {"do_lower_case": self.do_lower_case, "split_by_punct": self.split_by_punct}
        return {**changes, **self._settings()}

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if self._unknown_characters is not None:
            settings["unknown_characters"] = self._unknown_characters
        if self.split_special_tokens or "split_special_tokens" in (self.tokenizer_config or {}):
            settings["split_special_tokens"] = self.split_special_tokens
        if self.model_max_length is not None:
            settings["model_max_length"] = self.model_max_length
        return settings
