"""Figures of matplotlib as SVG, readable on light and dark pages. matplotlib is imported late."""

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID, ACCENT = "#3b4252", "#e3e6ec", "#4c78a8"
COLORS = (ACCENT, "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#d4a72c")
_PAPER = "#ffffff"
# Colours that change with the theme; all others are readable on both.
_DARK = {INK: "#c9ced6", GRID: "#363b42", _PAPER: "#15171a"}

_SETTINGS: dict[Any, Any] = {
    # Text stays text, in the fonts of the browser.
    "svg.fonttype": "none",
    "svg.hashsalt": "spacy-deberta",
    "font.family": "sans-serif",
    "font.size": 9,
    # A label like "$x$" is not a formula.
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": _PAPER,
    "axes.facecolor": "none",
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
# Ids without references, which would be duplicated across plots, and a global style.
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", flags=re.DOTALL)
_START = re.compile(r"<svg [^>]*>")
# Without `svg` before them: copies of markers have no such ancestor.
_RULES = "".join(
    f'[style*="{name}: {light}"] {{ {name}: {dark} !important }}\n'
    for light, dark in _DARK.items()
    for name in ("fill", "stroke")
)
_THEME = (
    "<style>\nsvg * { stroke-linejoin: round; stroke-linecap: butt }\n"
    f"@media (prefers-color-scheme: dark) {{\n{_RULES}}}\n</style>"
)


def can_plot() -> bool:
    """Whether matplotlib can be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def draw_svg(
    draw: Callable[["Figure"], None], *, width: float, height: float, in_page: bool = False
) -> str:
    """Draw a figure.

    draw (Callable[[Figure], None]): Draws into an empty figure.
    width (float): Inches.
    height (float): Inches.
    in_page (bool): Whether it becomes a part of a page: then it has no background, and is no file.
    RETURNS (str): SVG.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    stream = io.StringIO()
    with rc_context(_SETTINGS), warnings.catch_warnings():
        # matplotlib's font lacks glyphs of some scripts, but the browser renders them.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", metadata=_NO_METADATA, transparent=in_page)
    svg = _STYLE.sub("", _GROUP_ID.sub("<g", stream.getvalue()))
    if in_page:
        svg = svg[svg.index("<svg") :]
    return _START.sub(lambda start: start[0] + _THEME, svg, count=1)


def count_steps(axes: "Axes") -> None:
    """Label the horizontal axis with whole steps.

    axes (Axes): The axes.
    """
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
