"""The contenders, and the spaCy config that trains each of them on a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly
from spacy.cli.init_config import init_config
from spacy.util import load_config
from thinc.api import Config

from benchmarks.saving import STOCK
from spacy_deberta.nn import DebertaV2Config

from .tasks import CONFIGS, Task

# Config fields of an encoder's architecture, except for the vocabulary.
ARCHITECTURE = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "relative_attention",
    "max_relative_positions",
    "position_biased_input",
    "pos_att_type",
    "position_buckets",
    "norm_rel_ebd",
    "share_att_key",
    "conv_kernel_size",
    "conv_groups",
    "conv_act",
)
# Peak learning rates to try.
RATES = (3e-4, 6e-4, 1.2e-3)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A contender.

    Args:
        name: Its name on the command line.
        title: Its name in the report.
        make_config: Makes the config from the task, the folder of the model, and a learning rate.
        tasks: Names of its tasks; empty for all.
        rates: Learning rates to try on the development data; empty for that of its config.
        rate_of: Another contender, whose learning rate it uses.
        paths: Values of the config's `[paths]`, relative to the folder of the model.
        files: Names of the model's files that the scores depend on.
    """

    name: str
    title: str
    make_config: Callable[[Task, Path, float | None], Config]
    tasks: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    rate_of: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def mini_config(task: Task, model: Path, rate: float | None) -> Config:
    """The component of this package, on the pretrained model."""
    return _encoder_config(task, rate)


def scratch_config(task: Task, model: Path, rate: float | None) -> Config:
    """The same architecture and vocabulary, from random weights."""
    config = _encoder_config(task, rate)
    config["paths"] |= {"encoder": None, "vocabulary": None}
    encoder = DebertaV2Config.from_dict(srsly.read_json(model / "config.json"))
    config["components"]["transformer"]["model"]["from_scratch"] = {
        "vocabulary": "${paths.vocabulary}",
        **{name: getattr(encoder, name) for name in ARCHITECTURE},
        "pos_att_type": list(encoder.pos_att_type),
    }
    return config


def stock_config(task: Task, model: Path, rate: float | None) -> Config:
    """The pretrained model in the wrapper of spacy-transformers, as `spacy init config` sets it."""
    config = _encoder_config(task, rate)
    null_setter = "spacy-transformers.null_annotation_setter.v1"
    config["components"]["transformer"] = {
        "factory": STOCK["factory"],
        "max_batch_items": 4096,
        "set_extra_annotations": {"@annotation_setters": null_setter},
        "model": {
            **STOCK["model"],
            "name": "${paths.encoder}",
            "transformer_config": {},
            "mixed_precision": False,
            "grad_scaler_config": {},
        },
    }
    return config


def cnn_config(task: Task, model: Path, rate: float | None) -> Config:
    """The config of `spacy init config --optimize efficiency`."""
    config = init_config(
        lang="en", pipeline=list(task.components), optimize="efficiency", gpu=False, silent=True
    )
    return _with_budget(config, task, steps=task.budget.steps)


def long_cnn_config(task: Task, model: Path, rate: float | None) -> Config:
    """The same, trained on as many words as the encoders."""
    config = cnn_config(task, model, rate)
    return _with_budget(config, task, steps=task.budget.long_steps)


def _encoder_config(task: Task, rate: float | None) -> Config:
    config = load_config(CONFIGS / task.config, interpolate=False)
    pipeline = ["transformer", *task.components]
    config["nlp"]["pipeline"] = pipeline
    config["components"] = {name: config["components"][name] for name in pipeline}
    # Otherwise the scores would depend on the instructions of the processor.
    config["components"]["transformer"]["model"]["precision"] = "fp32"
    training = config["training"]
    training["accumulate_gradient"] = 1
    training["batcher"]["size"] = task.budget.batch_size
    training["optimizer"]["learn_rate"] |= {
        "initial_rate": rate,
        "warmup_steps": task.budget.warmup_steps,
        "total_steps": task.budget.steps,
    }
    return _with_budget(config, task, steps=task.budget.steps)


def _with_budget(config: Config, task: Task, *, steps: int) -> Config:
    """Set the number of steps, and keep the best model by the compared scores."""
    training = config["training"]
    training |= {
        "max_steps": steps,
        "max_epochs": 0,
        "patience": 0,
        "eval_frequency": -(-steps // task.budget.evaluations),
    }
    weights: dict[str, Any] = dict.fromkeys(training.get("score_weights", {}))
    training["score_weights"] = weights | dict.fromkeys(task.scores, 1 / len(task.scores))
    for corpus in ("train", "dev"):
        config["corpora"][corpus]["gold_preproc"] = task.gold_sentences
    return config


_CONTENDERS = (
    Contender(
        name="mini",
        title="pretrained",
        make_config=mini_config,
        rates=RATES,
        paths={"encoder": "."},
        files=("config.json", "model.safetensors", "spm.model"),
    ),
    Contender(
        name="scratch",
        title="the same from scratch",
        make_config=scratch_config,
        rates=RATES,
        paths={"vocabulary": "spm.model"},
        files=("spm.model",),
    ),
    Contender(name="cnn", title="`--optimize efficiency`, as many steps", make_config=cnn_config),
    Contender(
        name="cnn_long",
        title="`--optimize efficiency`, as many words",
        make_config=long_cnn_config,
    ),
    Contender(
        name="stock",
        title="pretrained, in spacy-transformers",
        make_config=stock_config,
        tasks=("wnut17",),
        rate_of="mini",
        paths={"encoder": "."},
        files=("config.json", "model.safetensors", "spm.model"),
    ),
)
CONTENDERS: Mapping[str, Contender] = {contender.name: contender for contender in _CONTENDERS}
