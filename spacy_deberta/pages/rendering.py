"""Renders Jinja templates. All values are escaped."""

from functools import cache
from typing import Any

import jinja2

# Control characters are not valid in HTML, and lone surrogates can't be encoded.
_CONTROLS = (*range(9), 11, 12, *range(14, 32), 127)
_REPLACED = dict.fromkeys([*_CONTROLS, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}")


def clean_text(text: str) -> str:
    """Replace characters that HTML can't contain, one by one, so that offsets stay valid.

    text (str): Any text.
    RETURNS (str): A text of the same length.
    """
    return text.translate(_REPLACED)


@cache
def make_environment(package: str) -> jinja2.Environment:
    """Make the environment of the templates in the folder `templates` of a package.

    They can extend `base.html`, which includes `style.css`. Both are in this package.

    package (str): The package's name.
    RETURNS (jinja2.Environment): It escapes all values, also in templates of CSS.
    """
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(name, "templates") for name in (package, __package__)]
        ),
        autoescape=True,
        finalize=lambda value: clean_text(value) if isinstance(value, str) else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_template(package: str, template: str, /, **values: Any) -> str:
    """Render a template of a package.

    package (str): The package's name.
    template (str): Its file name.
    **values (Any): The values that it shows.
    RETURNS (str): The page.
    """
    return make_environment(package).get_template(template).render(**values)
