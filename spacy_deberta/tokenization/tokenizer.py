"""The tokenizer: text to pieces with offsets, ids to text, model inputs, folders and bytes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors, check_list, check_texts
from spacy_deberta.files import recover, staged_folder, write_whole

from .batching import Layout, lay_out, padding_strategy, to_tensors, truncation_strategy
from .engines import EngineName, SentencePieceEngine, make_engine, read_vocabulary
from .files import TOKENIZER_FILES, write_config, write_options
from .folder import read_folder
from .pieces import Pieces
from .serialization import deserialize, serialize
from .special_tokens import (
    SPECIAL_TOKENS,
    AddedToken,
    TokenTable,
    content_of,
    make_table,
    special_contents,
)
from .vocabulary import Vocabulary


class DebertaV2Tokenizer(Vocabulary):
    """The tokenizer of DeBERTa-v2 and v3.

    Ids are those of Hugging Face's tokenizer of the same files: with `spm.model` those of the slow
    one, so that characters that the vocabulary lacks are spelled in bytes, as in the training of
    the models, and are not `[UNK]`; with `tokenizer.json` those of the fast one. Unlike there,
    `[SEP]` in a document is text by default, and pieces have exact character offsets. Tokens that
    were added to the vocabulary, such as "[E1]", are found in documents, as there.

    A tokenizer is immutable and thread-safe.

    Args:
        vocab_file: Path of an `spm.model`, `tokenizer.json` or `vocab.txt` (WordPiece).
        model_proto: The bytes of an `spm.model`, instead of its path.
        pipeline: The bytes of a `tokenizer.json`, instead of its path.
        tokenizer_config: The content of the `tokenizer_config.json` beside a `tokenizer.json`, to
            be saved with it.
        do_lower_case: Whether texts are lowercased. A `tokenizer.json` says so itself.
        split_by_punct: Whether every punctuation character is a word of its own. A `tokenizer.json`
            says so itself.
        bos_token: Not used by DeBERTa; the same as `cls_token`.
        eos_token: Not used by DeBERTa; the same as `sep_token`.
        unk_token: For characters that can't be spelled, if the vocabulary has no bytes.
        sep_token: Separator, after every text.
        pad_token: Padding of a batch.
        cls_token: Before the first text.
        mask_token: For masked pieces; added if the vocabulary lacks it.
        added_tokens: Further tokens, each of which is one piece anywhere in a text; or the ids and
            flags of those above, which are text.
        additional_special_tokens: Which of `added_tokens` are left out by `skip_special_tokens`;
            None for those that are special.
        split_special_tokens: Whether special ones of `added_tokens` are read as text, too.
        model_max_length: Maximum number of pieces of the model; the default of `max_length`.
        threads: Maximum number of native threads for a batch; None for one on each core.

    Raises:
        ValueError: There is no vocabulary, it is damaged, or it lacks a token (E201 to E204, E218,
            E232, E233), or `threads` is not a whole number (E231).

    Source: Kudo 2018 (arXiv 1804.10959), the unigram model; He et al. 2021 (arXiv 2111.09543).
    """

    def __init__(
        self,
        vocab_file: str | PathLike[str] | None = None,
        *,
        model_proto: bytes | None = None,
        pipeline: bytes | None = None,
        tokenizer_config: Mapping[str, Any] | None = None,
        do_lower_case: bool = False,
        split_by_punct: bool = False,
        bos_token: str = SPECIAL_TOKENS["bos_token"],
        eos_token: str = SPECIAL_TOKENS["eos_token"],
        unk_token: str = SPECIAL_TOKENS["unk_token"],
        sep_token: str = SPECIAL_TOKENS["sep_token"],
        pad_token: str = SPECIAL_TOKENS["pad_token"],
        cls_token: str = SPECIAL_TOKENS["cls_token"],
        mask_token: str = SPECIAL_TOKENS["mask_token"],
        added_tokens: Iterable[AddedToken | str] = (),
        additional_special_tokens: Collection[str] | None = None,
        split_special_tokens: bool = False,
        model_max_length: int | None = None,
        threads: int | None = None,
    ) -> None:
        if sum(given is not None for given in (vocab_file, model_proto, pipeline)) != 1:
            raise ValueError(Errors.E203)
        if vocab_file is not None:
            lower = do_lower_case
            model_proto, pipeline = read_vocabulary(Path(vocab_file), do_lower_case=lower)
        roles = {
            "bos_token": bos_token,
            "eos_token": eos_token,
            "unk_token": unk_token,
            "sep_token": sep_token,
            "pad_token": pad_token,
            "cls_token": cls_token,
            "mask_token": mask_token,
        }
        engine = make_engine(
            model_proto,
            pipeline,
            controls={*roles.values(), *SPECIAL_TOKENS.values()},
            do_lower_case=do_lower_case,
            split_by_punct=split_by_punct,
            threads=threads,
        )
        own = {token.content for token in engine.added_tokens}
        further = [t for t in check_list("added_tokens", added_tokens) if content_of(t) not in own]
        table = make_table(
            engine,
            roles,
            [*engine.added_tokens, *further],
            do_lower_case=do_lower_case and engine.name == "sentencepiece",
            additional_special_tokens=additional_special_tokens,
        )
        super().__init__(engine, table)
        self.tokenizer_config = tokenizer_config
        self.do_lower_case = do_lower_case
        self.split_by_punct = split_by_punct
        self.split_special_tokens = split_special_tokens
        self._found = [
            token.content
            for token in self.added_tokens.values()
            if not (split_special_tokens and token.special)
        ]
        self._found_table = table.only(self._found) if self._found else None
        self.model_max_length = model_max_length
        self.threads = threads

    @property
    def engine(self) -> EngineName:
        """Which library cuts the texts: "sentencepiece" or "tokenizers"."""
        return self._engine.name

    @property
    def model_proto(self) -> bytes:
        """The bytes of the `spm.model`.

        Raises:
            ValueError: The vocabulary is not one of SentencePiece (E236).
        """
        if not isinstance(self._engine, SentencePieceEngine):
            raise ValueError(Errors.E236)
        return self._engine.model_proto

    def encode_batch(
        self, texts: Sequence[str], *, special_tokens_in_text: bool | Collection[str] = False
    ) -> Pieces:
        """Cut texts into pieces, in one call of the engine.

        Args:
            texts: Any strings. Lone surrogates are read as the replacement character.
            special_tokens_in_text: Whether "[SEP]" and other special tokens within a text are
                tokens, as in Hugging Face; or which of them are. By default they are text, so that
                a document cannot inject them. Added tokens are always found, except those that
                `split_special_tokens` reads as text.

        Returns:
            The pieces of all texts with their character offsets, without special tokens.

        Raises:
            ValueError: `texts` is not a list of strings.
        """
        check_texts(texts)
        return self._engine.encode(list(texts), self._tokens_in_text(special_tokens_in_text))

    def encode_ids(self, texts: Sequence[str], *, threads: int | None = None) -> tuple[Ints, Ints]:
        """Cut texts into pieces without offsets, which is several times as fast.

        Args:
            texts: As in `encode_batch`.
            threads: Number of native threads; None for the tokenizer's number.

        Returns:
            `ids` and `cu_pieces` as in `Pieces`.

        Raises:
            ValueError: `texts` is not a list of strings.
        """
        check_texts(texts)
        return self._engine.encode_ids(list(texts), self._found_table, threads=threads)

    def __call__(
        self,
        text: str | Sequence[str],
        text_pair: str | Sequence[str] | None = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        return_token_type_ids: bool = True,
        return_attention_mask: bool = True,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_tensors: str | None = None,
        special_tokens_in_text: bool = False,
    ) -> dict[str, Any]:
        """Make model inputs, with the arguments of Hugging Face.

        Args:
            text: A text or a list of texts.
            text_pair: The second text of each pair.
            add_special_tokens: Whether to make `[CLS] text [SEP]`, for pairs
                `[CLS] text [SEP] pair [SEP]`.
            padding: True or "longest", "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False.
            max_length: Maximum number of pieces of a row, special tokens included.
            return_token_type_ids: Whether to return the text of a pair that a piece belongs to.
            return_attention_mask: Whether to return 1 for pieces and 0 for padding.
            return_special_tokens_mask: Whether to return 1 for special tokens and padding.
            return_offsets_mapping: Whether to return `(start, end)` of every piece, in characters
                of its own text.
            return_tensors: "np", "pt", or None for lists.
            special_tokens_in_text: As in `encode_batch`.

        Returns:
            "input_ids" and the requested keys. A list of numbers each if `text` is one string and
            `return_tensors` is None, else one row for each text. *Shape:* `(texts, pieces)`.

        Raises:
            ValueError: The options contradict each other or do not fit the texts (E205 to E209,
                E215).
        """
        single = isinstance(text, str)
        texts = [text] if isinstance(text, str) else list(text)
        pairs = [text_pair] if isinstance(text_pair, str) else text_pair
        if pairs is not None and len(pairs) != len(texts):
            raise ValueError(Errors.E215.format(texts=len(texts), pairs=len(pairs)))
        layout = Layout(
            cls_token_id=self.cls_token_id if add_special_tokens else None,
            sep_token_id=self.sep_token_id,
            pad_token_id=self.pad_token_id,
            padding=padding_strategy(padding),
            truncation=truncation_strategy(truncation),
            max_length=self.model_max_length if max_length is None else max_length,
        )
        first = self.encode_batch(texts, special_tokens_in_text=special_tokens_in_text)
        second = None
        if pairs is not None:
            second = self.encode_batch(pairs, special_tokens_in_text=special_tokens_in_text)
        batch = lay_out(first, second, layout)
        wanted = {
            "input_ids": True,
            "token_type_ids": return_token_type_ids,
            "attention_mask": return_attention_mask,
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
        }
        batch = {key: batch[key] for key, want in wanted.items() if want}
        if return_tensors is not None:
            return to_tensors(batch, return_tensors)
        return {key: rows[0] for key, rows in batch.items()} if single else batch

    def tokenize(self, text: str, *, special_tokens_in_text: bool = False) -> list[str]:
        """Cut a text into pieces, as strings.

        Args:
            text: Any string.
            special_tokens_in_text: As in `encode_batch`.

        Returns:
            The pieces as SentencePiece writes them; "▁" is a space.
        """
        pieces = self.encode_batch([text], special_tokens_in_text=special_tokens_in_text)
        return self.convert_ids_to_tokens(pieces.ids.tolist())

    @classmethod
    def from_directory(
        cls,
        path: str | PathLike[str],
        *,
        tokenizer: str | None = None,
        threads: int | None = None,
    ) -> "DebertaV2Tokenizer":
        """Read the folder of a tokenizer or of a whole checkpoint.

        Args:
            path: A folder with `spm.model`, `tokenizer.json` or `vocab.txt`.
                `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` are
                optional.
            tokenizer: "sentencepiece" for `spm.model`, "tokenizers" for the other files; None for
                the one that the checkpoint was trained with, which is `tokenizer.json` where both
                are there and differ (W202).
            threads: Maximum number of native threads for a batch; None for one on each core.

        Returns:
            The tokenizer.

        Raises:
            ValueError: The folder has no such vocabulary (E212, E235), there is no such engine
                (E234), or a file is damaged (E202, E213, E232).
            OSError: An interrupted save can't be finished (E340, E341).
        """
        folder = Path(path)
        recover(folder)
        return cls(threads=threads, **read_folder(folder, engine=tokenizer))

    def save_pretrained(self, path: str | PathLike[str]) -> list[Path]:
        """Write a folder that `from_directory` and Hugging Face open.

        Args:
            path: The folder; created if it does not exist. An existing tokenizer is replaced once
                everything is written.

        Returns:
            The files.

        Raises:
            OSError: The path is a file (E312), or can't be written to.
        """
        folder = Path(path)
        names = list(self._engine.vocabulary_files())
        with staged_folder(folder, replaces=TOKENIZER_FILES, last=names) as staging:
            vocabulary = self.save_vocabulary(staging)
            if self.engine == "sentencepiece":
                others = write_options(staging, self._options(), self._table)
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
        write_whole(file, content)
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

    @classmethod
    def from_bytes(cls, data: bytes, *, threads: int | None = None) -> "DebertaV2Tokenizer":
        """Load a serialized tokenizer.

        Args:
            data: The output of `to_bytes`.
            threads: Maximum number of native threads for a batch; None for one on each core.

        Returns:
            The tokenizer.

        Raises:
            ValueError: The data is not a serialized tokenizer, or damaged (E202, E216).
        """
        return cls(threads=threads, **deserialize(data))

    def with_split_special_tokens(self, split_special_tokens: bool) -> "DebertaV2Tokenizer":
        """Change `split_special_tokens`.

        Args:
            split_special_tokens: As in the constructor.

        Returns:
            This tokenizer if it has that value already, else a new one.
        """
        if split_special_tokens == self.split_special_tokens:
            return self
        options = {**deserialize(self.to_bytes()), "split_special_tokens": split_special_tokens}
        return type(self)(threads=self.threads, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as bytes: a native model supports neither."""
        return _from_bytes, (self.to_bytes(), self.threads)

    def _options(self) -> dict[str, Any]:
        changes = {"do_lower_case": self.do_lower_case, "split_by_punct": self.split_by_punct}
        return {**changes, **self._settings()}

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if self.split_special_tokens or "split_special_tokens" in (self.tokenizer_config or {}):
            settings["split_special_tokens"] = self.split_special_tokens
        if self.model_max_length is not None:
            settings["model_max_length"] = self.model_max_length
        return settings

    def _tokens_in_text(self, special_tokens_in_text: bool | Collection[str]) -> TokenTable | None:
        """The tokens that are found in texts and not left to the engine; None for none."""
        if not special_tokens_in_text:
            return self._found_table
        if isinstance(special_tokens_in_text, bool):
            return self._table
        further = check_list("special_tokens_in_text", special_tokens_in_text)
        return self._table.only({*self._found, *further})


def _from_bytes(data: bytes, threads: int | None) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_bytes(data, threads=threads)
