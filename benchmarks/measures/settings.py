"""Sizes and inputs of the benchmarks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.saving import BASE


def _no_changes() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes and repeats.

    Attributes:
        shape: Differences from the config of DeBERTa-v3-base.
        lengths: Pieces of a sequence, in batches of `batch_pieces`.
        long_lengths: Pieces of sequences that are a batch of one.
        batch_pieces: Pieces of a batch.
        repeats: Repeats of workloads below a second.
        few_repeats: Repeats of workloads of seconds.
        training_repeats: Repeats of a training step.
        long_repeats: Repeats of the encoder on sequences longer than a batch.
        documents: Number of documents of `pipe`.
        host_documents: Number of documents of `host`.
        training_words: Words of a training batch.
        gliner_words: Words that GLiNERs read in a run.
        growth_layers: Layers of the encoder of `growth`: few, so that its cost does not hide the
            rest.
        growth_words: Lengths of a document.
        stock_growth_words: Maximum length for spacy-transformers.
        batch_sizes: Batch sizes of the pipeline.
        heads: Numbers of components that listen to one encoder.
        annotation_texts: Numbers of texts for the memory of bulk annotation.
    """

    shape: Mapping[str, Any] = field(default_factory=_no_changes)
    lengths: tuple[int, ...] = (32, 64, 128, 256, 512)
    long_lengths: tuple[int, ...] = (1024, 2048, 4096)
    batch_pieces: int = 1024
    repeats: int = 10
    few_repeats: int = 3
    training_repeats: int = 5
    long_repeats: int = 2
    documents: int = 16
    host_documents: int = 300
    training_words: int = 700
    gliner_words: int = 800
    growth_layers: int = 2
    growth_words: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    stock_growth_words: int = 10_000
    batch_sizes: tuple[int, ...] = (1, 8, 32, 128)
    heads: tuple[int, ...] = (1, 2, 4, 8)
    annotation_texts: tuple[int, ...] = (10_000, 100_000)

    @property
    def config(self) -> dict[str, Any]:
        """The encoder's `config.json`."""
        return {**BASE, **self.shape}

    def with_repeats(self, repeats: int) -> "Sizes":
        """The same with another number of repeats, or with its own if it is 0."""
        if not repeats:
            return self
        return replace(
            self,
            repeats=repeats,
            few_repeats=repeats,
            training_repeats=repeats,
            long_repeats=repeats,
        )


FULL = Sizes()
# Seconds, to see whether everything runs. Its figures mean nothing.
QUICK = Sizes(
    shape={
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    },
    lengths=(8, 32),
    long_lengths=(64,),
    batch_pieces=64,
    repeats=2,
    few_repeats=2,
    training_repeats=2,
    long_repeats=1,
    documents=3,
    host_documents=3,
    training_words=30,
    gliner_words=20,
    growth_layers=1,
    growth_words=(20, 200),
    stock_growth_words=20,
    batch_sizes=(1, 2),
    heads=(1, 2),
    annotation_texts=(20, 200),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Inputs of the benchmarks.

    Attributes:
        vocabulary: A SentencePiece model.
        documents: A corpus of real documents.
        entities: A corpus with entities, for training.
        work: A folder for the checkpoint and the files of peers.
        threads: Number of CPU threads.
        sizes: Sizes and repeats.
        gliner_python: The interpreter of an environment with gliner and gliner-spacy.
    """

    vocabulary: Path
    documents: Path
    entities: Path
    work: Path
    threads: int
    sizes: Sizes = FULL
    gliner_python: Path | None = None

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint that all contenders load."""
        return self.work / "checkpoint"

    def describe(self) -> dict[str, Any]:
        """The settings to save with the results, without paths of the machine."""
        return {
            "vocabulary": self.vocabulary.name,
            "documents": self.documents.name,
            "entities": self.entities.name,
            "sizes": asdict(self.sizes),
        }
