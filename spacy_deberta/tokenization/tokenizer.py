"""The tokenizer: text to pieces with offsets, ids to text, model inputs, folders and bytes."""

from collections.abc import Collection, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors, check_list, check_texts
from spacy_deberta.files import recover, staged_folder, write_atomically

from .batching import Layout, lay_out, padding_strategy, to_tensors, truncation_strategy
from .encoding import PieceEncoder
from .files import VOCAB_FILE, check_folder, read_options, read_vocabulary, write_options
from .pieces import Pieces
from .segments import encode_segments
from .serialization import deserialize, serialize
from .special_tokens import (
    SPECIAL_TOKENS,
    AddedToken,
    TokenTable,
    make_table,
    special_contents,
)
from .vocabulary import Vocabulary


class DebertaV2Tokenizer(Vocabulary):
    """The tokenizer of DeBERTa-v2 and v3.

    Ids are those of Hugging Face's slow tokenizer of the same name: characters that the vocabulary
    lacks are spelled in bytes, as in the training of the models, and are not `[UNK]`. Unlike there,
    `[SEP]` in a document is text by default, and pieces have character offsets. Tokens that were
    added to the vocabulary, such as "[E1]", are found in documents, as there.

    A tokenizer is immutable and thread-safe.

    Args:
        vocab_file: Path of an `spm.model`.
        model_proto: The bytes of an `spm.model`, instead of its path.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether every punctuation character is a word of its own.
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
        ValueError: There is no vocabulary, it is damaged, or it lacks a token (E201 to E204, E218),
            or `threads` is not a whole number (E231).

    Source: Kudo 2018 (arXiv 1804.10959), the unigram model; He et al. 2021 (arXiv 2111.09543).
    """

    def __init__(
        self,
        vocab_file: str | PathLike[str] | None = None,
        *,
        model_proto: bytes | None = None,
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
        if (vocab_file is None) == (model_proto is None):
            raise ValueError(Errors.E203)
        if model_proto is None:
            model_proto = read_vocabulary(Path(vocab_file))  # type: ignore[arg-type]
        roles = {
            "bos_token": bos_token,
            "eos_token": eos_token,
            "unk_token": unk_token,
            "sep_token": sep_token,
            "pad_token": pad_token,
            "cls_token": cls_token,
            "mask_token": mask_token,
        }
        encoder = PieceEncoder(model_proto, threads=threads)
        table = make_table(
            encoder.processor,
            roles,
            added_tokens,
            do_lower_case=do_lower_case,
            additional_special_tokens=additional_special_tokens,
        )
        super().__init__(encoder, table)
        self.model_proto = model_proto
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

    def encode_batch(
        self, texts: Sequence[str], *, special_tokens_in_text: bool | Collection[str] = False
    ) -> Pieces:
        """Cut texts into pieces, in one call of SentencePiece.

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
        texts = list(texts)
        tokens = self._tokens_in_text(special_tokens_in_text)
        if self._are_plain(texts, tokens):
            return self._encoder.encode(texts)
        return encode_segments(
            self._encoder,
            texts,
            do_lower_case=self.do_lower_case,
            split_by_punct=self.split_by_punct,
            tokens=tokens,
        )

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
        if isinstance(texts, str) or not self._are_plain(texts, self._found_table):
            pieces = self.encode_batch(texts)
            return pieces.ids, pieces.cu_pieces
        return self._encoder.encode_ids(list(texts), threads=threads)

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
        cls, path: str | PathLike[str], *, threads: int | None = None
    ) -> "DebertaV2Tokenizer":
        """Read the folder of a tokenizer or of a whole checkpoint.

        Args:
            path: A folder with `spm.model`. `tokenizer_config.json`, `special_tokens_map.json` and
                `added_tokens.json` are optional.
            threads: Maximum number of native threads for a batch; None for one on each core.

        Returns:
            The tokenizer.

        Raises:
            ValueError: The folder has no vocabulary, or a file is damaged (E202, E212, E213).
            OSError: An interrupted save can't be finished (E340, E341).
        """
        folder = Path(path)
        recover(folder)
        check_folder(folder)
        return cls(folder / VOCAB_FILE, threads=threads, **read_options(folder))

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
        with staged_folder(folder, last=[VOCAB_FILE]) as staging:
            vocabulary = self.save_vocabulary(staging)
            files = [vocabulary, *write_options(staging, self._options(), self._table)]
        return [folder / file.name for file in files]

    def save_vocabulary(
        self, directory: str | PathLike[str], filename_prefix: str | None = None
    ) -> Path:
        """Write the SentencePiece model alone, byte for byte.

        Args:
            directory: A folder; created if it does not exist.
            filename_prefix: Prefix of the file name, followed by a hyphen.

        Returns:
            The file. An existing file is replaced once everything is written.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / (f"{filename_prefix}-{VOCAB_FILE}" if filename_prefix else VOCAB_FILE)
        write_atomically(file, self.model_proto)
        return file

    def to_bytes(self) -> bytes:
        """Serialize the tokenizer.

        Returns:
            A line of JSON, then the SentencePiece model.
        """
        added = [token for _, token in sorted(self._table.by_id.items())]
        options = {**self._options(), **self._table.roles}
        if self._table.special != {token.content for token in added if token.special}:
            options["additional_special_tokens"] = special_contents(self._table)
        return serialize(options, added, self.model_proto)

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
        options: dict[str, Any] = {
            "do_lower_case": self.do_lower_case,
            "split_by_punct": self.split_by_punct,
        }
        if self.split_special_tokens:
            options["split_special_tokens"] = True
        if self.model_max_length is not None:
            options["model_max_length"] = self.model_max_length
        return options

    def _tokens_in_text(self, special_tokens_in_text: bool | Collection[str]) -> TokenTable | None:
        """The tokens that are found in texts and not left to SentencePiece; None for none."""
        if not special_tokens_in_text:
            return self._found_table
        if isinstance(special_tokens_in_text, bool):
            return self._table
        further = check_list("special_tokens_in_text", special_tokens_in_text)
        return self._table.only({*self._found, *further})

    def _are_plain(self, texts: Sequence[str], tokens: TokenTable | None) -> bool:
        """Whether texts need no preprocessing before SentencePiece."""
        if self.do_lower_case or self.split_by_punct:
            return False
        return tokens is None or not tokens.are_in(texts)


def _from_bytes(data: bytes, threads: int | None) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_bytes(data, threads=threads)
