"""Maps parameter names between checkpoint layouts and this package."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spacy_deberta.checkpoints.names import list_names
from spacy_deberta.errors import Errors

BACKBONE_PREFIX = "deberta."
BACKBONE_PARTS = ("embeddings.", "encoder.")


@dataclass(frozen=True)
class KeyMap:
    """Parameter names of one checkpoint layout.

    Attributes:
        layout: Name of the layout in messages.
        renames: Pairs `(ours, theirs)`: different suffixes of names. All other names are equal.
        backbone_prefix: Prefix of the encoder's parameters: empty in files of the bare
            model, `bert.` in old files of Microsoft's.
    """

    layout: str
    renames: tuple[tuple[str, str], ...] = ()
    backbone_prefix: str = BACKBONE_PREFIX

    def to_ours(self, key: str) -> str:
        """Our name for a name in a file, with the prefix `deberta.` for the encoder."""
        if self.backbone_prefix and key.startswith(self.backbone_prefix):
            key = BACKBONE_PREFIX + key.removeprefix(self.backbone_prefix)
        for ours, theirs in self.renames:
            if key.endswith(theirs):
                key = key.removesuffix(theirs) + ours
        return with_backbone_prefix(key)

    def to_theirs(self, key: str) -> str:
        """The name in a file for our name; the inverse of `to_ours`."""
        for ours, theirs in self.renames:
            if key.endswith(ours):
                key = key.removesuffix(ours) + theirs
        if key.startswith(BACKBONE_PREFIX):
            return self.backbone_prefix + key.removeprefix(BACKBONE_PREFIX)
        return key


def with_backbone_prefix(key: str) -> str:
    """Add the prefix `deberta.` to the encoder's names, which files of the bare model lack."""
    return BACKBONE_PREFIX + key if key.startswith(BACKBONE_PARTS) else key


POSITIONS = "deberta.embeddings.position_embeddings.weight"


# Unused encoder parameters of released files, which are not an error.
KNOWN_EXTRAS: tuple[tuple[str, str], ...] = (
    (rf"{re.escape(POSITIONS)}$", "positions of the mask decoder"),
    (
        r"deberta\.embeddings\.(word|position)_embeddings\._weight$",
        "embedding delta of gradient-disentangled sharing, already summed into the embeddings",
    ),
    (r"deberta\.embeddings\.position_ids$", "a buffer of old releases"),
)


def describe_encoder_extra(key: str) -> str | None:
    """Describe an unused encoder parameter of released files.

    Args:
        key: A name as `KeyMap.to_ours` gives it.

    Returns:
        A short description, or None for an unknown name.
    """
    for pattern, description in KNOWN_EXTRAS:
        if re.match(pattern, key):
            return description
    return None


def refuse_without_encoder(keys: Iterable[str], *, source: str) -> None:
    """Raise if there are parameters, but none of an encoder.

    Args:
        keys: Names as `KeyMap.to_ours` gives them.
        source: The checkpoint's name, for messages.

    Raises:
        ValueError: There are only those of a head, an adapter or something else (E339).
    """
    found = list(keys)
    if found and not any(key.startswith(BACKBONE_PREFIX) for key in found):
        raise ValueError(Errors.E339.format(source=source, keys=list_names(found)))
