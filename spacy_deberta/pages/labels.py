"""Colours of labels."""

from collections.abc import Iterable

# Golden-angle steps around the hue circle, which keep any number of labels distinct.
_STEP, _FIRST = 137.5, 210.0


def choose_hues(labels: Iterable[str]) -> dict[str, int]:
    """Choose a hue for each label. The class `hue` of `style.css` makes colours of it.

    In a template: `<mark class="hue" style="--hue: {{ hues[label] }}">`.

    labels (Iterable[str]): The labels; their order does not matter.
    RETURNS (dict[str, int]): The hue of each label in degrees.
    """
    return {label: round(_FIRST + _STEP * i) % 360 for i, label in enumerate(sorted(set(labels)))}
