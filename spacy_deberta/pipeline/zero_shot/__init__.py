"""The factory `deberta_zero_shot`: its component, and what only that needs."""

from .component import ZeroShot, make_zero_shot

__all__ = ["ZeroShot", "make_zero_shot"]
