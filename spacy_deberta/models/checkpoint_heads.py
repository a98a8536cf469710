"""Detection of a checkpoint's heads by its parameter names."""

from collections.abc import Mapping
from dataclasses import dataclass

from spacy_deberta.checkpoints import BACKBONE_PREFIX, Weights, detect_key_map
from spacy_deberta.nn import DebertaV2Config

from .heads import HeadSpec, find_spec
from .loading.extras import describe_extra


@dataclass(frozen=True)
class CheckpointHeads:
    """The heads of a checkpoint.

    Attributes:
        modules: Descriptions of the modules beside the encoder, by the first part of their names.
        architectures: The classes named in its config.
    """

    modules: Mapping[str, str]
    architectures: tuple[str, ...]

    def fits(self, spec: HeadSpec) -> bool:
        """Whether the checkpoint was made by the class of a head.

        Several classes share parameter names; among those, the config's `architectures` decides,
        if present.

        Args:
            spec: The head.
        """
        named = map(find_spec, self.architectures)
        declared = [other for other in named if other is not None and self._has(other)]
        return self._has(spec) and (not declared or spec in declared)

    def _has(self, spec: HeadSpec) -> bool:
        return any(modules.keys() <= self.modules.keys() for modules in spec.modules)

    def __str__(self) -> str:
        """Description for messages."""
        if not self.modules:
            return "no head"
        found = ", ".join(f"{name} ({text})" for name, text in self.modules.items())
        declared = f"; it is a {self.architectures[0]}" if self.architectures else ""
        return found + declared


def find_heads(weights: Weights, config: DebertaV2Config) -> CheckpointHeads:
    """Detect the heads of a checkpoint.

    Args:
        weights: Its parameters, as `read_weights` gives them.
        config: Its config.

    Returns:
        Its heads, including unknown ones.
    """
    key_map = detect_key_map(weights)
    modules: dict[str, str] = {}
    for key in map(key_map.to_ours, weights):
        if not key.startswith(BACKBONE_PREFIX):
            modules.setdefault(key.partition(".")[0], describe_extra(key) or "unknown")
    declared = config.extra.get("architectures") or ()
    return CheckpointHeads(modules, tuple(name.removeprefix("TF") for name in declared))
