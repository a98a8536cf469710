import pickle

import pytest
import spacy
from spacy.tokens import Doc

from spacy_deberta.layers import doc_spans_v1, sent_spans_v1, strided_spans_v1

LENGTHS = range(30)
VOCAB = spacy.blank("en").vocab


def docs():
    return [
        Doc(VOCAB, words=["x"] * length, sent_starts=[i % 4 == 0 for i in range(length)])
        for length in LENGTHS
    ]


def places(nested):
    return [[(span.start, span.end) for span in spans] for spans in nested]


@pytest.mark.parametrize(("window", "stride"), [(8, 6), (8, 8), (5, 1), (1, 1), (128, 96)])
def test_every_token_is_in_a_window(window, stride):
    for doc, spans in zip(docs(), strided_spans_v1(window, stride)(docs()), strict=True):
        assert {token.i for span in spans for token in span} == set(range(len(doc)))
        assert all(0 < len(span) <= window for span in spans)


@pytest.mark.stock
@pytest.mark.parametrize(("window", "stride"), [(8, 6), (8, 8), (5, 1), (1, 1), (128, 96)])
def test_spans_are_those_of_the_stock_getters(window, stride):
    from spacy_transformers import span_getters as stock

    pairs = (
        (strided_spans_v1(window, stride), stock.configure_strided_spans(window, stride)),
        (sent_spans_v1(), stock.configure_get_sent_spans()),
        (doc_spans_v1(), stock.configure_get_doc_spans()),
    )
    for ours, theirs in pairs:
        assert places(pickle.loads(pickle.dumps(ours))(docs())) == places(theirs(docs()))


@pytest.mark.parametrize(
    ("window", "stride", "code"), [(4, 5, "E452"), (0, 1, "E413"), (4, 0, "E413"), ("4", 2, "E413")]
)
def test_windows_that_leave_tokens_out_are_an_error(window, stride, code):
    with pytest.raises(ValueError, match=code):
        strided_spans_v1(window, stride)
