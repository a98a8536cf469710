"""Tokens and pieces of one text as plain values."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

if TYPE_CHECKING:
    from spacy_deberta.tokenization import DebertaV2Tokenizer

# Indices of a token and its piece. None for a token without a piece, or a piece without a token.
Pair = tuple[int | None, int | None]


# The layers of pipelines that have a tokenizer: the shared encoder, then components with a head.
_WITH_TOKENIZER = ("deberta_model", "deberta_with_head")


@dataclass(frozen=True)
class PipelineTokenizer:
    """The DeBERTa tokenizer of a pipeline, and whether it splits each token on its own."""

    tokenizer: "DebertaV2Tokenizer"
    is_split_into_words: bool


@dataclass(frozen=True)
class AlignedToken:
    """A token: its text, its character offsets, and the indices of its pieces."""

    text: str
    start: int
    end: int
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class AlignedPiece:
    """A piece: its string in the vocabulary, its id, its text and offsets, and its tokens."""

    piece: str
    id: int
    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Alignment:
    """A text, its tokens and its pieces.

    model (str): Name of the model that the vocabulary belongs to.
    lang (str): Language of spaCy's tokenizer.
    text (str): The text that all offsets refer to.
    tokens (tuple[AlignedToken, ...]): The tokens in text order.
    pieces (tuple[AlignedPiece, ...]): The pieces in text order, without `[CLS]` and `[SEP]`.
    """

    model: str
    lang: str
    text: str
    tokens: tuple[AlignedToken, ...]
    pieces: tuple[AlignedPiece, ...]

    @property
    def sharing_tokens(self) -> list[int]:
        """Indices of the tokens that share a piece with another token."""
        return sorted({t for piece in self.pieces if len(piece.tokens) > 1 for t in piece.tokens})

    @property
    def bare_tokens(self) -> list[int]:
        """Indices of the tokens without a piece."""
        return [i for i, token in enumerate(self.tokens) if not token.pieces]

    @property
    def summary(self) -> str:
        """Counts of tokens and pieces, as a phrase."""
        parts = [
            _count(len(self.tokens), "token"),
            _count(len(self.pieces), "piece"),
            f"{_count(len(self.sharing_tokens), 'token')} sharing a piece",
        ]
        if self.bare_tokens:
            parts.append(f"{_count(len(self.bare_tokens), 'token')} without a piece")
        return ", ".join(parts)

    def pairs(self) -> Iterator[Pair]:
        """Pairs of each token with each of its pieces, in text order.

        YIELDS (tuple[int | None, int | None]): Their indices. A piece that is only a space covers
            no token, and a token of whitespace has no piece; the other index is None.
        """
        alone = [i for i, piece in enumerate(self.pieces) if not piece.tokens]
        for i, token in enumerate(self.tokens):
            while alone and self._comes_before(alone[0], token):
                yield None, alone.pop(0)
            yield from ((i, piece) for piece in token.pieces)
            if not token.pieces:
                yield i, None
        yield from ((None, piece) for piece in alone)

    def _comes_before(self, piece: int, token: AlignedToken) -> bool:
        if token.pieces:
            return piece < token.pieces[0]
        return self.pieces[piece].start < token.end

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, for JSON.

        RETURNS (dict[str, Any]): The fields, and the indices of the tokens that share a piece.
        """
        return {**asdict(self), "sharing_tokens": self.sharing_tokens}


def find_tokenizer(nlp: Language) -> PipelineTokenizer | None:
    """Find the DeBERTa tokenizer of a pipeline.

    nlp (Language): The pipeline.
    RETURNS (PipelineTokenizer | None): That of the first component that has one; None if there is
        no such component.
    """
    from spacy_deberta.layers import get_tokenizer, splits_words

    models = [getattr(pipe, "model", None) for _, pipe in nlp.components]
    nodes = [node for model in models if isinstance(model, Model) for node in model.walk()]
    for name in _WITH_TOKENIZER:
        for node in nodes:
            # A listener's model doesn't contain the encoder, so the first one found is its owner.
            if node.name == name:
                return PipelineTokenizer(get_tokenizer(node), splits_words(node))
    return None


def align_doc(
    doc: Doc, tokenizer: "DebertaV2Tokenizer", *, model: str, is_split_into_words: bool = False
) -> Alignment:
    """Align the tokens of a document with the pieces of its text.

    doc (Doc): The document.
    tokenizer (DebertaV2Tokenizer): The tokenizer.
    model (str): Name of the model that it belongs to.
    is_split_into_words (bool): Whether each token is split on its own.
    RETURNS (Alignment): The alignment, the same as in the encoder.
    """
    from spacy_deberta.layers import TokenizerShim

    aligned = TokenizerShim(tokenizer, is_split_into_words=is_split_into_words).encode([doc])
    pieces = aligned.pieces
    rows = aligned.aligned.tolist()
    tokens = []
    covered: list[list[int]] = [[] for _ in pieces.ids]
    for token, length in zip(doc, aligned.aligned_lengths.tolist(), strict=True):
        own, rows = rows[:length], rows[length:]
        for row in own:
            covered[row].append(token.i)
        end = token.idx + len(token)
        tokens.append(AlignedToken(token.text, token.idx, end, tuple(own)))
    ids = pieces.ids.tolist()
    columns = (tokenizer.convert_ids_to_tokens(ids), ids, pieces.starts.tolist())
    return Alignment(
        model=model,
        lang=doc.lang_,
        text=doc.text,
        tokens=tuple(tokens),
        pieces=tuple(
            AlignedPiece(piece, piece_id, doc.text[start:end], start, end, tuple(own))
            for piece, piece_id, start, end, own in zip(
                *columns, pieces.ends.tolist(), covered, strict=True
            )
        ),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
