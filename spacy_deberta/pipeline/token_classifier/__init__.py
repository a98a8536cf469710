"""The factory `deberta_token_classifier`: its component, and what only that needs."""

from .component import TokenClassifier, make_token_classifier

__all__ = ["TokenClassifier", "make_token_classifier"]
