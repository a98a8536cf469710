"""Heads whose products are divided, compared with the formulas on whole concatenations."""

import pytest
import torch

from spacy_deberta.models.gliner.scoring import SpanMarker, TokenScorer, WordLSTM, pool_pieces

WIDTH, WORDS, LABELS, LONGEST = 8, 7, 3, 4


@pytest.fixture(autouse=True)
def no_gradients():
    torch.manual_seed(5)
    with torch.no_grad():
        yield


@pytest.mark.parametrize("wide", [True, False])
def test_spans(wide):
    head = SpanMarker(WIDTH, 0.0, wide=wide).eval()
    words, labels = torch.randn(WORDS, WIDTH), torch.randn(LABELS, WIDTH)
    logits = head(words, labels, LONGEST)
    assert logits.shape == (WORDS, LONGEST, LABELS)
    start, end = head.project_start(words), head.project_end(words)
    for i in range(WORDS):
        for k in range(LONGEST):
            if i + k >= WORDS:
                assert logits[i, k].isneginf().all()
                continue
            span = head.out_project(torch.cat([start[i], end[i + k]]).relu())
            torch.testing.assert_close(logits[i, k], labels @ span, rtol=1e-5, atol=1e-6)
    # A short text has no wider spans than words.
    assert head(words[:2], labels, LONGEST).shape == (2, 2, LABELS)


def test_words():
    head = TokenScorer(WIDTH, 0.0).eval()
    words, labels = torch.randn(WORDS, WIDTH), torch.randn(LABELS, WIDTH)
    logits = head(words, labels)
    assert logits.shape == (WORDS, LABELS, 3)
    for i in range(WORDS):
        for c in range(LABELS):
            token, token_factor = head.proj_token(words[i]).chunk(2)
            label, label_factor = head.proj_label(labels[c]).chunk(2)
            pair = torch.cat([token, label, token_factor * label_factor])
            torch.testing.assert_close(logits[i, c], head.out_mlp(pair), rtol=1e-5, atol=1e-6)


def test_the_lstm_does_not_mix_texts():
    head = WordLSTM(WIDTH, 2).eval()
    texts = [torch.randn(length, WIDTH) for length in (3, 7, 1)]
    for text, rows in zip(texts, head(texts), strict=True):
        alone, _ = head.lstm(text.unsqueeze(0))
        torch.testing.assert_close(rows, alone[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("lengths", [(9,), (3, 7)])
def test_the_lstm_in_bfloat16(lengths, dtype):
    """On every processor, and with gradients too."""
    head = WordLSTM(WIDTH, 1)
    texts = [torch.randn(length, WIDTH) for length in lengths]
    exact = head(texts)
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
        found = head([text.to(dtype) for text in texts])
    for rows, expected in zip(found, exact, strict=True):
        torch.testing.assert_close(rows.float(), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling(pooling):
    rows = torch.randn(6, WIDTH)
    expected = [
        part.mean(0) if pooling == "mean" else part.amax(0) for part in rows.split([1, 3, 2])
    ]
    torch.testing.assert_close(pool_pieces(rows, (1, 3, 2), pooling), torch.stack(expected))
