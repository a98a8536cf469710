"""A local Hugging Face hub: an HTTP server with the requests of a download."""

import hashlib
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote


@dataclass
class Repository:
    """Folders by revision. `refused` is a status and an error code for all requests."""

    revisions: dict[str, Path]
    refused: tuple[int, str] | None = None

    def folder(self, revision: str) -> Path | None:
        named = {**self.revisions, **{commit(path): path for path in self.revisions.values()}}
        return named.get(revision)


@dataclass
class Hub:
    """The server: start it, add repositories, and inspect its requests."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    # Pairs of method and path.
    requests: list[tuple[str, str]] = field(default_factory=list)

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, name: str, folder: Path, *, revision: str = "main") -> Repository:
        repository = self.repositories.setdefault(name, Repository({}))
        repository.revisions[revision] = folder
        return repository

    def downloads(self) -> list[str]:
        """The names of the files that were sent, in order."""
        return [path.rpartition("/")[2] for method, path in self.requests if method == "GET"]


def commit(folder: Path) -> str:
    """The commit of a folder."""
    return hashlib.sha1(str(folder).encode()).hexdigest()


def _make_handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._answer(send=False)

        def do_GET(self):
            self._answer(send=True)

        def _answer(self, *, send: bool):
            hub.requests.append((self.command, self.path))
            name, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
            repository = hub.repositories.get(name)
            if repository is None:
                return self._refuse(404, "RepoNotFound")
            if repository.refused is not None:
                return self._refuse(*repository.refused)
            # A revision may have slashes, as that of a pull request, and so may a file.
            splits = [rest[:at] for at, letter in enumerate(rest) if letter == "/"]
            revision = next((at for at in splits if repository.folder(at) is not None), None)
            folder = None if revision is None else repository.folder(revision)
            if revision is None or folder is None:
                return self._refuse(404, "RevisionNotFound")
            path = folder / rest[len(revision) + 1 :]
            if not path.is_file():
                return self._refuse(404, "EntryNotFound", commit(folder))
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit(folder))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if send:
                self.wfile.write(content)
            return None

        def _refuse(self, status: int, code: str, commit: str | None = None):
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            if commit is not None:
                self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    return Handler
