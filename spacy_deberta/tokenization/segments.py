"""Encoding texts that are lowercased or cut before SentencePiece sees them."""

from itertools import chain

import numpy as np

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.errors import Errors

from .encoding import PieceEncoder
from .pieces import Pieces
from .special_tokens import TokenTable
from .splitting import Segment, lower, split_punctuation, split_tokens


def encode_segments(
    encoder: PieceEncoder,
    texts: list[str],
    *,
    do_lower_case: bool,
    split_by_punct: bool,
    tokens: TokenTable | None,
) -> Pieces:
    """Cut texts into segments, encode them all in one call, and put the texts together again.

    Args:
        encoder: The SentencePiece model.
        texts: Any strings.
        do_lower_case: Whether to lowercase them.
        split_by_punct: Whether to encode every punctuation character on its own.
        tokens: The added tokens to find in the texts; None to leave them text.

    Returns:
        The pieces of the texts, with offsets in the texts as they were given.

    Raises:
        ValueError: Something in `texts` is not a string.
    """
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            error = f"item {i} is of type {type(text).__name__}"
            raise ValueError(Errors.E205.format(error=error))
    origins: dict[int, Ints] = {}
    if do_lower_case:
        keep = tokens.special_pattern if tokens is not None else None
        texts = texts.copy()
        for i, text in enumerate(texts):
            texts[i], mapping = lower(text, keep)
            if mapping is not None:
                origins[i] = mapping
    segments = [_split(text, split_by_punct=split_by_punct, tokens=tokens) for text in texts]
    flat = list(chain.from_iterable(segments))
    strings = [
        _string(text, segment, do_lower_case=do_lower_case)
        for text, of_text in zip(texts, segments, strict=True)
        for segment in of_text
    ]
    pieces = _insert_tokens(_shift(encoder.encode(strings), flat), flat)
    # From boundaries of segments to boundaries of texts.
    cu_segments = cumulative(np.array([len(of_text) for of_text in segments], dtype=np.int64))
    cu_pieces = pieces.cu_pieces[cu_segments]
    for i, mapping in origins.items():
        rows = slice(int(cu_pieces[i]), int(cu_pieces[i + 1]))
        starts, ends = pieces.starts[rows], pieces.ends[rows]
        solid = ends > starts
        last = mapping[np.maximum(ends - 1, 0)] + 1
        starts[:] = mapping[starts]
        ends[:] = np.where(solid, last, starts)
    return Pieces(pieces.ids, pieces.starts, pieces.ends, cu_pieces)


def _string(text: str, segment: Segment, *, do_lower_case: bool) -> str:
    """What SentencePiece gets of a segment."""
    if segment.token is not None:
        return ""
    string = text[segment.start : segment.end]
    if do_lower_case:
        # A token that turned out to be text beside one that has to stand alone has kept its case.
        lowered, mapping = lower(string)
        return lowered if mapping is None else string
    return string


def _split(text: str, *, split_by_punct: bool, tokens: TokenTable | None) -> list[Segment]:
    segments = [Segment(0, len(text))] if tokens is None else split_tokens(text, tokens)
    if split_by_punct:
        segments = list(chain.from_iterable(split_punctuation(text, s) for s in segments))
    return segments


def _shift(pieces: Pieces, segments: list[Segment]) -> Pieces:
    """Count characters from the start of the text and not of the segment."""
    starts = np.array([segment.start for segment in segments], dtype=np.int64)
    shift = np.repeat(starts, np.diff(pieces.cu_pieces))
    return Pieces(pieces.ids, pieces.starts + shift, pieces.ends + shift, pieces.cu_pieces)


def _insert_tokens(pieces: Pieces, segments: list[Segment]) -> Pieces:
    """Give the segments that are added tokens their one piece."""
    added = np.array([segment.token is not None for segment in segments], dtype=bool)
    if not added.any():
        return pieces
    places = pieces.cu_pieces[:-1][added]
    chosen = [segment for segment in segments if segment.token is not None]
    ids = [segment.token.id for segment in chosen if segment.token is not None]
    return Pieces(
        np.insert(pieces.ids, places, np.array(ids, dtype=np.int64)),
        np.insert(pieces.starts, places, [segment.start for segment in chosen]),
        np.insert(pieces.ends, places, [segment.end for segment in chosen]),
        pieces.cu_pieces + cumulative(added.astype(np.int64)),
    )
