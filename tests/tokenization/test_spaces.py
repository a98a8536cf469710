"""Offsets of whitespace by arithmetic, compared with the normalizer's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.tokenization.alignment import Origins
from spacy_deberta.tokenization.spaces import CollapsedSpaces

spaces = st.text(" \n\t\r\xa0", max_size=3)
words = st.sampled_from(["bada", "do", "x", "½", "\u200b", "▁", "é", "—"])
texts = st.lists(st.tuples(spaces, words), max_size=6).flatmap(
    lambda parts: st.builds(lambda end: "".join(s + w for s, w in parts) + end, spaces)
)


@given(st.lists(texts, max_size=5))
def test_offsets_are_those_of_the_normalizer(v3_tokenizer, tiny_tokenizer, batch):
    for tokenizer in (v3_tokenizer, tiny_tokenizer):
        found = tokenizer.encode_batch(batch)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                CollapsedSpaces,
                "are_unchanged",
                lambda self, rows, cu_rows: np.zeros(len(cu_rows) - 1, dtype=bool),
            )
            expected = tokenizer.encode_batch(batch)
        assert found.starts.tolist() == expected.starts.tolist()
        assert found.ends.tolist() == expected.ends.tolist()


def test_the_normalizer_is_not_asked_about_spaces(tiny_tokenizer, monkeypatch):
    monkeypatch.setattr(Origins, "align", lambda *_: pytest.fail("asked the normalizer"))
    text = "  Mira left\n\nRotterdam \t on Friday.\r\n"
    (_, starts, ends), *_ = tiny_tokenizer.encode_batch([text, "", " ", "Mira", "\n a  b "])
    found = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    assert "".join(found) == "".join(text.split())
