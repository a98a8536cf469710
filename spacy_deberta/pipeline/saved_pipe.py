"""Components whose folder is a checkpoint: saving and loading, from a disk and as bytes."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from spacy.pipeline import TrainablePipe

from spacy_deberta.layers import save_model

from .component_files import read_bytes, read_folder, write_folder

PipeT = TypeVar("PipeT", bound="SavedPipe")


class SavedPipe(TrainablePipe):
    """A component that is saved as its settings and a checkpoint that Hugging Face's classes open.

    A subclass has a `cfg`, and implements `_load_checkpoint`; and `_check_cfg`, if it has settings.
    """

    cfg: dict[str, Any]

    @abstractmethod
    def _load_checkpoint(self, folder: Path) -> None:
        """Load the model from the folder of a checkpoint, with the weights memory-mapped."""

    def _save_checkpoint(self, folder: Path) -> None:
        """Save the model, which has an encoder of its own, as the folder of a checkpoint."""
        save_model(self.model, folder)

    def _check_cfg(self, cfg: Mapping[str, Any]) -> None:
        """Raise ValueError for invalid settings."""

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component. `path/model` is a checkpoint that Hugging Face's classes open.

        path (str | Path): The folder of the component.
        exclude (Iterable[str]): Fields to leave out: `cfg`, `vocab`, `model`.
        """
        write_folder(
            path,
            cfg=self.cfg,
            vocab=self.vocab,
            model=self.model,
            save=self._save_checkpoint,
            exclude=exclude,
        )

    def from_disk(self: PipeT, path: str | Path, *, exclude: Iterable[str] = ()) -> PipeT:
        """Load the component; the weights are memory-mapped.

        path (str | Path): The folder of the component.
        exclude (Iterable[str]): Fields to leave out: `cfg`, `vocab`, `model`.
        RETURNS (SavedPipe): The component itself.
        """
        read_folder(
            path,
            cfg=self.cfg,
            vocab=self.vocab,
            model=self.model,
            load=self._load_checkpoint,
            check=self._check_cfg,
            exclude=exclude,
        )
        return self

    def from_bytes(self: PipeT, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> PipeT:
        """Load the component from the output of `to_bytes`.

        bytes_data (bytes): The component.
        exclude (Iterable[str]): Fields to leave out: `cfg`, `vocab`, `model`.
        RETURNS (SavedPipe): The component itself.
        """
        read_bytes(
            bytes_data,
            cfg=self.cfg,
            vocab=self.vocab,
            model=self.model,
            check=self._check_cfg,
            exclude=exclude,
        )
        return self
