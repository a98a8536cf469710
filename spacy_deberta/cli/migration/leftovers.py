"""Settings of another package that are left in blocks of ours."""

from collections.abc import Iterator
from typing import Any

from thinc.api import Config

from .names import DROPPED, ENCODER_SETTINGS, OURS, PIPE_SETTINGS, WINDOWS
from .references import resolve


def find_old_settings(config: Config) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Find settings that spaCy refuses without naming a way out.

    Args:
        config: The config, not interpolated.

    Yields:
        The dotted name of a section, the section, and the setting, a key of `DROPPED`.
    """
    components = resolve(config, config.get("components"))
    for name, component in components.items() if isinstance(components, dict) else ():
        if isinstance(component, dict) and resolve(config, component.get("factory")) == "deberta":
            yield from _found(f"components.{name}", component, PIPE_SETTINGS)
    for place, block in blocks(config):
        if str(resolve(config, block.get("@architectures"))).startswith(OURS):
            yield from _found(place, block, ENCODER_SETTINGS)
        elif resolve(config, block.get("@span_getters")) == WINDOWS["@span_getters"]:
            yield from _found(place, block, ("stride",))


def blocks(config: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and contents of all sections with a registered function."""
    if not isinstance(config, dict):
        return
    if any(key.startswith("@") for key in config):
        yield place, config
    for key, value in config.items():
        yield from blocks(value, f"{place}.{key}" if place else key)


def _found(
    place: str, block: dict[str, Any], settings: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any], str]]:
    assert DROPPED.keys() >= set(settings)
    yield from ((place, block, key) for key in settings if key in block)
