"""Resolves the name of a checkpoint to a folder, the embedded checkpoint or the hub."""

import os
import re
from pathlib import Path

from spacy_deberta.errors import Errors, check_flag, check_path, check_string
from spacy_deberta.files import recover
from spacy_deberta.typed_json import shorten

from .embedded import find_embedded
from .interface import Repository
from .local import LocalFolder
from .subfolder import Subfolder, check_subfolder

# A checkpoint may be in the folder of a component in that of a pipeline: each may have been saved
# atomically.
_LEVELS = 3
# A page on the hub, copied from the browser, in place of the name in it.
_ADDRESS = re.compile(
    r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/(?P<name>[\w.-]+/[\w.-]+)([/?#].*)?",
    re.IGNORECASE,
)


def open_repository(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str | None = "",
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Repository:
    """Find the location of a checkpoint.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, or a hub name.
        revision: Branch, tag or commit on the hub. A folder, or a checkpoint that comes with the
            package, has none, and it is ignored.
        subfolder: Folder of the checkpoint within that location; empty for the location itself.
        cache_dir: Where downloads are kept.
        local_files_only: Use only what the cache has.

    Returns:
        The location. Its files are not searched yet.

    Raises:
        FileNotFoundError: There is no such folder (E301).
        OSError: This can't be a name on the hub (E302), or an interrupted save of the folder can't
            be finished (E340, E341).
        ValueError: The subfolder is outside of the location (E336), or an argument is of another
            type (E413).
    """
    check_path("name", name_or_path)
    check_path("cache_dir", cache_dir, optional=True)
    check_string("revision", revision, optional=True)
    check_flag("local_files_only", local_files_only)
    subfolder = check_subfolder(subfolder)
    name = os.fspath(name_or_path)
    try:
        folder = Path(name).expanduser()
        exists, is_folder = folder.exists(), folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, an unknown home
        raise _no_folder(shorten(name)) from error
    if _looks_like_path(name) or exists:
        # The path of an empty name would be the current folder.
        if not name or not is_folder:
            raise _no_folder(name)
        return _open_folder(name, folder, subfolder)
    if (embedded := find_embedded(name)) is not None:
        return _open_folder(name, embedded, subfolder)
    from .hub import HubRepository  # needs the hub's library, which folders do without

    repository = HubRepository(
        name, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
    )
    return Subfolder(repository, subfolder) if subfolder else repository


def _open_folder(name: str, folder: Path, subfolder: str) -> Repository:
    if subfolder:
        name, folder = f"{name.rstrip('/')}/{subfolder}", folder / subfolder
        try:
            is_folder = folder.is_dir()
        except OSError as error:  # too long
            raise _no_folder(shorten(name)) from error
        if not is_folder:
            raise _no_folder(name)
    recover(folder, levels=_LEVELS)
    return LocalFolder(name, folder)


def _no_folder(name: str) -> FileNotFoundError:
    address = _ADDRESS.fullmatch(name)
    hint = f"On the hub, it is named '{address['name']}', without an address. " if address else ""
    return FileNotFoundError(Errors.E301.format(path=name, hint=hint))


def _looks_like_path(name: str) -> bool:
    """Hub names are `name` or `owner/name`; anything else can only be a path."""
    return name.startswith((".", "~", "/")) or "\\" in name or name.count("/") > 1 or not name
