"""Atomic saving of pipelines: all of the old, or all of the new."""

import copy
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from spacy_deberta.errors import check_path, check_strings
from spacy_deberta.files import CannotExchangeError, exchanged_folder, recover, staged_folder


def save_pipeline(nlp: Language, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
    """Save a pipeline as `nlp.to_disk` does, but atomically, including spaCy's own components.

    If the save is interrupted at any moment, `spacy.load` loads all of the old pipeline or all of
    the new one. Other files and folders in the folder are kept; the folders of components are
    replaced as a whole.

    nlp (Language): The pipeline.
    path (str | Path): The folder; created if it is missing.
    exclude (Iterable[str]): Names of components or fields to leave out.
    """
    check_path("path", path)
    folder, exclude = Path(path), check_strings("exclude", exclude)
    try:
        with exchanged_folder(folder) as written:
            nlp.to_disk(written, exclude=exclude)
    except CannotExchangeError:
        names = {*nlp.component_names, "tokenizer", "vocab"} - set(exclude)
        replaces = [f"{name}/**/*" for name in sorted(names)]
        with staged_folder(folder, replaces=replaces) as written:
            nlp.to_disk(written, exclude=exclude)


def load_pipeline(path: str | Path, **options: Any) -> Language:
    """Load a pipeline as `spacy.load` does, after finishing a save that was killed.

    On systems that can't exchange two folders atomically (Windows, some network disks), a killed
    save may leave a folder that `spacy.load` can't read until it is finished.

    path (str | Path): The folder.
    options (Any): Arguments of `spacy.load`.
    RETURNS (Language): The pipeline.
    """
    check_path("path", path)
    recover(Path(path))
    return spacy.load(path, **options)


def safe_saving_v1() -> Callable[[Language], Language]:
    """Make a callback for `[training] before_to_disk`: `spacy train` saves with `save_pipeline`.

    RETURNS (Callable[[Language], Language]): Returns a copy of the pipeline that shares everything
        with it and is saved atomically.
    """

    def before_to_disk(nlp: Language) -> Language:
        saved = copy.copy(nlp)
        # Patches this instance, not its class.
        saved.to_disk = partial(save_pipeline, nlp)  # type: ignore[method-assign]
        return saved

    return before_to_disk
