"""Folders of a small GLiNER with random weights, and what the package gliner answers with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from safetensors.torch import load_file

from spacy_deberta.checkpoints import save_gliner
from spacy_deberta.models import DebertaV2ForGLiNER
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pipeline.gliner.finding import find_entities
from spacy_deberta.pipeline.gliner.settings import GlinerSettings
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, add_tokens

CHECKPOINT = "span-rnn-proj"
# Stored scores have seven digits.
TOLERANCE = 1e-4


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


def make_random(folder: Path, config: dict[str, Any], tokenizer: DebertaV2Tokenizer) -> Path:
    """A GLiNER with random weights, for what does not depend on its answers."""
    tokens = [AddedToken(content=token, special=True) for token in ("<<ENT>>", "<<SEP>>")]
    tokenizer = add_tokens(tokenizer, tokens)
    values = {"hidden_size": 16, "max_width": 4, "num_rnn_layers": 1}
    made = DebertaV2Config.from_dict(
        {**config, "vocab_size": tokenizer.count_rows(mask=True), "gliner": values}
    )
    model = DebertaV2ForGLiNER(made)
    model.init_weights(torch.Generator().manual_seed(7))
    save_gliner(folder, config=made, weights=model.state_dict(), tokenizer=tokenizer)
    return folder


def find(nlp, texts, labels, threshold=0.5, **settings):
    settings = GlinerSettings(
        labels=tuple(dict.fromkeys(labels)), threshold=threshold, annotate="spans", **settings
    )
    model = nlp.get_pipe("deberta_gliner").model
    return find_entities(model, texts, settings, component="deberta_gliner")


def assert_equal(found, wanted):
    assert [[e.start, e.end, e.label] for e in found] == [entity[:3] for entity in wanted]
    scores = [entity[3] for entity in wanted]
    assert [e.score for e in found] == pytest.approx(scores, abs=TOLERANCE)
