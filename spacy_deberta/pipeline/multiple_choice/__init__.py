"""The factory `deberta_multiple_choice`: its component, and what only that needs."""

from .component import Choice, MultipleChoice, make_multiple_choice

__all__ = ["Choice", "MultipleChoice", "make_multiple_choice"]
