"""The component `deberta_vectors`: vectors of documents, spans and tokens."""

from .component import Vectors, make_vectors
from .hooks import restore_vectors

__all__ = ["Vectors", "make_vectors", "restore_vectors"]
