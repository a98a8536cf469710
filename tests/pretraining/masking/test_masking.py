"""Masks: their number, uniform positions, and independence from the rest of the batch."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_deberta.pretraining.corpus.encoded_corpus import digest_vocabulary
from spacy_deberta.pretraining.counter_random import hash_keys
from spacy_deberta.pretraining.masking.masking import Masking, mask_sequences
from spacy_deberta.pretraining.masking.piece_table import PieceTable
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer

ONE_WORD = Masking(max_ngram=1, masked=1.0, replaced=0.0)


def repeat(sequences, count):
    """Repeat the sequences with different keys."""
    ids, lengths, _ = sequences
    keys = hash_keys(np.arange(count * len(lengths)))
    return np.tile(ids, count), np.tile(lengths, count), keys


def units_of(tokenizer, ids):
    """Words by a direct implementation: a space, a special token or punctuation starts one."""
    units, before = [], None
    for piece in tokenizer.convert_ids_to_tokens(ids):
        mark = piece in ("[CLS]", "[SEP]") or not any(c.isalnum() for c in piece.strip("▁") or "x")
        if piece.startswith("▁") or mark or before or not units:
            units.append(0)
        before = mark
        units[-1] += 1
    return units


@pytest.mark.parametrize(
    "masking", [Masking(), ONE_WORD, Masking(whole_words=False, max_ngram=1, probability=0.3)]
)
def test_every_piece_has_the_same_chance(sequences, table, masking):
    ids, lengths, keys = repeat(sequences, 300)
    masked = mask_sequences(ids, lengths, keys, masking=masking, table=table)
    chosen = np.zeros(len(ids))
    chosen[masked.rows] = 1
    chosen = chosen.reshape(300, -1).mean(axis=0)
    special = table.special[sequences[0]]
    assert not chosen[special].any()
    text = chosen[~special]
    assert abs(text.mean() - masking.probability) < 0.003
    # 300 draws each: five standard deviations of a piece.
    spread = 5 * (masking.probability * (1 - masking.probability) / 300) ** 0.5
    assert np.abs(text - masking.probability).max() < spread
    # The original implementation never masks the last tenth of a sequence.
    ends = np.cumsum(lengths[: len(sequences[1])]) - 2
    assert abs(chosen[ends].mean() - masking.probability) < 0.02


def test_chosen_pieces_are_masked_replaced_or_kept(sequences, table):
    ids, lengths, keys = repeat(sequences, 100)
    masked = mask_sequences(ids, lengths, keys, masking=Masking(), table=table)
    seen = masked.ids[masked.rows]
    np.testing.assert_array_equal(masked.originals, ids[masked.rows])
    assert abs((seen == table.mask_token_id).mean() - 0.8) < 0.01
    others = seen != table.mask_token_id
    # The random piece can be the original one.
    assert 0.09 < (others & (seen != masked.originals)).mean() < 0.11
    assert set(seen[others].tolist()) <= set(table.ordinary.tolist())
    untouched = np.ones(len(ids), bool)
    untouched[masked.rows] = False
    np.testing.assert_array_equal(masked.ids[untouched], ids[untouched])
    assert masked.noise.min() >= 0
    assert masked.noise.max() < 1
    assert abs(masked.noise.mean() - 0.5) < 0.02


def test_words_are_masked_as_a_whole(sequences, table, tokenizer):
    ids, lengths, keys = sequences
    masked = mask_sequences(ids, lengths, keys, masking=ONE_WORD, table=table)
    chosen = np.zeros(len(ids), bool)
    chosen[masked.rows] = True
    units = units_of(tokenizer, ids)
    assert sum(units) == len(ids)
    assert max(units) > 1
    for part in np.split(chosen, np.cumsum(units)[:-1]):
        assert part.all() or not part.any()


def test_added_tokens_are_words_of_their_own(tokenizer, vocabulary):
    marked = AddedToken(content="[E1]", special=True)
    added = DebertaV2Tokenizer(vocabulary, added_tokens=["remdesivir", marked])
    ids, _ = added.encode_ids(["the catremdesivir sat[E1]"])
    word, marker = (added.convert_tokens_to_ids(token) for token in ("remdesivir", "[E1]"))
    assert ids.tolist().count(word) == ids.tolist().count(marker) == 1
    table = PieceTable.from_tokenizer(added, rows=len(added) + 5)
    assert table.starts_word[[word, marker]].all()
    assert word in table.ordinary
    assert marker not in table.ordinary
    assert table.special[marker]
    # The pieces of the same text differ, so a corpus encoded without them is a different one.
    assert digest_vocabulary(added) != digest_vocabulary(tokenizer)
    assert digest_vocabulary(added) != digest_vocabulary(added.with_split_special_tokens(True))
    assert digest_vocabulary(tokenizer) == hashlib.sha256(tokenizer.model_proto).hexdigest()


def test_n_grams_get_rarer_with_their_length(table):
    # A long sequence of words of one piece each, with so few masks that n-grams rarely touch.
    word = np.flatnonzero(table.starts_word & ~table.special)[1:2]
    length = 2000
    ids = np.tile([table.cls_token_id, *np.repeat(word, length), table.sep_token_id], 200)
    lengths = np.full(200, length + 2)
    masking = Masking(probability=0.01, max_ngram=3)
    masked = mask_sequences(ids, lengths, hash_keys(np.arange(200)), masking=masking, table=table)
    runs = np.split(masked.rows, np.flatnonzero(np.diff(masked.rows) > 1) + 1)
    counts = np.bincount([len(run) for run in runs], minlength=4)
    expected = np.array([6, 3, 2]) / 11
    assert np.abs(counts[1:4] / counts[1:4].sum() - expected).max() < 0.03


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(12)), count=st.integers(1, 12), ngram=st.integers(1, 3))
def test_a_sequence_is_masked_alike_in_any_company(sequences, table, order, count, ngram):
    ids, lengths, keys = sequences
    parts = np.split(ids, np.cumsum(lengths)[:-1])
    masking = Masking(max_ngram=ngram)

    def mask(chosen):
        packed = np.concatenate([parts[i] for i in chosen])
        found = mask_sequences(packed, lengths[chosen], keys[chosen], masking=masking, table=table)
        return dict(zip(chosen, np.split(found.ids, np.cumsum(lengths[chosen])[:-1]), strict=True))

    together, few = mask(list(range(12))), mask(order[:count])
    for number, seen in few.items():
        np.testing.assert_array_equal(seen, together[number])


@pytest.mark.parametrize(
    "values",
    [
        {"probability": 0.0},
        {"probability": 1.0},
        {"masked": 0.8, "replaced": 0.3},
        {"max_ngram": 0},
    ],
)
def test_settings_that_cannot_be(values):
    with pytest.raises(ValueError, match="E720"):
        Masking(**values)
