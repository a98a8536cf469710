"""Choice of entities, compared with the package gliner's."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.pipeline.gliner.decoding import (
    Candidate,
    choose,
    span_candidates,
    token_candidates,
)

LABELS = "abc"


@pytest.fixture(scope="module")
def cases(shared_data):
    return json.loads((shared_data / "gliner" / "decoder_cases.json").read_text())


def candidates_of(case):
    logits = np.array(case["logits"], dtype="f")
    thresholds = np.full(len(LABELS), case["threshold"], dtype="f")
    if case["kind"] == "token":
        return token_candidates(logits, thresholds)
    words, width, _ = logits.shape
    ends = np.arange(words)[:, None] + np.arange(width)
    logits[ends >= words] = -np.inf
    return span_candidates(logits, thresholds)


def test_ties_overlaps_and_thresholds_are_decided_as_gliner_does(cases):
    assert {case["kind"] for case in cases} == {"span", "token"}
    for case in cases:
        found = candidates_of(case)
        for answer in case["answers"]:
            chosen = choose(found, nested=not answer["flat_ner"], multi_label=answer["multi_label"])
            assert [[c.start, c.end - 1, LABELS[c.label]] for c in chosen] == [
                span[:3] for span in answer["spans"]
            ]
            expected = [span[3] for span in answer["spans"]]
            assert [c.score for c in chosen] == pytest.approx(expected, abs=1e-6)


spans = st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 2), st.integers(1, 6))
lists = st.lists(spans, max_size=30, unique_by=lambda span: span[:3])


@given(lists, st.booleans(), st.booleans())
def test_chosen_entities_do_not_conflict_and_others_do(values, nested, multi_label):
    candidates = [Candidate(start, start + width, c, s / 7) for start, width, c, s in values]
    chosen = choose(candidates, nested=nested, multi_label=multi_label)

    def exclude_each_other(one, other):
        if (one.start, one.end) == (other.start, other.end):
            return not multi_label
        if one.end <= other.start or other.end <= one.start:
            return False
        outer, inner = sorted((one, other), key=lambda c: c.start - c.end)
        return not (nested and outer.start <= inner.start and inner.end <= outer.end)

    pairs = [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1 :]]
    assert not any(exclude_each_other(a, b) for a, b in pairs)
    for left in set(candidates) - set(chosen):
        stronger = [c for c in chosen if c.score >= left.score]
        assert any(exclude_each_other(left, c) for c in stronger)
