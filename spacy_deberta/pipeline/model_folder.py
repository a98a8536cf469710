"""The folder of a component: its model as a checkpoint, its settings beside it."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.vocab import Vocab
from thinc.api import Model

from spacy_deberta.checkpoints import CONFIG_FILE, REPLACED_PATTERNS
from spacy_deberta.errors import Errors
from spacy_deberta.files import recover, remove_unfinished, staged_folder
from spacy_deberta.layers import save_model

# Of the folder that `to_disk` writes; a newer one is refused, so that nothing is read wrongly.
FORMAT = 1


def write_folder(
    path: str | Path,
    *,
    cfg: dict[str, Any],
    vocab: Vocab,
    model: Model,
    exclude: Iterable[str],
) -> None:
    """Write the folder of a component. `path/model` is a checkpoint that Hugging Face opens.

    Args:
        path: The folder.
        cfg: Its settings, as JSON takes them.
        vocab: The vocabulary of the pipeline.
        model: Made by `deberta_model` or `deberta_with_head`. With a shared encoder, only its head
            is written, and `path/model` is a file.
        exclude: Fields to leave out: `cfg`, `vocab`, `model`.

    Raises:
        OSError: The path is that of a file (E312), or can't be written to. What was there is there.
    """

    def write_model(target: Path) -> None:
        if model.attrs.get("shared_encoder") is None:
            save_model(model, target)
        else:
            model.to_disk(target)

    serialize: dict[str, Callable[[Path], Any]] = {
        "cfg": lambda p: srsly.write_json(p, {"format": FORMAT, **cfg}),
        "vocab": lambda p: vocab.to_disk(p),
        "model": write_model,
    }
    # A model may also have been saved alone, and that may have been killed.
    remove_unfinished(Path(path) / "model")
    replaces = [] if "model" in exclude else [f"model/{name}" for name in REPLACED_PATTERNS]
    with staged_folder(Path(path), replaces=replaces, last=[CONFIG_FILE]) as staging:
        util.to_disk(staging, serialize, exclude)


def read_folder(
    path: str | Path,
    *,
    cfg: dict[str, Any],
    vocab: Vocab,
    model: Model,
    load: Callable[[Model, Path], None],
    exclude: Iterable[str],
) -> None:
    """Read what `write_folder` wrote; the weights are mapped from the file.

    Args:
        path: The folder.
        cfg: Updated with the settings.
        vocab: The vocabulary of the pipeline.
        model: Filled.
        load: Fills the model from a checkpoint folder.
        exclude: Fields to leave out.

    Raises:
        FileNotFoundError: The folder holds no model (E415).
        OSError: A save was interrupted, and can't be finished (E340, E341), or was finished when
            spaCy had read a part of the pipeline already (E343).
        ValueError: It was written by a newer release (E406), or its settings are damaged (E423).
    """
    folder = Path(path).absolute()
    if folder.parent in recover(folder, levels=2):
        raise OSError(Errors.E343.format(path=folder.parent))

    def read_cfg(source: str | Path) -> None:
        cfg.update(_read_settings(Path(source), cfg))

    def read_model(source: str | Path) -> None:
        source = Path(source)
        if source.is_dir():
            load(model, source)
        elif source.is_file():
            # Saved with `factory = "transformer"`, or a head that shares an encoder.
            model.from_bytes(source.read_bytes())
        else:
            raise FileNotFoundError(Errors.E415.format(path=source.parent, file=source.name))

    deserialize: dict[str, Callable[[Path], Any]] = {
        "cfg": read_cfg,
        "vocab": vocab.from_disk,
        "model": read_model,
    }
    util.from_disk(path, deserialize, exclude)


def _read_settings(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a component; those that it has already have to stay of their kind."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise TypeError(f"{type(settings).__name__} in place of an object")
        found = settings.pop("format", FORMAT)
        for name, value, example in (
            ("format", found, FORMAT),
            *((name, settings[name], value) for name, value in known.items() if name in settings),
        ):
            is_optional = name != "format" and (value is None or example is None)
            if not is_optional and _kind(value) is not _kind(example):
                raise TypeError(f"'{name}' is {value!r}, not like {example!r}")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(Errors.E423.format(path=path, reason=error)) from error
    if found > FORMAT:
        raise ValueError(Errors.E406.format(found=found, known=FORMAT))
    return settings


def _kind(value: object) -> type:
    """The type in JSON, which has one for numbers and one for sequences."""
    if isinstance(value, list | tuple):
        return list
    return float if type(value) is int else type(value)
