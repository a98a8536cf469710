"""The factory `deberta_zero_shot` and its component."""

from .component import ZeroShot, make_zero_shot

__all__ = ["ZeroShot", "make_zero_shot"]
