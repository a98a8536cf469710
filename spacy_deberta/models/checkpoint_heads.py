"""Which heads a checkpoint has, by the names of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from spacy_deberta.checkpoints import BACKBONE_PREFIX, Weights, detect_key_map
from spacy_deberta.nn import DebertaV2Config

from .heads import HeadSpec, describe_extra, find_spec


@dataclass(frozen=True)
class CheckpointHeads:
    """The heads of a checkpoint.

    Attributes:
        modules: What it has beside the encoder, by the first part of its names: what it is.
        architectures: The classes that its config names.
    """

    modules: Mapping[str, str]
    architectures: tuple[str, ...]

    def fits(self, spec: HeadSpec) -> bool:
        """Whether the checkpoint was made by the class of a head.

        Several classes have the same names of parameters: there, the config decides if it says
        anything.

        Args:
            spec: The head.
        """
        named = map(find_spec, self.architectures)
        declared = [other for other in named if other is not None and self._has(other)]
        return self._has(spec) and (not declared or spec in declared)

    def _has(self, spec: HeadSpec) -> bool:
        return any(modules.keys() <= self.modules.keys() for modules in spec.modules)

    def __str__(self) -> str:
        """What there is, in words, for a message."""
        if not self.modules:
            return "no head"
        found = ", ".join(f"{name} ({text})" for name, text in self.modules.items())
        declared = f"; it is a {self.architectures[0]}" if self.architectures else ""
        return found + declared


def find_heads(weights: Weights, config: DebertaV2Config) -> CheckpointHeads:
    """Say which heads a checkpoint has.

    Args:
        weights: Its parameters, as `read_weights` gives them.
        config: Its config.

    Returns:
        Its heads, those that nobody knows included.
    """
    key_map = detect_key_map(weights)
    modules: dict[str, str] = {}
    for key in map(key_map.to_ours, weights):
        if not key.startswith(BACKBONE_PREFIX):
            modules.setdefault(key.partition(".")[0], describe_extra(key) or "unknown")
    declared = config.extra.get("architectures") or ()
    return CheckpointHeads(modules, tuple(name.removeprefix("TF") for name in declared))
