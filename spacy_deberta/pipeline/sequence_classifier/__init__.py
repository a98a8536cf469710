"""The factory `deberta_sequence_classifier`: its component, and what only that needs."""

from .component import SequenceClassifier, make_sequence_classifier

__all__ = ["SequenceClassifier", "make_sequence_classifier"]
