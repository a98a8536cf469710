"""The factory `deberta_gliner`: texts and labels of any kind → `doc.ents` or `doc.spans`."""

from .component import make_gliner

__all__ = ["make_gliner"]
