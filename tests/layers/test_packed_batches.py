import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.layers import Sequences
from spacy_deberta.layers.packed_batches import split_batches

lengths = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@given(lengths=lengths, max_pieces=st.integers(1, 40), data=st.data())
def test_sub_batches_are_the_whole(lengths, max_pieces, data):
    total = sum(lengths)
    asked = data.draw(st.lists(st.integers(0, total - 1), unique=True).map(sorted))
    ids = np.random.default_rng(0).integers(0, 99, size=total)
    whole = Sequences(ids, np.array(lengths), token_type_ids=ids % 2, decoded=np.array(asked, int))
    batches = split_batches(whole, max_pieces=max_pieces)
    decoded = []
    for batch in batches:
        rows = batch.rows.numpy()
        assert len(rows) <= max_pieces or len(batch.lengths) == 1
        assert batch.input_ids.tolist() == ids[rows].tolist()
        assert batch.token_type_ids.tolist() == (ids % 2)[rows].tolist()
        assert list(batch.lengths) == [lengths[i] for i in batch.sequences]
        decoded += rows[batch.decoded.numpy()].tolist()
    assert sorted(row for batch in batches for row in batch.rows.tolist()) == list(range(total))
    assert sorted(decoded) == asked
