"""All kinds of saves, with functions that write and read two different states."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import torch

import spacy_deberta
from spacy_deberta.checkpoints import save_checkpoint
from spacy_deberta.files import staging
from spacy_deberta.models import convert_checkpoint
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pages import write_html
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.pipeline.pipelines import encoder_of, make_pipeline, make_trained

OLD, NEW = "old", "new"


@dataclass(frozen=True, kw_only=True)
class Save:
    """A kind of save.

    Attributes:
        write: Writes the `OLD` or the `NEW` to a path.
        read: Reads a path like a user. The result differs for
            the two states and for every mixture of them.
        replaces: Whether it may replace an existing file or folder.
    """

    write: Callable[[Path, str], Any]
    read: Callable[[Path], Any]
    replaces: bool = True


def make_saves(*, checkpoint, config, tokenizer, folder):
    """All kinds of saves by their names.

    Args:
        checkpoint: Folder of a small checkpoint.
        config: The content of its config.
        tokenizer: Its tokenizer.
        folder: An empty folder for their inputs.
    """
    models = {kind: make_model(config, seed) for seed, kind in enumerate((OLD, NEW))}
    tokenizers = {
        OLD: tokenizer,
        NEW: DebertaV2Tokenizer(
            model_proto=tokenizer.model_proto, do_lower_case=True, split_by_punct=True
        ),
    }
    pipelines = {
        OLD: make_trained(checkpoint, steps=1),
        NEW: make_trained(checkpoint, steps=2, storage_precision="fp16"),
    }
    for kind, nlp in pipelines.items():
        nlp.meta["version"] = {OLD: "1.0.0", NEW: "2.0.0"}[kind]
        if kind == NEW:
            nlp.tokenizer.add_special_case("xy", [{"ORTH": "x"}, {"ORTH": "y"}])
        nlp.vocab.strings.add(f"a string of the {kind}")
    sources = {}
    for kind, model in models.items():
        sources[kind] = folder / kind
        model.save_pretrained(sources[kind])
        tokenizers[kind].save_pretrained(sources[kind])
    blank = make_pipeline(checkpoint, heads=())

    def write_checkpoint(path, kind):
        save_checkpoint(
            path,
            config=config,
            weights=models[kind].state_dict(),
            tokenizer=tokenizers[kind],
            precision={OLD: "fp32", NEW: "fp16"}[kind],
            # The files of the old state have other names.
            max_shard_bytes={OLD: 60_000, NEW: 10**9}[kind],
        )

    def read_component(path):
        pipe = blank.get_pipe("transformer")
        pipe.from_disk(path, exclude=["vocab"])
        return (digest(encoder_of(blank)), (path / "cfg").read_bytes())

    def write_in_place(path, kind):
        can_exchange = staging.can_exchange
        staging.can_exchange = lambda: False
        try:
            spacy_deberta.save_pipeline(pipelines[kind], path)
        finally:
            staging.can_exchange = can_exchange

    return {
        "model": Save(
            write=lambda path, kind: models[kind].save_pretrained(path), read=read_checkpoint
        ),
        "checkpoint": Save(write=write_checkpoint, read=read_checkpoint),
        "tokenizer": Save(
            write=lambda path, kind: tokenizers[kind].save_pretrained(path),
            read=lambda path: DebertaV2Tokenizer.from_directory(path).to_bytes(),
        ),
        "conversion": Save(
            write=lambda path, kind: convert_checkpoint(sources[kind], path, to="huggingface"),
            read=read_checkpoint,
            replaces=False,
        ),
        "page": Save(
            write=lambda path, kind: write_html(kind * 1000, path),
            read=lambda path: path.read_text(),
        ),
        "component": Save(
            write=lambda path, kind: pipelines[kind].get_pipe("transformer").to_disk(path),
            read=read_component,
        ),
        "pipeline": Save(
            write=lambda path, kind: spacy_deberta.save_pipeline(pipelines[kind], path),
            # Loaded by spaCy alone.
            read=lambda path: describe_pipeline(spacy.load(path)),
        ),
        "pipeline in place": Save(
            write=write_in_place,
            read=lambda path: describe_pipeline(spacy_deberta.load_pipeline(path)),
        ),
    }


def make_model(config, seed):
    model = spacy_deberta.DebertaV2Model(DebertaV2Config.from_dict(config))
    model.init_weights(torch.Generator().manual_seed(seed))
    return model


def digest(module):
    """A digest of all parameters."""
    sha = hashlib.sha256()
    for parameter in module.parameters():
        sha.update(parameter.detach().numpy().tobytes())
    return sha.hexdigest()


def read_checkpoint(path):
    model = spacy_deberta.DebertaV2Model.from_pretrained(path)
    tokenizer = None
    if (path / "spm.model").exists():
        tokenizer = DebertaV2Tokenizer.from_directory(path).to_bytes()
    return digest(model), model.config.extra["torch_dtype"], tokenizer


def describe_pipeline(nlp):
    """One value for each part that is saved: meta, config, tokenizer, components, vocabulary."""
    return (
        nlp.meta["version"],
        nlp.config["components"]["transformer"]["model"]["storage_precision"],
        len(nlp.make_doc("xy")),
        digest(encoder_of(nlp)),
        hashlib.sha256(nlp.get_pipe("ner").model.to_bytes()).hexdigest(),
        tuple(f"a string of the {kind}" in nlp.vocab.strings for kind in (OLD, NEW)),
    )
