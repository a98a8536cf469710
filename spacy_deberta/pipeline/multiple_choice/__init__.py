"""The factory `deberta_multiple_choice` and its component."""

from .component import Choice, MultipleChoice, make_multiple_choice

__all__ = ["Choice", "MultipleChoice", "make_multiple_choice"]
