"""The tokenizer: made of a vocabulary and options, or loaded from a folder or from bytes."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors, check_flag, check_path
from spacy_deberta.files import recover
from spacy_deberta.folder_finder import find_folder

from .engines import UnknownCharacters, naming_file, read_vocabulary
from .folder import pipeline_file, read_folder
from .making import make_parts
from .saved_text_encoder import SavedTextEncoder
from .serialization import deserialize
from .special_tokens import SPECIAL_TOKENS, AddedToken


class DebertaV2Tokenizer(SavedTextEncoder):
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
        do_lower_case: Whether texts are lowercased. A `tokenizer.json` has its own normalizer.
        split_by_punct: Whether every punctuation character is a word of its own. A `tokenizer.json`
            has its own pre-tokenizer.
        unknown_characters: "bytes" to spell characters without a piece in bytes, "unk" for one
            unknown piece for a run of them; None for what the vocabulary says.
        bos_token: Not used by DeBERTa. None for "[CLS]", or for `cls_token` where the vocabulary
            lacks it.
        eos_token: Not used by DeBERTa. None for "[SEP]", or for `sep_token` where the vocabulary
            lacks it.
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
        unknown_characters: UnknownCharacters | None = None,
        bos_token: str | None = None,
        eos_token: str | None = None,
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
        flags = {"do_lower_case": do_lower_case, "split_by_punct": split_by_punct}
        for name, flag in {**flags, "split_special_tokens": split_special_tokens}.items():
            check_flag(name, flag)
        roles = {
            "bos_token": bos_token,
            "eos_token": eos_token,
            "unk_token": unk_token,
            "sep_token": sep_token,
            "pad_token": pad_token,
            "cls_token": cls_token,
            "mask_token": mask_token,
        }
        with nullcontext() if vocab_file is None else naming_file(Path(vocab_file)):
            if vocab_file is not None:
                model_proto, pipeline = read_vocabulary(
                    Path(vocab_file),
                    do_lower_case=do_lower_case,
                    unk_token=unk_token,
                    cls_token=cls_token,
                    sep_token=sep_token,
                )
            engine, table = make_parts(
                model_proto,
                pipeline,
                roles=roles,
                added_tokens=added_tokens,
                additional_special_tokens=additional_special_tokens,
                do_lower_case=do_lower_case,
                split_by_punct=split_by_punct,
                unknown_characters=unknown_characters,
                threads=threads,
            )
        super().__init__(
            engine,
            table,
            tokenizer_config=tokenizer_config,
            do_lower_case=do_lower_case,
            split_by_punct=split_by_punct,
            unknown_characters=unknown_characters,
            split_special_tokens=split_special_tokens,
            model_max_length=model_max_length,
            threads=threads,
        )

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | PathLike[str],
        *,
        revision: str | None = None,
        subfolder: str = "",
        base: str | PathLike[str] | None = None,
        cache_dir: str | PathLike[str] | None = None,
        local_files_only: bool = False,
        tokenizer: str | None = None,
        unknown_characters: str | None = None,
        is_split_into_words: bool = False,
    ) -> "DebertaV2Tokenizer":
        """Load the vocabulary of a checkpoint from a folder or from the Hugging Face hub.

        Args:
            pretrained_model_name_or_path: A folder, of a checkpoint or of a tokenizer alone, or a
                hub name.
            revision: Branch, tag or commit on the hub.
            subfolder: The folder within the repository, if it is not the repository itself.
            base: Of an adapter without a vocabulary: the checkpoint that it was made for, if it is
                not where its config says.
            cache_dir: Where downloads are kept.
            local_files_only: Use only what the cache has.
            tokenizer: As in `from_directory`.
            unknown_characters: As in `from_directory`.
            is_split_into_words: As in `from_directory`.

        Returns:
            The tokenizer, of this class.

        Raises:
            OSError: The vocabulary is missing (E304, E309), or the name is not found (E301 to
                E303).
            ValueError: A file is damaged (E202, E213, E232), or there is no such vocabulary (E234,
                E235).
        """
        folder = find_folder(
            pretrained_model_name_or_path,
            revision=revision,
            subfolder=subfolder,
            base=base,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        return cls.from_directory(
            folder,
            tokenizer=tokenizer,
            unknown_characters=unknown_characters,
            is_split_into_words=is_split_into_words,
        )

    @classmethod
    def from_directory(
        cls,
        path: str | PathLike[str],
        *,
        tokenizer: str | None = None,
        unknown_characters: str | None = None,
        is_split_into_words: bool = False,
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
            unknown_characters: "bytes" or "unk", as in the constructor; None for what the folder
                says.
            is_split_into_words: Whether the caller splits texts into words. If not, a folder that
                asks for words is a warning (W204).
            threads: Maximum number of native threads for a batch; None for one on each core.

        Returns:
            The tokenizer.

        Raises:
            ValueError: The folder has no such vocabulary (E212, E235), there is no such engine
                (E234), or a file is damaged (E202, E213, E232).
            OSError: An interrupted save can't be finished (E340, E341).
        """
        check_path("path", path)
        folder = Path(path)
        recover(folder)
        check_flag("is_split_into_words", is_split_into_words)
        with naming_file(pipeline_file(folder)):
            options = read_folder(
                folder,
                engine=tokenizer,
                unknown_characters=unknown_characters,
                is_split_into_words=is_split_into_words,
            )
            return cls(threads=threads, **options)

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
        return self._with(split_special_tokens=split_special_tokens)

    def with_unknown_characters(self, unknown_characters: str) -> "DebertaV2Tokenizer":
        """Change `unknown_characters`.

        Args:
            unknown_characters: As in the constructor.

        Returns:
            This tokenizer if it has that value already, else a new one.

        Raises:
            ValueError: There is no such value (E207), or the vocabulary has no bytes (E237).
        """
        if unknown_characters == self.unknown_characters:
            return self
        return self._with(unknown_characters=unknown_characters)

    def _with(self, **changes: Any) -> "DebertaV2Tokenizer":
        options = {**deserialize(self.to_bytes()), **changes}
        return type(self)(threads=self.threads, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as bytes: a native model supports neither."""
        return _from_bytes, (self.to_bytes(), self.threads, type(self))


def _from_bytes(
    data: bytes, threads: int | None, cls: type[DebertaV2Tokenizer] = DebertaV2Tokenizer
) -> DebertaV2Tokenizer:
    """What pickles name: those of 0.1.0 do not say the class."""
    return cls.from_bytes(data, threads=threads)
