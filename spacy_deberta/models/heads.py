"""The heads that there are: a new one is a file here, and an entry in `HEADS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spacy_deberta import checkpoints
from spacy_deberta.checkpoints import KerasModel

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

# From the modules that a head has beside the encoder, as checkpoints name them, to what each is.
Modules = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class HeadSpec:
    """What everybody but its own file has to know of a head.

    Attributes:
        module_class: The class. Its name is that of the architecture in a `config.json`.
        modules: The modules that its checkpoints have, for each way to store it: Hugging Face's
            first, if it has such a class.
        rows: What a row of its scores stands for: a piece, a sequence, or a piece that is asked
            for because it is a mask.
        labels: How the labels of a config make its outputs: "outputs" if there is one output for
            each of them; names, if it always has the same ones; None if they play no part.
        is_hugging_faces: Whether Hugging Face has a class of this name.
        keras: Its class of TensorFlow, if there is one.
    """

    module_class: type[DebertaV2WithHead]
    modules: tuple[Modules, ...]
    rows: Literal["pieces", "sequences", "masks"]
    labels: Literal["outputs"] | tuple[str, ...] | None = None
    is_hugging_faces: bool = True
    keras: KerasModel | None = None

    @property
    def architecture(self) -> str:
        """The class, as a `config.json` names it."""
        return self.module_class.__name__

    @property
    def has_labels(self) -> bool:
        """Whether it has one output for each label of the config."""
        return self.labels == "outputs"

    @property
    def own_labels(self) -> tuple[str, ...]:
        """The labels of a head that always has the same ones."""
        return self.labels if isinstance(self.labels, tuple) else ()


_CLASSIFIER = {"classifier": "classification head"}
_POOLED_CLASSIFIER = {"pooler": "pooler", **_CLASSIFIER}

# By the names that architectures and components give them.
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
    """The head of a class, or None if there is no such head.

    Args:
        architecture: The name of the class.
    """
    return next((spec for spec in HEADS.values() if spec.architecture == architecture), None)


def describe_extra(key: str) -> str | None:
    """What a parameter that a module does not need is, if it is one that released files hold.

    Args:
        key: A name as `KeyMap.to_ours` gives it.

    Returns:
        A few words, or None for a name that nobody knows.
    """
    module = key.partition(".")[0]
    for spec in HEADS.values():
        for modules in spec.modules:
            if module in modules:
                return modules[module]
    return checkpoints.describe_encoder_extra(key)
