"""The factory `deberta_token_classifier` and its component."""

from .component import TokenClassifier, make_token_classifier

__all__ = ["TokenClassifier", "make_token_classifier"]
