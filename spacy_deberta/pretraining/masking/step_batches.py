"""The batches of one update, as one process gets them."""

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
        """Pieces of each, `(indices,)`."""

    def read(self, indices: Ints) -> tuple[Ints, Ints]:
        """Packed pieces and lengths."""


class TakesSequences(Protocol):
    """See `SequenceStream`."""

    def take(self, position: int, *, pieces: int) -> tuple[Ints, UInt64s, int]:
        """Numbers and keys of the next sequences, and where to go on."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StepBatches:
    """What a process learns from in one update.

    Attributes:
        batches: To be taken one after another, `micro_batch_pieces` each at most.
        next_position: Where the stream goes on.
        pieces: Of all processes together.
    """

    batches: tuple[MaskedSequences, ...]
    next_position: int
    pieces: int


@dataclass(frozen=True, eq=False, kw_only=True)
class StepSource:
    """Where the batches come from.

    Args:
        sequences: All of them.
        stream: Their order.
        masking: How they are masked.
        table: The vocabulary.
        batch_pieces: Pieces of one update.
        micro_batch_pieces: Pieces of one batch; None for the share of the process.
        rank: Number of the process.
        processes: How many there are.
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
        """Read and mask the batches of the update that begins at a position.

        The sequences of an update, and their masks, do not depend on the number of processes.

        Raises:
            ValueError: If there are fewer sequences than processes (E722).
        """
        indices, keys, next_position = self.stream.take(position, pieces=self.batch_pieces)
        if len(indices) < self.processes:
            raise ValueError(Errors.E722.format(sequences=len(indices), processes=self.processes))
        lengths = self.sequences.lengths(indices)
        own = _share(lengths, rank=self.rank, count=self.processes)
        limit = self.micro_batch_pieces or int(lengths.sum())
        return StepBatches(
            batches=tuple(
                self._read(indices[part], keys[part]) for part in _split(own, lengths, limit)
            ),
            next_position=next_position,
            pieces=int(lengths.sum()),
        )

    def steps(self, position: int) -> Iterator[StepBatches]:
        """All updates from a position on, without end."""
        while True:
            batches = self.step(position)
            yield batches
            position = batches.next_position

    def _read(self, indices: Ints, keys: UInt64s) -> MaskedSequences:
        ids, lengths = self.sequences.read(indices)
        return mask_sequences(ids, lengths, keys, masking=self.masking, table=self.table)


def _share(lengths: Ints, *, rank: int, count: int) -> Ints:
    """Which sequences are a process's: about as many pieces for each, and one sequence at least.

    Args:
        lengths: Of all sequences, `(sequences,)`, as many as processes or more.
        rank: The process.
        count: Number of processes.
    """
    middle = np.cumsum(lengths) - lengths / 2
    cuts = np.searchsorted(middle, lengths.sum() * np.arange(count + 1) / count)
    least = np.arange(count + 1)
    cuts = np.maximum.accumulate(cuts - least) + least
    cuts = np.minimum(cuts, len(lengths) - count + least)
    return np.arange(cuts[rank], cuts[rank + 1])


def _split(own: Ints, lengths: Ints, limit: int) -> list[Ints]:
    """Parts of at most so many pieces, or of one sequence."""
    parts: list[Ints] = []
    start, pieces = 0, 0
    for stop, length in enumerate(lengths[own].tolist()):
        if pieces and pieces + length > limit:
            parts.append(own[start:stop])
            start, pieces = stop, 0
        pieces += length
    return [*parts, own[start:]]
