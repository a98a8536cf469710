"""Registry of heads. A new head is a file here and an entry in `HEADS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spacy_deberta.checkpoints import KerasModel

from .loading.extras import set_known_heads
from .masked_lm import DebertaV2ForMaskedLM
from .multiple_choice import DebertaV2ForMultipleChoice
from .question_answering import DebertaV2ForQuestionAnswering
from .replaced_token_detection import DebertaV2ForReplacedTokenDetection
from .sequence_classification import DebertaV2ForSequenceClassification
from .token_classification import DebertaV2ForTokenClassification
from .with_head import DebertaV2WithHead

__all__ = [
    "HEADS",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "HeadSpec",
]

# Descriptions of a head's modules beside the encoder, by their names in checkpoints.
Modules = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class HeadSpec:
    """Specification of a head for the rest of the package.

    Attributes:
        module_class: The class. Its name is that of the architecture in a `config.json`.
        modules: The modules in its checkpoints, for each storage layout: Hugging Face's first, if
            it has such a class.
        rows: What a row of its logits stands for: a piece, a sequence, or a requested (masked)
            piece.
        labels: How the config's labels determine its outputs: "outputs" for one output per label;
            names for a fixed set; None if labels are not used.
        is_hugging_faces: Whether Hugging Face has a class of this name.
        keras: Its TensorFlow class, if any.
    """

    module_class: type[DebertaV2WithHead]
    modules: tuple[Modules, ...]
    rows: Literal["pieces", "sequences", "masks"]
    labels: Literal["outputs"] | tuple[str, ...] | None = None
    is_hugging_faces: bool = True
    keras: KerasModel | None = None

    @property
    def architecture(self) -> str:
        """The class name, as in a `config.json`."""
        return self.module_class.__name__

    @property
    def has_labels(self) -> bool:
        """Whether it has one output per label of the config."""
        return self.labels == "outputs"

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The labels of a head with a fixed set."""
        return self.labels if isinstance(self.labels, tuple) else ()


_CLASSIFIER = {"classifier": "classification head"}
_POOLED_CLASSIFIER = {"pooler": "pooler", **_CLASSIFIER}

# By their names in architectures and components.
HEADS: dict[str, HeadSpec] = {
    "masked_lm": HeadSpec(
        module_class=DebertaV2ForMaskedLM,
        modules=(
            {"cls": "masked language modelling head (Hugging Face's legacy layout)"},
            {"lm_predictions": "masked language modelling head (enhanced mask decoder)"},
        ),
        rows="masks",
        keras=KerasModel(
            name="tf_deberta_v2_for_masked_lm",
            layers=("deberta", "cls"),
            uses_embeddings=frozenset({"cls"}),
        ),
    ),
    "sequence_classification": HeadSpec(
        module_class=DebertaV2ForSequenceClassification,
        modules=(_POOLED_CLASSIFIER,),
        rows="sequences",
        labels="outputs",
        keras=KerasModel(
            name="tf_deberta_v2_for_sequence_classification",
            layers=("deberta", "pooler", "cls_dropout", "classifier"),
        ),
    ),
    "multiple_choice": HeadSpec(
        module_class=DebertaV2ForMultipleChoice,
        modules=(_POOLED_CLASSIFIER,),
        rows="sequences",
        keras=KerasModel(
            name="tf_deberta_v2_for_multiple_choice",
            layers=("deberta", "dropout", "pooler", "classifier"),
        ),
    ),
    "token_classification": HeadSpec(
        module_class=DebertaV2ForTokenClassification,
        modules=(_CLASSIFIER,),
        rows="pieces",
        labels="outputs",
        keras=KerasModel(
            name="tf_deberta_v2_for_token_classification",
            layers=("deberta", "dropout", "classifier"),
        ),
    ),
    "question_answering": HeadSpec(
        module_class=DebertaV2ForQuestionAnswering,
        modules=({"qa_outputs": "question answering head"},),
        rows="pieces",
        labels=("LABEL_0", "LABEL_1"),
        keras=KerasModel(
            name="tf_deberta_v2_for_question_answering", layers=("deberta", "qa_outputs")
        ),
    ),
    "replaced_token_detection": HeadSpec(
        module_class=DebertaV2ForReplacedTokenDetection,
        modules=({"mask_predictions": "replaced token detection head"},),
        rows="pieces",
        is_hugging_faces=False,
    ),
}


def find_spec(architecture: str) -> HeadSpec | None:
    """Look up the head of a class; None if unknown.

    Args:
        architecture: Name of the class.
    """
    return next((spec for spec in HEADS.values() if spec.architecture == architecture), None)


set_known_heads(HEADS.values())
