"""The factory `deberta_sequence_classifier` and its component."""

from .component import SequenceClassifier, make_sequence_classifier

__all__ = ["SequenceClassifier", "make_sequence_classifier"]
