"""The factory `deberta_fill_mask`: its component, and what only that needs."""

from .component import Filling, FillMask, make_fill_mask

__all__ = ["FillMask", "Filling", "make_fill_mask"]
