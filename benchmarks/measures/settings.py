"""How much is measured, and on what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.saving import BASE


def _no_changes() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured.

    Attributes:
        shape: What is different from the shape of DeBERTa-v3-base.
        lengths: Pieces in a sequence; a batch has `batch_pieces` of them.
        long_lengths: Pieces of sequences that go alone.
        batch_pieces: Pieces in a batch.
        repeats: How often what takes less than seconds is run.
        few_repeats: How often what takes seconds is run.
        training_repeats: How often a step of training is run.
        long_repeats: How often an encoder runs on sequences longer than a batch.
        documents: Documents of the pipeline.
        host_documents: Documents of the host side alone.
        training_words: Words in a batch of training.
        growth_layers: Layers of the encoder that shows how cost grows. Few, so that it does not
            hide what the rest costs.
        growth_words: Lengths of a document.
        stock_growth_words: The longest one that spacy-transformers is given.
        batch_sizes: Documents that the pipeline is given at once.
        heads: How many components listen to one encoder.
    """

    shape: Mapping[str, Any] = field(default_factory=_no_changes)
    lengths: tuple[int, ...] = (32, 64, 128, 256, 512)
    long_lengths: tuple[int, ...] = (1024, 2048, 4096)
    batch_pieces: int = 1024
    repeats: int = 10
    few_repeats: int = 3
    training_repeats: int = 5
    long_repeats: int = 1
    documents: int = 16
    host_documents: int = 300
    training_words: int = 700
    growth_layers: int = 2
    growth_words: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    stock_growth_words: int = 10_000
    batch_sizes: tuple[int, ...] = (1, 8, 32, 128)
    heads: tuple[int, ...] = (1, 2, 4, 8)

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
    growth_layers=1,
    growth_words=(20, 200),
    stock_growth_words=20,
    batch_sizes=(1, 2),
    heads=(1, 2),
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the benchmarks work on.

    Attributes:
        vocabulary: A SentencePiece model.
        documents: A corpus of real documents.
        entities: A corpus with entities, to train on.
        work: A folder for the checkpoint and what peers make of it.
        threads: Threads of the processor.
        sizes: How much is measured.
    """

    vocabulary: Path
    documents: Path
    entities: Path
    work: Path
    threads: int
    sizes: Sizes = FULL

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint that everybody opens."""
        return self.work / "checkpoint"

    def describe(self) -> dict[str, Any]:
        """What is kept with the results: no paths, which are those of one machine."""
        return {
            "vocabulary": self.vocabulary.name,
            "documents": self.documents.name,
            "entities": self.entities.name,
            "sizes": asdict(self.sizes),
        }
