"""The order of sequences: reshuffled in every epoch, and resumed from a single position."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.pretraining.counter_random import UInt64s, hash_keys

Ints = NDArray[np.int64]

_ROUNDS = 6
# Distinguishes the keys of permutations from those of sequences.
_ORDER = 0x6F726472


class Permutation:
    """A pseudo-random permutation that is computed for each index, without storing it.

    Args:
        count: Number of elements, at least one.
        key: Selects the permutation.

    Source: Luby and Rackoff 1988, "How to construct pseudorandom permutations from pseudorandom
        functions" (Feistel networks); Black and Rogaway 2002, "Ciphers with arbitrary finite
        domains" (cycle walking).
    """

    def __init__(self, count: int, *, key: int) -> None:
        self.count = count
        self._key = np.uint64(key & (2**64 - 1))
        half = max(1, ((count - 1).bit_length() + 1) // 2)
        self._shift = np.uint64(half)
        self._mask = np.uint64(2**half - 1)

    def __call__(self, positions: Ints) -> Ints:
        """Compute the elements at positions.

        Args:
            positions: From 0 to `count - 1`. *Shape:* `(positions,)`.

        Returns:
            Numbers from 0 to `count - 1`, different for different positions. *Shape:*
            `(positions,)`, int64.
        """
        values = self._encrypt(positions.astype(np.uint64))
        # The network permutes up to four times as many numbers. Applying it again to those beyond
        # `count` ends below `count`, at a number that no other position maps to.
        while len(outside := np.flatnonzero(values >= self.count)):
            values[outside] = self._encrypt(values[outside])
        return values.astype(np.int64)

    def _encrypt(self, values: UInt64s) -> UInt64s:
        left, right = values >> self._shift, values & self._mask
        for number in range(_ROUNDS):
            left, right = right, left ^ (hash_keys(self._key, number, right) & self._mask)
        return (left << self._shift) | right


class HasLengths(Protocol):
    """See `CorpusSequences`."""

    def __len__(self) -> int:
        """Number of sequences."""

    @property
    def total_pieces(self) -> int:
        """Number of pieces of all sequences."""

    def lengths(self, indices: Ints) -> Ints:
        """Number of pieces of each sequence."""


class SequenceStream:
    """An infinite stream of sequences, in another random order in every epoch.

    Its only state is the position.

    Args:
        sequences: The sequences.
        seed: Of the orders.
    """

    def __init__(self, sequences: HasLengths, *, seed: int) -> None:
        self._sequences = sequences
        self._seed = seed
        self._count = len(sequences)
        self._mean = max(1.0, sequences.total_pieces / self._count)

    def take(self, position: int, *, pieces: int) -> tuple[Ints, UInt64s, int]:
        """Take the next sequences.

        Args:
            position: Number of sequences that were taken before.
            pieces: Maximum number of their pieces in total; at least one sequence is taken.

        Returns:
            Their indices, *shape* `(sequences,)`, int64; a key of each for random numbers, another
            one in every epoch, *shape* `(sequences,)`, uint64; and the position afterwards.
        """
        taken: list[tuple[Ints, UInt64s]] = []
        total = 0
        while True:
            epoch, offset = divmod(position, self._count)
            likely = int((pieces - total) / self._mean * 1.1) + 8
            positions = np.arange(offset, min(offset + likely, self._count))
            indices = self._order(epoch)(positions)
            totals = total + np.cumsum(self._sequences.lengths(indices))
            fitting = int(np.searchsorted(totals, pieces, side="right"))
            if not taken:
                fitting = max(fitting, 1)
            if fitting:
                taken.append((indices[:fitting], hash_keys(self._seed, epoch, indices[:fitting])))
                total = int(totals[fitting - 1])
                position += fitting
            if fitting < len(positions):
                break
        numbers, keys = zip(*taken, strict=True)
        return np.concatenate(numbers), np.concatenate(keys), position

    def _order(self, epoch: int) -> Permutation:
        return Permutation(self._count, key=int(hash_keys(_ORDER, self._seed, epoch)))
