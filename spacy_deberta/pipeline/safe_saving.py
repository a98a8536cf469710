"""A pipeline that is saved as one change: all of the old, or all of the new."""

import copy
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from spacy_deberta.files import CannotExchangeError, exchanged_folder, recover, staged_folder


def save_pipeline(nlp: Language, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
    """Save a pipeline as `nlp.to_disk` does, but as one change, with the components of spaCy.

    Whatever stops it, and at whichever moment: `spacy.load` gives all of the old pipeline or all of
    the new one. Files and folders of yours in the folder stay; the folders of components are
    replaced as a whole.

    nlp (Language): The pipeline.
    path (str | Path): The folder, made if it is missing.
    exclude (Iterable[str]): Names of components or fields to leave out.
    """
    folder, exclude = Path(path), list(exclude)
    try:
        with exchanged_folder(folder) as written:
            nlp.to_disk(written, exclude=exclude)
    except CannotExchangeError:
        names = {*nlp.component_names, "tokenizer", "vocab"} - set(exclude)
        replaces = [f"{name}/**/*" for name in sorted(names)]
        with staged_folder(folder, replaces=replaces) as written:
            nlp.to_disk(written, exclude=exclude)


def load_pipeline(path: str | Path, **options: Any) -> Language:
    """Load a pipeline as `spacy.load` does, and finish its last save first, if that was killed.

    Where a system can't exchange two folders in one step (Windows, some network disks), a killed
    save may leave a folder that `spacy.load` can't read before that.

    path (str | Path): The folder.
    options (Any): Of `spacy.load`.
    RETURNS (Language): The pipeline.
    """
    recover(Path(path))
    return spacy.load(path, **options)


def safe_saving_v1() -> Callable[[Language], Language]:
    """Make a callback for `[training] before_to_disk`: `spacy train` saves with `save_pipeline`.

    RETURNS (Callable[[Language], Language]): From the pipeline to one that shares everything with
        it, and is saved as one change.
    """

    def before_to_disk(nlp: Language) -> Language:
        saved = copy.copy(nlp)
        # For this pipeline alone, and not for its class.
        saved.to_disk = partial(save_pipeline, nlp)  # type: ignore[method-assign]
        return saved

    return before_to_disk
