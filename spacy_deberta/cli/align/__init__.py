"""`spacy deberta align`: the command, and its two ways to show an alignment."""

from .command import align

__all__ = ["align"]
