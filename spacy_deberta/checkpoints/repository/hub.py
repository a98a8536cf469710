"""Checkpoints on the Hugging Face hub, in its local cache."""

import os
import re
from functools import cached_property
from pathlib import Path

from huggingface_hub import (
    constants,
    get_session,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
)
from huggingface_hub.utils import build_hf_headers

from spacy_deberta.errors import Errors

from .known_names import describe_alternatives

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SERVER_ERROR = 500


class HubRepository:
    """One revision of a repository on the hub.

    All files are of one commit, that of the first file that is found: a checkpoint never mixes
    those of before and after a push. Files that the cache has of that commit, and files that it
    has recorded as missing in the commit, are not requested again.

    Args:
        name: A hub name.
        revision: Branch, tag or commit.
        cache_dir: Where downloads are kept, by default the hub's own cache.
        local_files_only: Use only what the cache has. `HF_HUB_OFFLINE=1` does the same.

    Raises:
        OSError: This can't be a name on the hub (E302).

    Source: the protocol and the cache layout of `huggingface_hub`.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> None:
        self.name = name
        self._revision = revision or constants.DEFAULT_REVISION
        self._cache_dir = None if cache_dir is None else os.fspath(cache_dir)
        self._local_files_only = local_files_only
        self._commit = self._revision if _COMMIT.fullmatch(self._revision) else None
        self._not_cached: set[str] = set()
        try:
            hf_hub_url(name, "", revision=self._revision)
        except HFValidationError as error:
            raise self._refused(error) from error

    def find(self, file_name: str) -> Path | None:
        """Find a file, downloading it if the cache does not have it.

        Args:
            file_name: Its path in the repository.

        Returns:
            Its path in the cache; None if the repository, or while offline the cache, lacks it.

        Raises:
            OSError: The repository or the revision does not exist or is not open to this user
                (E302), the hub stopped answering (E303), or the download failed (E314).
        """
        if self._commit is not None or self._offline:
            cached = try_to_load_from_cache(
                self.name,
                file_name,
                cache_dir=self._cache_dir,
                revision=self._commit or self._revision,
            )
            if isinstance(cached, str):
                return self._found(file_name, Path(cached))
            if cached is not None:  # the cache remembers that the repository lacks it
                return None
        if self._offline:
            self._not_cached.add(file_name)
            return None
        return self._download(file_name)

    def find_ending(self, suffix: str) -> str | None:
        """None: each file is asked for by its name."""

    def missing(self, *file_names: str, message: str = Errors.E304) -> OSError:
        """The error for missing files.

        Args:
            file_names: Files that were looked for and not found.
            message: The message if the repository is known to lack them.

        Returns:
            An error to be raised; another one (E303) if a file may just not be in the cache.
        """
        if self._not_cached.intersection(file_names):
            return self._unreachable(" or ".join(file_names), self._offline)
        return FileNotFoundError(message.format(name=self.name, file=" or ".join(file_names)))

    @cached_property
    def _offline(self) -> str:
        """The reason why the hub is unreachable; empty if it is reachable.

        `hf_hub_download` retries each file for half a minute, with messages in the log. A user who
        is offline and has all files in the cache should not wait for that, so one request is sent.
        """
        if self._local_files_only or constants.HF_HUB_OFFLINE:
            return "'local_files_only' or HF_HUB_OFFLINE is set"
        try:
            get_session().head(
                hf_hub_url(self.name, "config.json", revision=self._revision),
                headers=build_hf_headers(),
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            )
        except Exception as error:  # of requests or of httpx, by the release of huggingface_hub
            return _in_one_line(error) or type(error).__name__
        return ""

    def _download(self, file_name: str) -> Path | None:
        try:
            path = hf_hub_download(
                self.name,
                file_name,
                revision=self._commit or self._revision,
                cache_dir=self._cache_dir,
            )
        except LocalEntryNotFoundError as error:  # a subclass of the next one: not in the cache
            cause = error.__cause__ or error
            response = cause.response if isinstance(cause, HfHubHTTPError) else None
            if response is not None and response.status_code < _SERVER_ERROR:
                raise self._refused(cause) from error
            raise self._unreachable(file_name, cause) from error
        except EntryNotFoundError:
            return None
        except HfHubHTTPError as error:
            raise self._refused(error) from error
        except OSError as error:
            raise OSError(
                Errors.E314.format(file=file_name, name=self.name, error=_in_one_line(error))
            ) from error
        return self._found(file_name, Path(path))

    def _found(self, file_name: str, path: Path) -> Path:
        """Use the first file's commit for all files. The cache has a folder for each commit."""
        self._commit = self._commit or path.parents[file_name.count("/")].name
        return path

    def _refused(self, error: object) -> OSError:
        return OSError(
            Errors.E302.format(
                name=self.name,
                revision=self._revision,
                hint=describe_alternatives(self.name),
                error=_in_one_line(error),
            )
        )

    def _unreachable(self, file_names: str, error: object) -> OSError:
        return OSError(
            Errors.E303.format(
                name=self.name,
                file=file_names,
                hint=describe_alternatives(self.name),
                error=_in_one_line(error),
            )
        )


def _in_one_line(error: object) -> str:
    return " ".join(str(error).split())
