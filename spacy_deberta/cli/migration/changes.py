"""What a migration returns."""

from dataclasses import dataclass

from thinc.api import Config


@dataclass(frozen=True)
class Change:
    """One change of a config.

    Attributes:
        place: Dotted name of the section or setting.
        what: The change and its reason.
    """

    place: str
    what: str


@dataclass(frozen=True)
class Migration:
    """A config for our encoder.

    Attributes:
        config: The new config. The original is not modified.
        changes: The changes, in the order of the config.
        unchecked: The checkpoints that were kept although their names don't say what they are, by
            the dotted names of their settings.
    """

    config: Config
    changes: tuple[Change, ...]
    unchecked: dict[str, str]
