"""The base class of all components with a head."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic

from spacy.language import Language
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from spacy_deberta.errors import Errors, check_flag
from spacy_deberta.layers import (
    FINE_TUNED,
    Loss,
    Sequences,
    get_labels,
    initialize_head,
    is_initialized,
    load_head,
    loss_gradient,
    name_component,
    share_encoder,
    without_output,
)

from .doc_methods import add_doc_method
from .labels import check_labels
from .saved_pipe import SavedPipe
from .settings import SettingsT, read_settings, to_cfg


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """The input of an update and its loss function.

    Attributes:
        sequences: The packed sequences.
        loss: Maps the model's scores for them, a tensor of the shape that `deberta_with_head`
            documents, to a scalar.
    """

    sequences: Sequences
    loss: Loss


class HeadPipe(SavedPipe, Generic[SettingsT]):
    """A component on a DeBERTa-v2 with a head.

    A subclass sets its factory, its head, the class of its settings, and `wanted`, a description of
    checkpoints with such a head for messages; and `doc_method`, if a method of it is to be called
    as `doc._.<method>`. It implements `predict`, `set_annotations` and `training_batch`;
    and `gold_labels` if the head has labels, or `has_gold` if it has none.

    Args:
        vocab: The vocabulary of the pipeline.
        model: `spacy-deberta.DebertaV2WithHead.v1`.
        name: The component's name in the pipeline; None for that of the factory.
        scorer: The scoring method.
        settings: Fields of `settings_class`. They are stored in `cfg`, which spaCy saves.

    Raises:
        ValueError: The model has another head (E605).
    """

    factory: ClassVar[str]
    head: ClassVar[str]
    settings_class: type[SettingsT]
    doc_method: ClassVar[str | None] = None
    wanted: str = FINE_TUNED

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str | None = None,
        *,
        scorer: Callable[..., dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        name = self.factory if name is None else name
        cfg = to_cfg(self.settings_class(**settings))
        found = model.attrs.get("head")
        if found != self.head:
            raise ValueError(Errors.E605.format(component=name, expected=self.head, found=found))
        name_component(model, name)
        super().__init__(vocab, model, name, **cfg)
        self.scorer = scorer
        # spaCy expects these on components that others depend on.
        self.listeners: list[Model] = []
        self.listener_map: dict[str, list[Model]] = {}
        self.listening_components: list[str] = []
        if self.doc_method is not None:
            add_doc_method(self.doc_method, self, self.doc_method)

    @property
    def settings(self) -> SettingsT:
        """The checked settings of `cfg`.

        RETURNS (SettingsT): A frozen dataclass.
        """
        return read_settings(self.settings_class, self.cfg)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the head in the order of its outputs; none before initialization."""
        return get_labels(self.model)

    @property
    def label_data(self) -> list[str]:
        """The labels, as `spacy init labels` writes them and `initialize` takes them."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Refuse a new label: a trained head has a fixed number of outputs.

        label (str): The label.
        RETURNS (int): 0 if the head has it already.
        """
        if label in self.labels:
            return 0
        raise ValueError(Errors.E606.format(component=self.name))

    @abstractmethod
    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make the batch of an update, or None if the examples have no gold annotation."""

    def gold_labels(self, examples: Iterable[Example]) -> list[str]:
        """The labels of training data, for a new head."""
        return []

    def unknown_labels(self, labels: Sequence[str], known: Sequence[str]) -> list[str]:
        """Labels of training data that the head lacks.

        labels (Sequence[str]): The labels of the data, from `gold_labels`.
        known (Sequence[str]): The labels of the head.
        RETURNS (list[str]): The missing labels.
        """
        return without_output(labels, known)

    def check_head(self) -> None:
        """Raise an error at initialization for a head that this component can't use."""

    def has_gold(self, examples: Iterable[Example]) -> bool:
        """Whether the examples have gold annotation for a new head without labels."""
        return False

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
        new_head: bool = False,
    ) -> None:
        """Load weights and vocabulary from the source in the config.

        Without training data, the checkpoint is used as it is. A head that it lacks, or that
        `new_head` replaces, starts with random weights and the labels of the data.

        get_examples (Callable[[], Iterable[Example]]): Returns the training data, if there is any.
        nlp (Language | None): The pipeline.
        labels (list[str] | None): The labels, instead of those found in the data.
        new_head (bool): Whether to replace the head of the checkpoint by a new one.
        """
        check_flag("new_head", new_head)
        labels = None if labels is None else check_labels(labels)
        validate_get_examples(get_examples, f"{type(self).__name__}.initialize")
        if is_initialized(self.model):
            return
        if labels is None:
            labels = self.gold_labels(get_examples())
        initialize_head(
            self.model,
            labels=labels,
            new_head=new_head,
            trainable=self.has_gold(get_examples()),
            unknown_labels=self.unknown_labels,
            wanted=self.wanted,
            **self.config_values(),
        )
        self.check_head()

    def config_values(self) -> dict[str, Any]:
        """Fields of `DebertaV2Config` that depend on the settings of the component."""
        return {}

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        examples (Iterable[Example]): The batch.
        drop (float): The dropout rate.
        sgd (Optimizer | None): If given, the weights are updated at once.
        losses (dict[str, float] | None): Updated with the loss.
        RETURNS (dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        set_dropout_rate(self.model, drop)
        batch = self.training_batch(examples)
        if batch is None:
            return losses
        scores, backprop = self.model.begin_update(batch.sequences)
        loss, d_scores = loss_gradient(scores, batch.loss)
        backprop(d_scores)
        losses[self.name] += loss
        if sgd not in (None, False):
            self.finish_update(sgd)
        return losses

    def find_listeners(self, component: Any) -> None:
        """Share the encoder with a later component whose config asks for it.

        component (Any): A component that comes after this one.
        """
        share_encoder(self.model, self.name, component)

    def add_listener(self, listener: Model, component_name: str) -> None:
        """Do nothing: this component has no listeners."""

    def remove_listener(self, listener: Model, component_name: str) -> bool:
        """Do nothing: this component has no listeners."""
        return False

    def _load_checkpoint(self, folder: Path) -> None:
        """Load encoder and head from the folder of a checkpoint."""
        load_head(self.model, folder)

    def _check_cfg(self, cfg: Mapping[str, Any]) -> None:
        """Raise ValueError for invalid settings."""
        read_settings(self.settings_class, cfg)
