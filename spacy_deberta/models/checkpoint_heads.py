"""Which heads a checkpoint has, by the names of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from spacy_deberta.checkpoints import BACKBONE_PREFIX, Weights, describe_extra, detect_key_map
from spacy_deberta.nn import DebertaV2Config

# For each class the modules beside the encoder that its checkpoints have; one of several ways.
HEAD_MODULES: Mapping[str, tuple[frozenset[str], ...]] = {
    "DebertaV2ForMaskedLM": (frozenset({"lm_predictions"}), frozenset({"cls"})),
    "DebertaV2ForSequenceClassification": (frozenset({"pooler", "classifier"}),),
    "DebertaV2ForMultipleChoice": (frozenset({"pooler", "classifier"}),),
    "DebertaV2ForTokenClassification": (frozenset({"classifier"}),),
    "DebertaV2ForQuestionAnswering": (frozenset({"qa_outputs"}),),
    "DebertaV2ForReplacedTokenDetection": (frozenset({"mask_predictions"}),),
}


@dataclass(frozen=True)
class CheckpointHeads:
    """The heads of a checkpoint.

    Attributes:
        modules: What it has beside the encoder, by the first part of its names: what it is.
        architectures: The classes that its config names.
    """

    modules: Mapping[str, str]
    architectures: tuple[str, ...]

    def fits(self, class_name: str) -> bool:
        """Whether the checkpoint was made by a class.

        Several classes have the same names of parameters: there, the config decides if it says
        anything.

        Args:
            class_name: A key of `HEAD_MODULES`.
        """
        declared = [name for name in self.architectures if self._could_be(name)]
        return self._could_be(class_name) and (not declared or class_name in declared)

    def _could_be(self, class_name: str) -> bool:
        present = self.modules.keys()
        return any(modules <= present for modules in HEAD_MODULES.get(class_name, ()))

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
