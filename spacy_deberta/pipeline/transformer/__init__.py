"""The component with the shared encoder."""

from .component import Deberta, make_deberta

__all__ = ["Deberta", "make_deberta"]
