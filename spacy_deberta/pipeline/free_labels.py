"""The base class of components whose labels are settings, and not outputs of a head."""

from abc import abstractmethod
from collections.abc import Callable, Iterable

from spacy.training import Example

from .head_pipe import HeadPipe
from .labels import check_labels
from .settings import SettingsT, read_settings


class FreeLabelsPipe(HeadPipe[SettingsT]):
    """A component whose labels can be changed at any time.

    A subclass has the setting `labels`, and implements `_labels_of`.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels. They can be changed at any time."""
        _ = self.settings  # users may have changed `cfg`
        return tuple(self.cfg["labels"])

    @labels.setter
    def labels(self, labels: Iterable[str]) -> None:
        checked = check_labels(labels)
        read_settings(self.settings_class, {**self.cfg, "labels": checked})
        self.cfg["labels"] = checked

    def add_label(self, label: str) -> int:
        """Add a label.

        label (str): The label.
        RETURNS (int): 0 if it is there already, otherwise 1.
        """
        if label in self.labels:
            return 0
        self.labels = (*self.labels, label)
        return 1

    @abstractmethod
    def _labels_of(self, example: Example) -> Iterable[str]:
        """The labels in the gold annotation of an example."""

    def _take_labels(
        self, labels: list[str] | None, get_examples: Callable[[], Iterable[Example]]
    ) -> None:
        """Set the given labels, or if there are none at all, those of the data."""
        if labels is not None:
            self.labels = labels
        elif not self.labels:
            found = (label for example in get_examples() for label in self._labels_of(example))
            self.labels = tuple(dict.fromkeys(found))
