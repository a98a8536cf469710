"""The tasks of the comparison: components, training budget and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIGS = Path(__file__).parents[2] / "configs"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The training budget.

    Args:
        steps: Updates of all contenders, except for `cnn_long`.
        long_steps: Updates of `cnn_long`: with its smaller batches, these have at least as many
            words as the `steps` of the encoders.
        batch_size: Words in a batch of the encoders, with padding.
        warmup_steps: Updates until the peak learning rate of the encoders, which then decays to 0.
        evaluations: Number of evaluations on the development data, to keep the best model.
    """

    steps: int
    long_steps: int
    batch_size: int
    warmup_steps: int
    evaluations: int = 5


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task.

    Args:
        name: Its name on the command line.
        title: Its name in the report.
        config: File in `configs/` that trains it on an encoder.
        components: Those that listen to the encoder.
        scores: The compared scores: spaCy's names, and their names in the report. The best
            model is the one with the best mean of them on the development data.
        gold_sentences: Whether documents are split into their sentences, with the tokens of the
            data.
        budget: The training budget.
    """

    name: str
    title: str
    config: str
    components: tuple[str, ...]
    scores: Mapping[str, str]
    gold_sentences: bool
    budget: Budget


_TASKS = (
    Task(
        name="wnut17",
        title="WNUT17 test",
        config="ner.cfg",
        components=("ner",),
        scores={"ents_f": "F"},
        gold_sentences=False,
        budget=Budget(steps=1000, long_steps=3000, batch_size=500, warmup_steps=100),
    ),
    Task(
        name="banking77",
        title="banking77 test, 10 examples a class",
        config="textcat.cfg",
        components=("textcat",),
        scores={"cats_micro_f": "accuracy"},
        gold_sentences=False,
        budget=Budget(steps=1000, long_steps=3000, batch_size=500, warmup_steps=100),
    ),
    Task(
        name="ud_ewt",
        title="UD-EWT dev",
        config="multitask.cfg",
        components=("tagger", "parser"),
        scores={"tag_acc": "tagging accuracy", "dep_las": "LAS"},
        gold_sentences=True,
        budget=Budget(steps=1000, long_steps=3000, batch_size=500, warmup_steps=100),
    ),
)
TASKS: Mapping[str, Task] = {task.name: task for task in _TASKS}
