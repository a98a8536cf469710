"""Folders of a small GLiNER with random weights, and what the package gliner answers with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import spacy
import torch
from safetensors.torch import load_file

CHECKPOINT = "span-rnn-proj"
TOKENIZER_FILES = (
    "spm.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


def read_expected(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    return values


def copy_folder(source: Path, target: Path, **changes: Any) -> Path:
    """The folder with other fields in its config; None removes one."""
    target.mkdir()
    for file in source.iterdir():
        shutil.copyfile(file, target / file.name)
    edit_config(target, **changes)
    return target


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "gliner_config.json"
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not ...}))


def make_bare(source: Path, target: Path, encoder: Path) -> Path:
    """As urchade's: a config of training and `pytorch_model.bin`; the rest is the encoder's."""
    weights = load_file(source / "model.safetensors")
    config = json.loads((source / "gliner_config.json").read_text())
    target.mkdir()
    torch.save(weights, target / "pytorch_model.bin")
    encoder.mkdir()
    shutil.copyfile(source / "spm.model", encoder / "spm.model")
    (encoder / "config.json").write_text(json.dumps(config["encoder_config"]))
    old = {
        "lr_encoder": "1e-5",
        "max_width": config["max_width"],
        "model_name": str(encoder),
        "fine_tune": True,
        "hidden_size": config["hidden_size"],
        "span_mode": "markerV0",
        "dropout": 0.4,
        "max_len": 384,
        "name": "large",
    }
    (target / "gliner_config.json").write_text(json.dumps(old))
    return target


def make_pipeline(folder: Path, **settings: Any) -> spacy.Language:
    model = {"name": str(folder), "precision": "fp32", **settings.pop("model", {})}
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta_gliner", config={"model": model, **settings})
    nlp.initialize()
    return nlp
