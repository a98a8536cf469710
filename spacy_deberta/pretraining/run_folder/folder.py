"""The folder of a run: what is where, who may write to it, and what a killed run leaves there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.files import remove_unfinished
from spacy_deberta.pretraining.failures import coded_failures, reason_of

# What a killed process leaves beside the staging folders of `files`: folders that `discard` had
# renamed, the probe with which `files` learns the mode of new files, and the unfinished files of
# runs that were started when these were not staged yet.
_LEFTOVERS = (".removing-*", ".*.tmp", ".sequences-*.bin-*")


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run.

    Attributes:
        output: Where the models are written, an ordinary checkpoint.
    """

    output: Path

    @property
    def training(self) -> Path:
        """What only the training needs, with the checkpoints to resume from."""
        return self.output / "training"

    @property
    def config(self) -> Path:
        """The config that the run was started with."""
        return self.training / "config.cfg"

    @property
    def log(self) -> Path:
        """The course of the training: see `LogRow`."""
        return self.training / "log.jsonl"

    @property
    def plot(self) -> Path:
        """The course of the training as a picture."""
        return self.training / "loss.svg"

    @property
    def corpus(self) -> Path:
        """The encoded text."""
        return self.training / "corpus"

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Keep other runs out. A process that is dead holds nothing: the system sees to that.

        Raises:
            OSError: Another run writes to the folder (E737), or it can't be written to (E735).
        """
        path = self.training / "lock"
        lock = FileLock(path)
        with failures_named(self.training):
            self.training.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OSError(Errors.E737.format(folder=self.output, lock=path)) from error
        except OSError as error:
            raise OSError(Errors.E735.format(path=path, error=reason_of(error))) from error
        except NotImplementedError:
            warn(Warnings.W704.format(folder=self.output))
        try:
            yield
        finally:
            lock.release()

    def clear_up(self) -> None:
        """Finish what a run that was killed had begun to write, or remove it.

        Raises:
            OSError: That can't be done (E735), or see `spacy_deberta.files.recover`.
        """
        # The models, which may have folders of their own, and all that is the training's.
        for folder in (
            self.output,
            *(path for path in self.output.iterdir() if _is_real_folder(path)),
            *(path for path in self.training.rglob("*") if _is_real_folder(path)),
        ):
            remove_unfinished(folder)
        with failures_named(self.training):
            for pattern in _LEFTOVERS:
                for path in list(self.training.rglob(pattern)):
                    _remove(path)


@contextmanager
def failures_named(path: Path) -> Iterator[None]:
    """Say of a write that fails where that was, and what can be done.

    Args:
        path: What is written.

    Raises:
        OSError: It can't be written (E735).
    """
    with coded_failures(lambda reason: Errors.E735.format(path=path, error=reason)):
        yield


def discard(folder: Path) -> None:
    """Remove a folder so that a part of it is never taken for the whole.

    Args:
        folder: In the folder `training` of a run, which removes what is left if this is killed.
    """
    doomed = folder.with_name(f".removing-{folder.name}")
    _remove(doomed)
    folder.rename(doomed)
    _remove(doomed)


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove(path: Path) -> None:
    if _is_real_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
