"""Offsets of pieces, also where the library's own offsets are wrong."""

import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_deberta.layers import align_pieces
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer
from tests.tokenization.engines.conftest import KINDS, as_version_5, fast_tokenizer
from tests.tokenization.test_offsets import anything, spans


class PipelineRules:
    """Rules for the offsets of all texts, with the library's normalizer on parts of the text."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        normalizer = tokenizer._engine.pipeline.native.normalizer
        self.normalize = normalizer.normalize_str
        self.space = "▁" if tokenizer._engine.pipeline.writes_spaces else " "

    def vanishes(self, character):
        inside = self.normalize(f"x{character}x")
        return inside[:1] == inside[-1:] == "x" and not inside[1:-1].strip(f"{self.space} \x1f")

    def check(self, text, ids, starts, ends):
        strings = self.tokenizer.convert_ids_to_tokens(ids.tolist())
        where = (text, list(zip(strings, starts.tolist(), ends.tolist(), strict=True)))
        assert (starts[1:] >= starts[:-1]).all(), where
        assert (starts >= 0).all(), where
        assert (starts <= ends).all(), where
        assert (ends <= len(text)).all(), where
        covered = np.zeros(len(text), dtype=bool)
        blank = np.array([is_blank(self, c) for c in text], dtype=bool)
        for piece, start, end in zip(strings, starts.tolist(), ends.tolist(), strict=True):
            if self.space == "▁" and not piece.strip("▁"):
                assert start == end, where
            if start == end:
                continue
            assert not blank[start], where
            assert not blank[end - 1], where
            covered[start:end] = True
            surface = piece.removeprefix("##").strip("▁")
            if piece != "[UNK]":
                inside = self.normalize(text[start:end])
                # The library treats a combining mark and its base as one character.
                is_mark = unicodedata.category(text[start]).startswith("M")
                assert surface in inside or is_mark, where
        lost = np.flatnonzero(~covered & ~blank).tolist()
        assert not lost or not covered.any(), (*where, lost)


def is_blank(rules, character):
    return character.isspace() or rules.vanishes(character)


def check_all(tokenizer, texts):
    rules = PipelineRules(tokenizer)
    for text, row in zip(texts, tokenizer.encode_batch(texts), strict=True):
        rules.check(text, *row)


# Characters that the charsmap maps to a space.
INVISIBLE = "\u200b\u200e\u200f\ufeff"
KNOWN = {
    "version 4": [
        ("b,", [("▁", 0, 0), ("b", 0, 1), (",", 1, 2)]),
        # Characters that are deleted at the start shift the library's offsets.
        ("\x01b,\x02e,", [("▁", 1, 1), ("b", 1, 2), (",", 2, 3), ("e", 4, 5), (",", 5, 6)]),
        (" \x01\x02b,", [("▁", 3, 3), ("b", 3, 4), (",", 4, 5)]),
        ("\x0b\x01b,", [("▁", 2, 2), ("b", 2, 3), (",", 3, 4)]),
        ("¯\x1f", [("▁", 0, 0), ("[UNK]", 0, 1)]),
        ("¯\x1f漢", [("▁", 0, 0), ("[UNK]", 0, 3)]),
        ("½", [("▁1", 0, 1), ("[UNK]", 0, 1), ("2", 0, 1)]),
        ("🦣🦤", [("▁", 0, 0), ("[UNK]", 0, 2)]),
    ],
    "version 5": [
        (",  , ", [("▁", 0, 0), (",", 0, 1), ("▁", 3, 3), (",", 3, 4)]),
        ("½b", [("▁", 0, 0), ("[UNK]", 0, 1), ("b", 1, 2)]),
        (", \u1100\u1161\u11a8", [("▁", 0, 0), (",", 0, 1), ("▁", 2, 2), ("[UNK]", 2, 5)]),
        ("a\xa0🦣", [("▁", 0, 0), ("a", 0, 1), ("[UNK]", 2, 3)]),
    ],
    "wordpiece": [
        ("Bé  a\u0301!", [("b", 0, 1), ("##e", 1, 2), ("a", 4, 5), ("!", 6, 7)]),
        ("漢a\x00b", [("漢", 0, 1), ("a", 1, 2), ("##b", 3, 4)]),
    ],
}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [(name, text, found) for name, cases in KNOWN.items() for text, found in cases],
)
def test_known_offsets(folders, name, text, expected):
    assert spans(DebertaV2Tokenizer.from_directory(folders[name]), text) == expected


@pytest.mark.slow
def test_strange_texts(tokenizer, strange_texts):
    check_all(tokenizer, strange_texts)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(anything, max_size=4))
def test_any_text(tokenizers, texts):
    readable = ["".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in t) for t in texts]
    for tokenizer in tokenizers:
        check_all(tokenizer, readable)


@pytest.fixture(scope="module")
def tokenizers(folders):
    return [DebertaV2Tokenizer.from_directory(folders[kind]) for kind in KINDS]


@pytest.fixture(scope="module")
def with_added(folders):
    """Added tokens: some special, some that strip spaces or match single words only."""
    added = [
        AddedToken(content="[E1]", special=True),
        AddedToken(content="remdesivir", normalized=True),
        AddedToken(content="<left>", lstrip=True),
        AddedToken(content="<right>", rstrip=True),
    ]
    return [
        DebertaV2Tokenizer(folders[kind] / "tokenizer.json", added_tokens=added)
        for kind in ("version 4", "version 5")
    ]


parts = st.sampled_from(
    ["[E1]", "remdesivir", "<left>", "<right>", " ", "  ", "ba", "\x01", "½", "e\u0301", "🦣", "[E"]
)


@given(text=st.lists(parts, max_size=12).map("".join))
def test_a_token_has_its_own_characters_and_no_others(with_added, text):
    for tokenizer in with_added:
        contents = {i: token.content for i, token in tokenizer.added_tokens.items()}
        ids, starts, ends = next(iter(tokenizer.encode_batch([text])))
        assert (starts[1:] >= starts[:-1]).all()
        for i in np.flatnonzero(np.isin(ids, list(contents))).tolist():
            assert text[starts[i] : ends[i]] == contents[int(ids[i])]
            others = np.delete(np.arange(len(ids)), i)
            assert ((ends[others] <= starts[i]) | (starts[others] >= ends[i])).all()


@pytest.fixture(scope="module", params=["version 4", "version 5"])
def genuine(request, v3_vocabulary, tmp_path_factory):
    """The original vocabulary in the format of the fast tokenizers."""
    pipeline = fast_tokenizer(v3_vocabulary).backend_tokenizer.to_str()
    if request.param == "version 5":
        pipeline = as_version_5(pipeline)
    return DebertaV2Tokenizer(pipeline=pipeline.encode())


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["ewt", "xquad_de"])
def test_alignment_leaks_and_loses_nothing(genuine, real_docs, corpus):
    docs = real_docs(corpus)
    texts = [doc.text for doc in docs]
    pieces = genuine.encode_batch(texts)
    aligned = align_pieces(docs, pieces)
    cu_aligned = np.cumsum([0, *aligned.aligned_lengths])
    strings = genuine.convert_ids_to_tokens(pieces.ids)
    leaks = lost = tokens = 0
    for doc, first in zip(docs, aligned.cu_tokens.tolist(), strict=False):
        for token, place in zip(doc, range(first, first + len(doc)), strict=True):
            tokens += 1
            start, end = token.idx, token.idx + len(token)
            rows = aligned.aligned[cu_aligned[place] : cu_aligned[place + 1]]
            lost += len(rows) == 0 and not token.is_space and token.text not in INVISIBLE
            for row in rows.tolist():
                inside = (pieces.starts[row] < end) and (pieces.ends[row] > start)
                # A neighbour's piece would encode none of the token's characters.
                leaks += not inside or not strings[row].strip("▁")
    assert tokens > 10_000
    assert (leaks, lost) == (0, 0)
