"""Encoding of texts that are lowercased or split into segments before SentencePiece."""

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
    """Split texts into segments, encode all segments in one call, and join their pieces by text.

    Args:
        encoder: The SentencePiece model.
        texts: Any strings.
        do_lower_case: Whether to lowercase them.
        split_by_punct: Whether to encode every punctuation character on its own.
        tokens: The added tokens to find in the texts; None to read them as text.

    Returns:
        The pieces of the texts, with offsets in the original texts.

    Raises:
        ValueError: An item of `texts` is not a string.
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
    """The input of SentencePiece for a segment."""
    if segment.token is not None:
        return ""
    string = text[segment.start : segment.end]
    if do_lower_case:
        # A token that became text beside a `single_word` token is not lowercased yet.
        lowered, mapping = lower(string)
        return lowered if mapping is None else string
    return string


def _split(text: str, *, split_by_punct: bool, tokens: TokenTable | None) -> list[Segment]:
    segments = [Segment(0, len(text))] if tokens is None else split_tokens(text, tokens)
    if split_by_punct:
        segments = list(chain.from_iterable(split_punctuation(text, s) for s in segments))
    return segments


def _shift(pieces: Pieces, segments: list[Segment]) -> Pieces:
    """Turn offsets in segments into offsets in texts."""
    starts = np.array([segment.start for segment in segments], dtype=np.int64)
    shift = np.repeat(starts, np.diff(pieces.cu_pieces))
    return Pieces(pieces.ids, pieces.starts + shift, pieces.ends + shift, pieces.cu_pieces)


def _insert_tokens(pieces: Pieces, segments: list[Segment]) -> Pieces:
    """Insert the pieces of the segments that are added tokens."""
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
