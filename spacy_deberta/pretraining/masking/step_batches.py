"""The micro-batches of one update, for one rank."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spacy_deberta.errors import Errors
from spacy_deberta.pretraining.counter_random import UInt64s

from .masking import MaskedSequences, Masking, mask_sequences
from .piece_table import Ints, PieceTable


class ReadsSequences(Protocol):
    """See `CorpusSequences`."""

    def lengths(self, indices: Ints) -> Ints:
        """Number of pieces of each, `(indices,)`."""

    def read(self, indices: Ints) -> tuple[Ints, Ints]:
        """Packed pieces and lengths."""


class TakesSequences(Protocol):
    """See `SequenceStream`."""

    def take(self, position: int, *, pieces: int) -> tuple[Ints, UInt64s, int]:
        """Indices and keys of the next sequences, and the next position."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StepBatches:
    """One rank's micro-batches of one update.

    Attributes:
        batches: Micro-batches of at most `micro_batch_pieces` for gradient accumulation.
        next_position: Position of the stream after them.
        pieces: Number of pieces over all ranks.
    """

    batches: tuple[MaskedSequences, ...]
    next_position: int
    pieces: int


@dataclass(frozen=True, eq=False, kw_only=True)
class StepSource:
    """Reads and masks the micro-batches of one rank.

    Args:
        sequences: All sequences.
        stream: Their order.
        masking: How they are masked.
        table: The vocabulary.
        batch_pieces: Number of pieces of one update.
        micro_batch_pieces: Number of pieces of a micro-batch; None for the rank's whole shard.
        rank: Rank of the process.
        processes: Number of processes.
    """

    sequences: ReadsSequences
    stream: TakesSequences
    masking: Masking
    table: PieceTable
    batch_pieces: int
    micro_batch_pieces: int | None = None
    rank: int = 0
    processes: int = 1

    def step(self, position: int) -> StepBatches:
        """Read and mask the micro-batches of the update that begins at a position.

        The sequences of an update, and their masks, do not depend on the number of processes.

        Raises:
            ValueError: There are fewer sequences than processes (E722).
        """
        indices, keys, next_position = self.stream.take(position, pieces=self.batch_pieces)
        if len(indices) < self.processes:
            raise ValueError(Errors.E722.format(sequences=len(indices), processes=self.processes))
        lengths = self.sequences.lengths(indices)
        own = _shard(lengths, rank=self.rank, count=self.processes)
        limit = self.micro_batch_pieces or int(lengths.sum())
        return StepBatches(
            batches=tuple(
                self._read(indices[part], keys[part]) for part in _split(own, lengths, limit)
            ),
            next_position=next_position,
            pieces=int(lengths.sum()),
        )

    def steps(self, position: int) -> Iterator[StepBatches]:
        """The updates from a position on, an infinite stream."""
        while True:
            batches = self.step(position)
            yield batches
            position = batches.next_position

    def _read(self, indices: Ints, keys: UInt64s) -> MaskedSequences:
        ids, lengths = self.sequences.read(indices)
        return mask_sequences(ids, lengths, keys, masking=self.masking, table=self.table)


def _shard(lengths: Ints, *, rank: int, count: int) -> Ints:
    """The sequences of one rank; shards have about the same number of pieces, none is empty.

    Args:
        lengths: Of all sequences, `(sequences,)`, at least as many as processes.
        rank: The rank.
        count: Number of processes.
    """
    middle = np.cumsum(lengths) - lengths / 2
    cuts = np.searchsorted(middle, lengths.sum() * np.arange(count + 1) / count)
    least = np.arange(count + 1)
    cuts = np.maximum.accumulate(cuts - least) + least
    cuts = np.minimum(cuts, len(lengths) - count + least)
    return np.arange(cuts[rank], cuts[rank + 1])


def _split(own: Ints, lengths: Ints, limit: int) -> list[Ints]:
    """Split into parts of at most `limit` pieces, or of one sequence."""
    parts: list[Ints] = []
    start, pieces = 0, 0
    for stop, length in enumerate(lengths[own].tolist()):
        if pieces and pieces + length > limit:
            parts.append(own[start:stop])
            start, pieces = stop, 0
        pieces += length
    return [*parts, own[start:]]
