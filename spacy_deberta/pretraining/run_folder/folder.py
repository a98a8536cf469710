"""The folder of a run: paths, the lock, and cleaning up after a killed run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.files import remove_unfinished
from spacy_deberta.pretraining.failures import coded_failures, reason_of

# Leftovers of a killed process, in addition to the staging folders of `files`: folders renamed by
# `discard`, the probe file by which `files` finds the mode of new files, and unfinished files of
# earlier versions, which did not stage them.
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
        """The state of the training, with the checkpoints to resume from."""
        return self.output / "training"

    @property
    def config(self) -> Path:
        """The config that the run was started with."""
        return self.training / "config.cfg"

    @property
    def log(self) -> Path:
        """The log of the training: see `LogRow`."""
        return self.training / "log.jsonl"

    @property
    def plot(self) -> Path:
        """The plot of the losses."""
        return self.training / "loss.svg"

    @property
    def corpus(self) -> Path:
        """The encoded text."""
        return self.training / "corpus"

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Lock the folder against other runs. The operating system unlocks it if a process dies.

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
        """Complete or remove the unfinished writes of a killed run.

        Raises:
            OSError: A file can't be removed (E735), or see `spacy_deberta.files.recover`.
        """
        # The models, which may have subfolders, and everything of the training.
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
    """Raise a coded error with the path if a write fails.

    Args:
        path: The path that is written.

    Raises:
        OSError: It can't be written (E735).
    """
    with coded_failures(lambda reason: Errors.E735.format(path=path, error=reason)):
        yield


def discard(folder: Path) -> None:
    """Remove a folder such that a partly removed one is never mistaken for a complete one.

    Args:
        folder: In the folder `training` of a run, whose `clear_up` removes the rest if the process
            is killed.
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
