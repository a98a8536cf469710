import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.layers import Sequences
from spacy_deberta.layers.encoder.batches import batch_sequences

lengths = st.lists(st.integers(1, 9), min_size=1, max_size=12)
limits = st.integers(1, 40)


def make_sequences(lengths, **fields):
    ids = np.random.default_rng(0).permutation(sum(lengths))
    return Sequences(ids, np.array(lengths), **fields)


def targets_of(plan, batch):
    return np.arange(plan.size) if batch.targets is None else batch.targets.numpy()


@given(lengths, limits)
def test_sub_batches_are_bounded_and_complete(lengths, max_pieces):
    whole = make_sequences(lengths, token_type_ids=np.arange(sum(lengths)) % 2)
    types = dict(zip(whole.input_ids.tolist(), whole.token_type_ids.tolist(), strict=True))
    plan = batch_sequences(whole, unit="pieces", max_pieces=max_pieces)
    ids = np.full(plan.size, -1)
    for batch in plan.batches:
        assert len(batch.input_ids) <= max_pieces or len(batch.lengths) == 1
        assert list(batch.lengths) == [lengths[i] for i in batch.sequences]
        assert [types[i] for i in batch.input_ids.tolist()] == batch.token_type_ids.tolist()
        assert batch.kept is None
        ids[targets_of(plan, batch)] = batch.input_ids
    assert ids.tolist() == whole.input_ids.tolist()


@given(lengths, limits)
def test_one_output_for_each_sequence(lengths, max_pieces):
    plan = batch_sequences(make_sequences(lengths), unit="sequences", max_pieces=max_pieces)
    assert plan.size == len(lengths)
    found = [0] * plan.size
    for batch in plan.batches:
        for target, length in zip(targets_of(plan, batch), batch.lengths, strict=True):
            found[target] = length
    assert found == lengths


@given(lengths, limits, st.data())
def test_outputs_for_the_rows_that_are_asked_for(lengths, max_pieces, data):
    asked = data.draw(st.lists(st.integers(0, sum(lengths) - 1), unique=True).map(sorted))
    whole = make_sequences(lengths, decoded=np.array(asked, int))
    plan = batch_sequences(whole, unit="masks", max_pieces=max_pieces)
    ids = np.full(plan.size, -1)
    for batch in plan.batches:
        ids[targets_of(plan, batch)] = batch.input_ids[batch.decoded]
    assert ids.tolist() == whole.input_ids[asked].tolist()


@given(lengths, limits, st.data())
def test_sources_in_any_order_and_rows_of_zeros(lengths, max_pieces, data):
    rows = st.lists(st.integers(0, sum(lengths) - 1), unique=True)
    sources = data.draw(rows) + [-1] * data.draw(st.integers(0, 3))
    sources = np.array(data.draw(st.permutations(sources)), dtype=np.int64)
    whole = make_sequences(lengths, sources=sources)
    plan = batch_sequences(whole, unit="pieces", max_pieces=max_pieces)
    ids = np.full(plan.size, -1)
    for batch in plan.batches:
        kept = slice(None) if batch.kept is None else batch.kept
        ids[targets_of(plan, batch)] = batch.input_ids[kept]
    assert ids.tolist() == [whole.input_ids[row] if row >= 0 else -1 for row in sources]


@given(lengths)
def test_sequences_of_similar_length_go_together(lengths):
    plan = batch_sequences(make_sequences(lengths), unit="pieces", max_pieces=12)
    if len(plan.batches) == 1:
        assert list(plan.batches[0].lengths) == lengths
    else:
        assert [n for batch in plan.batches for n in batch.lengths] == sorted(lengths)
