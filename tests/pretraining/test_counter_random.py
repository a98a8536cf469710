"""Random numbers as a function of keys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.pretraining.counter_random import hash_keys, uniform

KEYS = st.integers(0, 2**63)


def test_they_are_uniform_and_independent_of_their_neighbours():
    draws = uniform(3, np.arange(200_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.005
    shares = np.histogram(draws, bins=20, range=(0, 1))[0] / len(draws)
    assert np.abs(shares - 0.05).max() < 0.003
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.01
    # The bits as well: of a key and the next one, half of them differ.
    bits = np.unpackbits((hash_keys(np.arange(999)) ^ hash_keys(np.arange(1, 1000))).view(np.uint8))
    assert abs(bits.mean() - 0.5) < 0.01


@given(first=KEYS, second=KEYS, others=st.lists(KEYS, max_size=4))
def test_a_number_depends_only_on_its_keys_and_their_order(first, second, others):
    many = hash_keys(np.array([first, *others], dtype=np.uint64), second)
    assert many[0] == hash_keys(first, second)
    if first != second:
        assert hash_keys(first, second) != hash_keys(second, first)
    assert hash_keys(first) != hash_keys(first, first)
