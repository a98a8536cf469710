"""Serialization of components: the model, which in a folder is a checkpoint, and the settings."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.vocab import Vocab
from thinc.api import Model

from spacy_deberta.checkpoints import CONFIG_FILE, REPLACED_PATTERNS
from spacy_deberta.errors import Errors, check_number
from spacy_deberta.files import recover, remove_unfinished, staged_folder
from spacy_deberta.typed_json import parse_json

# Version of the folder that `to_disk` writes; newer ones are refused.
FORMAT = 1

# Raises ValueError for invalid settings.
Check = Callable[[Mapping[str, Any]], object]


def write_folder(
    path: str | Path,
    *,
    cfg: dict[str, Any],
    vocab: Vocab,
    model: Model,
    save: Callable[[Path], None],
    exclude: Iterable[str],
) -> None:
    """Write the folder of a component. `path/model` is a checkpoint.

    Args:
        path: The folder.
        cfg: The settings, as JSON values.
        vocab: The vocabulary of the pipeline.
        model: A model of `deberta_model` or `deberta_with_head`. With a shared encoder, only the
            head is written, and `path/model` is a file.
        save: Writes the checkpoint.
        exclude: Fields to leave out: `cfg`, `vocab`, `model`.

    Raises:
        OSError: The path is a file (E312), or can't be written to. Existing files are unchanged.
    """

    def write_model(target: Path) -> None:
        if model.attrs.get("shared_encoder") is None:
            save(target)
        else:
            model.to_disk(target)

    serialize: dict[str, Callable[[Path], Any]] = {
        "cfg": lambda p: srsly.write_json(p, {"format": FORMAT, **cfg}),
        "vocab": lambda p: vocab.to_disk(p),
        "model": write_model,
    }
    # A save of the model alone may have been killed.
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
    load: Callable[[Path], None],
    check: Check,
    exclude: Iterable[str],
) -> None:
    """Load the folder of a component; the weights are memory-mapped.

    Args:
        path: A folder of `write_folder`.
        cfg: Updated with the settings.
        vocab: The vocabulary of the pipeline, loaded in place.
        model: The model, loaded in place.
        load: Loads the model from a checkpoint folder, in place.
        check: Raises ValueError for invalid settings.
        exclude: Fields to leave out.

    Raises:
        FileNotFoundError: The folder contains no model (E415).
        OSError: A save was interrupted, and can't be finished (E340, E341), or was finished after
            spaCy had read a part of the pipeline (E343).
        ValueError: It was written by a newer release (E406), or its settings are damaged (E423).
    """
    folder = Path(path).absolute()
    if folder.parent in recover(folder, levels=2):
        raise OSError(Errors.E343.format(path=folder.parent))

    def read_cfg(source: str | Path) -> None:
        source = Path(source)
        cfg.update(_parse_settings(source.read_bytes(), cfg, check, source=str(source)))

    def read_model(source: str | Path) -> None:
        source = Path(source)
        if source.is_dir():
            load(source)
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


def read_bytes(
    data: bytes,
    *,
    cfg: dict[str, Any],
    vocab: Vocab,
    model: Model,
    check: Check,
    exclude: Iterable[str],
) -> None:
    """Load a component from bytes.

    Args:
        data: The output of the component's `to_bytes`.
        cfg: Updated with the settings.
        vocab: The vocabulary of the pipeline, loaded in place.
        model: The model, loaded in place.
        check: Raises ValueError for invalid settings.
        exclude: Fields to leave out.

    Raises:
        ValueError: The settings (E423) or the model (E407) are damaged.
    """
    exclude = list(exclude)
    deserialize: dict[str, Callable[[bytes], Any]] = {
        "cfg": lambda b: cfg.update(_parse_settings(b, cfg, check, source="bytes")),
        "vocab": vocab.from_bytes,
        "model": model.from_bytes,
    }
    try:
        message = dict(srsly.msgpack_loads(data))
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(Errors.E407.format(error=repr(error))) from error
    for name, read in deserialize.items():
        if name in message and name not in exclude:
            if not isinstance(message[name], bytes | str):
                raise ValueError(Errors.E407.format(error=f"'{name}' is no bytestring"))
            read(message[name])


def _parse_settings(
    content: str | bytes, known: Mapping[str, Any], check: Check, *, source: str
) -> dict[str, Any]:
    """Parse the settings of a component and check them."""
    try:
        settings = parse_json(content.encode() if isinstance(content, str) else content)
        found = settings.pop("format", FORMAT)
        check_number("format", found, lambda n: n > 0, "above 0", whole=True)
        if found <= FORMAT:
            check({**known, **settings})
    except ValueError as error:
        raise ValueError(Errors.E423.format(path=source, reason=error)) from error
    if found > FORMAT:
        raise ValueError(Errors.E406.format(found=found, known=FORMAT))
    return settings
