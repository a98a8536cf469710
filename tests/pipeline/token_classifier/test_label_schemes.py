"""Labels and spans, compared with conlleval, spaCy's tags and Hugging Face's grouping."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training.iob_utils import biluo_to_iob, doc_to_biluo_tags
from spacy.vocab import Vocab
from transformers import TokenClassificationPipeline

from spacy_deberta.pipeline.token_classifier.label_schemes import UnitSpan, bio_labels, find_scheme
from tests.pipeline.conlleval import read_spans, read_tag

TYPES = ("PER", "ORG-X", "work_of_art")
LETTERS = {"BIO": "BI", "BIOES": "BIES", "BILUO": "BILU"}
VOCAB = Vocab()
SCHEMES = [(name, separator) for name in LETTERS for separator in "-_"]


def labels_of(name, separator="-"):
    """All labels of a scheme; "plain" has no letters."""
    if name == "plain":
        return ("O", *TYPES)
    return ("O", *(f"{letter}{separator}{type_}" for type_ in TYPES for letter in LETTERS[name]))


@st.composite
def span_lists(draw):
    """Spans without overlap, and the number of units."""
    spans, end = [], 0
    for gap, length, type_ in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(TYPES)))
    ):
        spans.append(UnitSpan(end + gap, end + gap + length, type_))
        end += gap + length
    return spans, end + draw(st.integers(0, 2))


def encode(scheme, spans, count):
    labels = [scheme.outside] * count
    for span in spans:
        labels[span.start : span.end] = scheme.encode(span.end - span.start, span.type)
    return labels


@pytest.mark.parametrize(("name", "separator"), SCHEMES)
@given(case=span_lists())
def test_spans_survive_their_labels(name, separator, case):
    spans, count = case
    scheme = find_scheme(labels_of(name, separator), component="ner")
    labels = encode(scheme, spans, count)
    assert scheme.decode(labels) == spans
    # Each prefix of the scheme is the one of spaCy.
    doc = Doc(VOCAB, words=["x"] * count)
    doc.ents = [Span(doc, span.start, span.end, span.type) for span in spans]
    biluo = doc_to_biluo_tags(doc)
    expected = {
        "BILUO": biluo,
        "BIO": biluo_to_iob(biluo),
        "BIOES": [{"L": "E", "U": "S"}.get(tag[0], tag[0]) + tag[1:] for tag in biluo],
    }[name]
    names = [scheme.labels[label] for label in labels]
    assert names == [tag if tag == "O" else tag[0] + separator + tag[2:] for tag in expected]


@given(case=span_lists())
def test_plain_labels_join_neighbours_of_one_type(case):
    spans, count = case
    scheme = find_scheme(labels_of("plain"), component="ner")
    labels = encode(scheme, spans, count)
    names = [scheme.labels[label] for label in labels]
    expected, start = [], 0
    for name, group in groupby(names):
        end = start + len(list(group))
        if name != "O":
            expected.append(UnitSpan(start, end, name))
        start = end
    assert scheme.decode(labels) == expected


@pytest.mark.parametrize("name", [*LETTERS, "plain"])
@given(data=st.data())
def test_any_labels_are_read_as_conlleval_reads_them(name, data):
    scheme = find_scheme(labels_of(name), component="ner")
    labels = data.draw(st.lists(st.integers(0, len(scheme.labels) - 1)))
    tags = [read_tag(scheme.labels[label], prefixes=name != "plain") for label in labels]
    found = scheme.decode(labels)
    assert found == [UnitSpan(*span) for span in read_spans(tags)]
    bounds = [bound for span in found for bound in (span.start, span.end)]
    assert bounds == sorted(bounds)
    assert all(0 <= span.start < span.end <= len(labels) for span in found)


@given(labels=st.lists(st.integers(0, 2 * len(TYPES))))
def test_bio_is_grouped_as_hugging_face_groups_it(labels):
    scheme = find_scheme(labels_of("BIO"), component="ner")
    pipeline = TokenClassificationPipeline.__new__(TokenClassificationPipeline)
    pipeline.group_sub_entities = lambda group: UnitSpan(
        group[0]["index"], group[-1]["index"] + 1, group[0]["entity"].split("-", 1)[-1]
    )
    entities = [{"entity": scheme.labels[label], "index": i} for i, label in enumerate(labels)]
    groups = pipeline.group_entities(entities) if entities else []
    assert scheme.decode(labels) == [span for span in groups if span.type != "O"]


def test_new_heads_get_bio():
    assert bio_labels(["PER", "LOC"]) == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    assert bio_labels([]) == []
    assert find_scheme(tuple(bio_labels(["PER", "LOC"])), component="ner").types == ("PER", "LOC")


def test_a_head_without_b_is_trained_with_i():
    scheme = find_scheme(("I-PER", "O"), component="ner")
    assert scheme.encode(3, "PER") == [0, 0, 0]
    assert scheme.encode(1, "PER") == [0]
    assert scheme.outside == 1


def test_names_that_only_look_like_prefixes_are_plain():
    scheme = find_scheme(("O", "E-MAIL", "S_Bahn", "PER"), component="ner")
    assert scheme.types == ("E-MAIL", "S_Bahn", "PER")
    assert scheme.decode([1, 1, 2, 0, 3]) == [
        UnitSpan(0, 2, "E-MAIL"),
        UnitSpan(2, 3, "S_Bahn"),
        UnitSpan(4, 5, "PER"),
    ]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (("LABEL_0", "LABEL_1"), "no label 'O'"),
        (("B-PER", "I-PER"), "no label 'O'"),
        (("O", "B-PER", "I-PER", "LOC"), "with and without prefix"),
        (("O", "B-PER", "I-PER", "E-PER", "U-PER"), "BIOES and of BILUO"),
    ],
)
def test_labels_without_scheme_are_refused(labels, reason):
    with pytest.raises(
        ValueError, match=rf"E630.*{reason}.*{', '.join(labels)}.*components\.ner\]"
    ):
        find_scheme(labels, component="ner")


def test_a_place_that_the_head_lacks_is_named():
    scheme = find_scheme(("O", "B-PER", "B-ORG", "I-ORG"), component="ner")
    assert scheme.encode(1, "PER") == [1]
    with pytest.raises(ValueError, match=r"E632.*'PER'.*O, B-PER, B-ORG, I-ORG.*components\.ner\]"):
        scheme.encode(2, "PER")
    with pytest.raises(ValueError, match="E632.*'LOC'"):
        scheme.encode(1, "LOC")
