"""The factory `deberta_fill_mask` and its component."""

from .component import Filling, FillMask, make_fill_mask

__all__ = ["FillMask", "Filling", "make_fill_mask"]
