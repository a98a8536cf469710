"""Checkpoints that come with the package, and need no network."""

from pathlib import Path

from spacy_deberta.checkpoints.file_names import CONFIG_FILE

_FOLDER = Path(__file__).parent


def find_embedded(name: str) -> Path | None:
    """The folder of a checkpoint of this name that comes with the package, or None.

    Args:
        name: Such as "deberta-v3-mini-en".
    """
    return next((path for path in _embedded() if path.name == name), None)


def embedded_names() -> list[str]:
    """The names of all of them."""
    return [path.name for path in _embedded()]


def _embedded() -> list[Path]:
    return sorted(path for path in _FOLDER.glob("*") if (path / CONFIG_FILE).is_file())
