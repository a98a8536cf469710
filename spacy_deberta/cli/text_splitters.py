"""Loads spaCy's tokenizer and the DeBERTa tokenizer of a pipeline or checkpoint."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import spacy
from spacy import util
from spacy.language import Language

from spacy_deberta.errors import Errors
from spacy_deberta.text_alignment import find_tokenizer

if TYPE_CHECKING:
    from spacy_deberta.tokenization import DebertaV2Tokenizer

DEFAULT_LANG = "en"


@dataclass(frozen=True)
class Splitters:
    """What splits a text.

    nlp (Language): The trained pipeline, or a blank one, with spaCy's tokenizer.
    tokenizer (DebertaV2Tokenizer): The DeBERTa tokenizer.
    is_split_into_words (bool): Whether it splits each token on its own in that pipeline.
    """

    nlp: Language
    tokenizer: "DebertaV2Tokenizer"
    is_split_into_words: bool = False


def load_splitters(model: str, *, lang: str | None = None) -> Splitters:
    """Load a pipeline with spaCy's tokenizer, and the DeBERTa tokenizer.

    model (str): A trained pipeline (folder or package), a checkpoint (folder or hub name), or the
        path of an `spm.model`.
    lang (str | None): Language of spaCy's tokenizer, by default English; not with a pipeline.
    RETURNS (Splitters): Both tokenizers.
    """
    path = Path(model).expanduser()
    if not _is_pipeline(model, path):
        blank = blank_pipeline(DEFAULT_LANG if lang is None else lang)
        return Splitters(blank, _read_vocabulary(model, path))
    if lang is not None:
        raise ValueError(Errors.E505.format(name=model))
    nlp = load_pipeline(path if path.exists() else model)
    return _splitters_of(nlp, model)


def _is_pipeline(model: str, path: Path) -> bool:
    if path.exists():
        return (path / "config.cfg").is_file() and (path / "meta.json").is_file()
    if not (model.isidentifier() and util.is_package(model)):
        return False
    spec = find_spec(model)
    return bool(spec and spec.origin and Path(spec.origin).with_name("meta.json").is_file())


def blank_pipeline(lang: str) -> Language:
    """Make a pipeline without components.

    lang (str): The language.
    RETURNS (Language): The pipeline.
    """
    try:
        return spacy.blank(lang)
    except ImportError as error:
        raise ValueError(Errors.E502.format(lang=lang, error=error)) from error


def load_pipeline(name: str | Path) -> Language:
    """Load a trained pipeline.

    name (str | Path): Its package, or its folder.
    RETURNS (Language): The pipeline.
    """
    try:
        return util.load_model(name)
    except (ImportError, OSError, ValueError) as error:
        raise ValueError(Errors.E506.format(name=name, error=error)) from error


def _splitters_of(nlp: Language, name: str) -> Splitters:
    found = find_tokenizer(nlp)
    if found is None:
        names = ", ".join(name for name, _ in nlp.components) or "none"
        raise ValueError(Errors.E507.format(name=name, components=names))
    return Splitters(nlp, found.tokenizer, found.is_split_into_words)


def _read_vocabulary(model: str, path: Path) -> "DebertaV2Tokenizer":
    from spacy_deberta.tokenization import VOCABULARY_FILES, DebertaV2Tokenizer

    if path.is_file() or path.suffix == ".model":
        return DebertaV2Tokenizer(vocab_file=path)
    if any((path / name).is_file() for name in VOCABULARY_FILES):
        # A tokenizer folder without config and weights is sufficient.
        return DebertaV2Tokenizer.from_directory(path)
    return DebertaV2Tokenizer.from_pretrained(model)
