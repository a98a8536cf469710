"""A corpus in memory, for tests without files."""

from dataclasses import dataclass

import numpy as np

from spacy_deberta.pretraining.counter_random import hash_keys
from spacy_deberta.pretraining.masking.step_batches import StepSource


@dataclass(frozen=True)
class Packed:
    """Packed sequences, repeated in the order of the corpus."""

    ids: np.ndarray
    own_lengths: np.ndarray

    def __len__(self):
        return len(self.own_lengths)

    def lengths(self, indices):
        return self.own_lengths[indices]

    def read(self, indices):
        parts = np.split(self.ids, np.cumsum(self.own_lengths)[:-1])
        return np.concatenate([parts[index] for index in indices]), self.lengths(indices)

    def take(self, position, *, pieces):
        places = np.arange(position, position + len(self))
        fitting = np.cumsum(self.own_lengths[places % len(self)]) <= pieces
        places = places[: max(1, int(fitting.sum()))]
        return places % len(self), hash_keys(0, places), position + len(places)


def make_source(sequences, table, masking, **options):
    """Steps over packed sequences."""
    packed = Packed(*sequences[:2])
    return StepSource(sequences=packed, stream=packed, masking=masking, table=table, **options)
