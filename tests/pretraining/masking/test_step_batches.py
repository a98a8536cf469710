"""Division of an update among processes and batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.pretraining.masking.masking import Masking
from spacy_deberta.pretraining.masking.step_batches import _shard, _split
from tests.pretraining.stand_ins import make_source

LENGTHS = st.lists(st.integers(3, 600), min_size=1, max_size=50).map(np.array)


@given(lengths=LENGTHS, count=st.integers(1, 8))
def test_every_sequence_is_somebodys_and_nobody_is_idle(lengths, count):
    count = min(count, len(lengths))
    shares = [_shard(lengths, rank=rank, count=count) for rank in range(count)]
    np.testing.assert_array_equal(np.concatenate(shares), np.arange(len(lengths)))
    assert all(len(share) for share in shares)
    # As equal as complete sequences allow, if there are enough of them.
    if len(lengths) >= 8 * count:
        pieces = [int(lengths[share].sum()) for share in shares]
        assert max(pieces) <= lengths.sum() / count + 2 * lengths.max()


@given(lengths=LENGTHS, limit=st.integers(1, 2000))
def test_batches_keep_to_the_limit(lengths, limit):
    parts = _split(np.arange(len(lengths)), lengths, limit)
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(len(lengths)))
    assert all(lengths[part].sum() <= limit or len(part) == 1 for part in parts)


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_what_one_would_have(sequences, table, processes):
    options = {"batch_pieces": 600, "micro_batch_pieces": None}
    alone = make_source(sequences, table, Masking(), **options)
    (expected,) = alone.step(5).batches
    shares = [
        make_source(sequences, table, Masking(), **options, rank=rank, processes=processes).step(5)
        for rank in range(processes)
    ]
    assert {share.next_position for share in shares} == {alone.step(5).next_position}
    found = np.concatenate([share.batches[0].ids for share in shares])
    np.testing.assert_array_equal(found, expected.ids)
    originals = np.concatenate([share.batches[0].originals for share in shares])
    np.testing.assert_array_equal(originals, expected.originals)


def test_too_few_sequences_for_the_processes(sequences, table):
    source = make_source(sequences, table, Masking(), batch_pieces=1, rank=1, processes=2)
    with pytest.raises(ValueError, match=r"E722.* 1 sequences.* 2 processes"):
        source.step(0)
