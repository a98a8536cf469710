"""All file formats that the package reads, with functions to build, damage and open them."""

import random
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.tokens import DocBin

from spacy_deberta import DebertaV2ForSequenceClassification, DebertaV2Model, DebertaV2Tokenizer
from spacy_deberta.checkpoints import read_weights
from spacy_deberta.layers import torch_parameters
from spacy_deberta.models import describe_checkpoint
from tests.checkpoints.folders import write_weights
from tests.fuzz.mutators import (
    Mutator,
    mutate_bytes,
    mutate_json,
    mutate_msgpack,
    mutate_safetensors,
    mutate_zip,
)
from tests.fuzz.sandbox import Garbage
from tests.pipeline.pipelines import encoder_config, make_trained

# A flipped bit of an exponent may leave the number finite, which can't be detected.
# With larger weights, results may overflow.
ABSURD = 1e15

TEXT = "Mira Okafor left Halden Freight [E1] on Friday."


@dataclass(frozen=True)
class Format:
    """A kind of folder, and functions to build, damage and open it.

    Attributes:
        mutators: The mutator of each file, by its path in the folder.
        build: Writes a valid folder.
        open: Opens a folder and uses it; raises if it can't.
    """

    mutators: Mapping[str, Mutator]
    build: Callable[[Path, Path], None]
    open: Callable[[Path], None]

    def damage(self, folder: Path, seed: int) -> None:
        """Damage one file of a folder, or several."""
        rng = random.Random(seed)
        for name in rng.sample(
            sorted(self.mutators), k=rng.choice((1, 1, 1, min(2, len(self.mutators))))
        ):
            path = folder / name
            path.write_bytes(self.mutators[name](rng, path.read_bytes()))


def build_checkpoint(folder: Path, source: Path, *, form: str) -> None:
    """A checkpoint with a head and an added token, its weights in one of the formats."""
    weights = read_weights([source / "model.safetensors"])
    shutil.copytree(source, folder)
    if form != "safetensors":
        (folder / "model.safetensors").unlink()
        write_weights(folder, weights, form=form)


def build_microsoft(folder: Path, source: Path) -> None:
    build_checkpoint(folder, source, form="bin")
    (folder / "pytorch_model.bin").rename(folder / "pytorch.model.bin")
    (folder / "config.json").rename(folder / "model_config.json")


def build_tensorflow(folder: Path, source: Path) -> None:
    from spacy_deberta.models import convert_checkpoint

    convert_checkpoint(source, folder, to="tensorflow")


def build_pipeline(folder: Path, source: Path) -> None:
    make_trained(source, steps=1).to_disk(folder)


def build_head_pipeline(folder: Path, source: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta_sequence_classifier", config={"model": {"name": str(source)}})
    nlp.initialize()
    nlp.to_disk(folder)


def build_bytes(folder: Path, source: Path) -> None:
    nlp = make_trained(source, steps=1)
    folder.mkdir()
    pipe: Any = nlp.get_pipe("transformer")
    (folder / "component").write_bytes(pipe.to_bytes(exclude=["vocab"]))


def build_head_bytes(folder: Path, source: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("deberta_sequence_classifier", config={"model": {"name": str(source)}})
    nlp.initialize()
    folder.mkdir()
    (folder / "component").write_bytes(pipe.to_bytes(exclude=["vocab"]))


def build_docs(folder: Path, source: Path) -> None:
    nlp = make_trained(source, steps=1)
    folder.mkdir()
    docs = DocBin(store_user_data=True, docs=[nlp(TEXT)])
    (folder / "docs.spacy").write_bytes(docs.to_bytes())


def open_checkpoint(folder: Path) -> None:
    describe_checkpoint(folder)
    tokenizer = DebertaV2Tokenizer.from_pretrained(folder)
    inputs = tokenizer([TEXT, "[CLS]"], padding=True, return_tensors="pt")
    for model_class in (DebertaV2Model, DebertaV2ForSequenceClassification):
        model = model_class.from_pretrained(folder).eval()
        with torch.no_grad():
            outputs = model(**inputs)
        rows = outputs.last_hidden_state if model_class is DebertaV2Model else outputs.logits
        _check_numbers(rows.numpy(), model.parameters())


def open_pipeline(folder: Path) -> None:
    nlp = spacy.load(folder)
    doc = nlp(TEXT)
    pipe: Any = nlp.pipeline[0][1]
    for value in (*doc.cats.values(), *_rows(doc)):
        _check_numbers(value, torch_parameters(pipe.model))


def open_bytes(folder: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("deberta", name="transformer", config=encoder_config(folder))
    pipe.from_bytes((folder / "component").read_bytes(), exclude=["vocab"])
    for rows in _rows(pipe(nlp.make_doc(TEXT))):
        _check_numbers(rows, torch_parameters(pipe.model))


def open_head_bytes(folder: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("deberta_sequence_classifier")
    pipe.from_bytes((folder / "component").read_bytes(), exclude=["vocab"])
    _check_numbers(pipe.predict([nlp.make_doc(TEXT)]), torch_parameters(pipe.model))


def open_docs(folder: Path) -> None:
    from spacy_deberta.pipeline.transformer.component import install_extension

    install_extension()
    docs = DocBin(store_user_data=True).from_bytes((folder / "docs.spacy").read_bytes())
    for doc in docs.get_docs(spacy.blank("en").vocab):
        _rows(doc)


def _rows(doc: Any) -> list[np.ndarray]:
    data = doc._.trf_data if doc.has_extension("trf_data") else None
    return [] if data is None else list(data.model_output.values())


def _check_numbers(values: Any, parameters: Iterable[torch.Tensor]) -> None:
    largest = max(float(parameter.detach().abs().max()) for parameter in parameters)
    if not np.isfinite(np.asarray(values)).all() and not largest > ABSURD:
        raise Garbage("the output is not finite")


TOKENIZER = {
    "spm.model": mutate_bytes,
    "tokenizer_config.json": mutate_json,
    "special_tokens_map.json": mutate_json,
    "added_tokens.json": mutate_json,
}
SHARDS = tuple(f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3))


def _checkpoint(form: str, weights: Mapping[str, Mutator]) -> Format:
    mutators = {"config.json": mutate_json, **TOKENIZER, **weights}
    return Format(mutators, partial(build_checkpoint, form=form), open_checkpoint)


FORMATS: dict[str, Format] = {
    "safetensors": _checkpoint("safetensors", {"model.safetensors": mutate_safetensors}),
    "shards": _checkpoint(
        "safetensors shards",
        {
            "model.safetensors.index.json": mutate_json,
            **dict.fromkeys(SHARDS, mutate_safetensors),
        },
    ),
    "bin": _checkpoint("bin", {"pytorch_model.bin": mutate_zip}),
    "legacy bin": _checkpoint("legacy bin", {"pytorch_model.bin": mutate_bytes}),
    "microsoft": Format(
        {"model_config.json": mutate_json, "pytorch.model.bin": mutate_zip},
        build_microsoft,
        open_checkpoint,
    ),
    "tensorflow": Format(
        {"config.json": mutate_json, "tf_model.h5": mutate_bytes}, build_tensorflow, open_checkpoint
    ),
    "pipeline": Format(
        {
            "transformer/cfg": mutate_json,
            "transformer/model/config.json": mutate_json,
            "transformer/model/model.safetensors": mutate_safetensors,
            "transformer/model/spm.model": mutate_bytes,
            "transformer/model/tokenizer_config.json": mutate_json,
            "ner/model": mutate_msgpack,
        },
        build_pipeline,
        open_pipeline,
    ),
    "head pipeline": Format(
        {
            "deberta_sequence_classifier/cfg": mutate_json,
            "deberta_sequence_classifier/model/config.json": mutate_json,
            "deberta_sequence_classifier/model/model.safetensors": mutate_safetensors,
        },
        build_head_pipeline,
        open_pipeline,
    ),
    "bytes": Format({"component": mutate_msgpack}, build_bytes, open_bytes),
    "head bytes": Format({"component": mutate_msgpack}, build_head_bytes, open_head_bytes),
    "docs": Format({"docs.spacy": mutate_bytes}, build_docs, open_docs),
}
