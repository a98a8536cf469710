"""What a config depends on: the components, and where it will be trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Optimize = Literal["cpu", "gpu"]


@dataclass(frozen=True)
class ConfigValues:
    """Values of a config that depend on the size of the model and of the data.

    Attributes:
        encoder: The checkpoint; None for random weights.
        gpu_allocator: In [system].
        accumulate_gradient: Batches for each update.
        batch_size: Words of a batch, padding included.
        patience: Updates without a better score until the training ends.
        max_steps: Maximum number of updates.
        warmup_steps: Updates until the learning rate is at its peak.
        eval_frequency: Updates between two evaluations.
        min_action_freq: Examples that a dependency label needs.
        min_tree_freq: Examples that an edit of the lemmatizer needs.
        dropout: Rate of dropout.
        from_scratch: The sizes of an encoder from random weights, as JSON.
        learn_rate: The highest learning rate; None to derive it from the width of the encoder.
        log: The file of the scores.
    """

    encoder: str | None
    gpu_allocator: str | None
    accumulate_gradient: int
    batch_size: int
    patience: int
    max_steps: int
    warmup_steps: int
    eval_frequency: int
    min_action_freq: int
    min_tree_freq: int
    dropout: float = 0.1
    from_scratch: str = "null"
    learn_rate: float | None = None
    log: str | None = None


OPTIMIZE: Mapping[Optimize, ConfigValues] = MappingProxyType(
    {
        "cpu": ConfigValues(
            encoder="deberta-v3-mini-en",
            gpu_allocator=None,
            accumulate_gradient=1,
            batch_size=1000,
            patience=400,
            max_steps=2000,
            warmup_steps=50,
            eval_frequency=50,
            min_action_freq=1,
            min_tree_freq=1,
        ),
        "gpu": ConfigValues(
            encoder="microsoft/deberta-v3-base",
            gpu_allocator="pytorch",
            accumulate_gradient=3,
            batch_size=2000,
            patience=1600,
            max_steps=20000,
            warmup_steps=250,
            eval_frequency=200,
            min_action_freq=5,
            min_tree_freq=3,
        ),
    }
)


@dataclass(frozen=True)
class DataSettings:
    """How training data is read.

    Attributes:
        comment: What the paths are.
        suffix: Of the files in the example.
        reader: The template of [corpora].
        batcher: The template of [training.batcher].
        batcher_comment: A comment above it.
        size_divisor: By which a batch is smaller, as each text is encoded several times.
        batch_size: Size of a batch that isn't counted in words.
    """

    comment: str = "# Your data, as `spacy convert` or `spacy deberta prepare` writes it."
    suffix: str = "spacy"
    reader: str = "docs"
    batcher: str = "words"
    batcher_comment: str = ""
    size_divisor: int = 1
    batch_size: int | None = None

    @property
    def train(self) -> str:
        """The name of an example file for training."""
        return f"train.{self.suffix}"

    @property
    def dev(self) -> str:
        """The name of an example file for evaluation."""
        return f"dev.{self.suffix}"


@dataclass(frozen=True)
class HeadSettings:
    """A component that has an encoder and training data of its own.

    Attributes:
        name: The name of the component.
        task: What it is trained for.
        labels: The comment on its labels; None if there is no head.
        data: How its training data is read.
    """

    name: str
    task: str
    labels: str | None
    data: DataSettings = field(default_factory=DataSettings)


_NO_LABELS = "# There are none."
HEADS: Mapping[str, HeadSettings] = MappingProxyType(
    {
        "deberta_token_classifier": HeadSettings(
            name="token_classifier",
            task="find entities",
            labels='# The labels in their order, such as ["O","B-PER","I-PER"]; null takes B and I '
            "of the data's types.",
        ),
        "deberta_sequence_classifier": HeadSettings(
            name="classifier",
            task="classify texts",
            labels="# The labels in their order; null takes those of the data.",
        ),
        "deberta_question_answering": HeadSettings(
            name="answers",
            task="answer questions from texts",
            labels=_NO_LABELS,
            data=DataSettings(
                comment="# Your data: JSON in the format of SQuAD 1.1 or 2.0.",
                suffix="json",
                reader="squad",
                batcher="sequences",
                batcher_comment="# Paragraphs, each with all its questions: a sequence for each "
                "question and window.",
                batch_size=2,
            ),
        ),
        "deberta_multiple_choice": HeadSettings(
            name="choice",
            task="choose among answers",
            labels="# There are none: the head has one score for each choice.",
            data=DataSettings(
                comment="# Your data: .tsv or .jsonl with one question a line, see "
                "[corpora.train].",
                suffix="tsv",
                reader="choices",
                batcher_comment="# Sizes are those of the questions; each of them is read with "
                "each of its choices.",
                size_divisor=2,
            ),
        ),
        "deberta_vectors": HeadSettings(
            name="vectors",
            task="measure the similarity of texts",
            labels=None,
            data=DataSettings(
                comment="# Your data: .csv, .tsv or .jsonl with two texts and a score, see "
                "[corpora.train].",
                suffix="csv",
                reader="pairs",
                batcher_comment="# Sizes are those of the first texts.",
                size_divisor=2,
            ),
        ),
    }
)

# Why there is no config for some components of the package.
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "deberta": "the encoder is added before the components that listen to it",
        "deberta_gliner": "that of 'deberta_gliner' is configs/gliner.cfg in the repository, "
        "which starts from a GLiNER",
    }
)
# What components are trained for, in the first line of a config.
TASKS: Mapping[str, str] = MappingProxyType(
    {
        "ner": "named entity recognition",
        "textcat": "text classification",
        "textcat_multilabel": "text classification",
        "spancat": "span categorization",
        "spancat_singlelabel": "span categorization",
        "tagger": "tagger",
        "morphologizer": "morphologizer",
        "trainable_lemmatizer": "lemmatizer",
        "parser": "parser",
        "senter": "sentence recognizer",
    }
)
# What is special about a component if it is alone.
DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "textcat": ", with one label for each document",
        "textcat_multilabel": ", with any number of labels for each document",
        "spancat": ", with spans that may overlap and have several labels",
        "spancat_singlelabel": ", with at most one label for each span",
    }
)
SEVERAL = """\
# Each document is encoded once for all of them, and their gradients are summed. Take out what your
# data does not annotate, from `pipeline` as well as from [components]; its scores may stay in
# [training.score_weights]."""
PARSER_AND_SENTER = """\
# The parser, which comes first, finds sentences as well, and the senter does not overwrite them.
# Load the pipeline with exclude=["parser"] for sentences that are found faster."""
