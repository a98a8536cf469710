"""`spacy deberta align`: shows an alignment as a table or an HTML page."""

from .command import align

__all__ = ["align"]
