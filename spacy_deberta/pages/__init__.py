"""HTML pages: templates with escaped values, one style in light and dark, files written whole."""

from .html_file import write_html
from .labels import choose_hues
from .rendering import clean_text, make_environment, render_template

__all__ = ["choose_hues", "clean_text", "make_environment", "render_template", "write_html"]
