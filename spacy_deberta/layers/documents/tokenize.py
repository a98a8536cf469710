"""Docs → pieces: the tokenizer as a thinc layer."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, Optimizer, Shim

from spacy_deberta.errors import Errors
from spacy_deberta.layers.encoder_owner import EncoderOwner
from spacy_deberta.layers.settings import ANY_COMPONENT
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .alignment import DocPieces, align_pieces, align_words

InT = list[Doc]
OutT = DocPieces

# The heads of components that encode documents; the others encode questions, choices and labels.
_DOCUMENT_HEADS = ("sequence_classification", "token_classification")


class TokenizerShim(Shim):
    """Holds the tokenizer of a model, and serializes it with the model.

    Args:
        tokenizer: The tokenizer, or None before `initialize`.
        shared: Whose tokenizer it uses instead of one of its own; None for its own.
        split_special_tokens: Overrides the tokenizer's setting, see `DebertaV2Tokenizer`; None
            keeps it.
        unknown_characters: Likewise.
        is_split_into_words: Whether each token of a document is split into pieces on its own.
    """

    _model: DebertaV2Tokenizer | None

    def __init__(
        self,
        tokenizer: DebertaV2Tokenizer | None = None,
        *,
        shared: EncoderOwner | None = None,
        split_special_tokens: bool | None = None,
        unknown_characters: str | None = None,
        is_split_into_words: bool = False,
    ) -> None:
        super().__init__(tokenizer)
        self.shared = shared
        self.component = ANY_COMPONENT
        self.split_special_tokens = split_special_tokens
        self.unknown_characters = unknown_characters
        self._splits_words = is_split_into_words
        self._owner: TokenizerShim | None = None
        self._ahead: dict[tuple[int, ...], Future[DocPieces]] = {}

    @property
    def tokenizer(self) -> DebertaV2Tokenizer:
        """The tokenizer.

        Raises:
            ValueError: There is none before `initialize` or loading (E403), or no other shim
                shares one (E601).
        """
        if self._owner is not None:
            return self._owner.tokenizer
        if self._model is None:
            if self.shared is not None:
                raise self.shared.missing(self.component)
            raise ValueError(Errors.E403.format(component=self.component))
        return self._model

    @property
    def is_split_into_words(self) -> bool:
        """Whether each token is split into pieces on its own, here or in the shared shim."""
        return self._splits_words if self._owner is None else self._owner.is_split_into_words

    def share_tokenizer(self, owner: "TokenizerShim") -> None:
        """Use the tokenizer of another shim from now on."""
        self._owner = owner

    def set_tokenizer(self, tokenizer: DebertaV2Tokenizer) -> None:
        """Set the tokenizer, with the shim's settings overriding its own."""
        if self.split_special_tokens is not None:
            tokenizer = tokenizer.with_split_special_tokens(self.split_special_tokens)
        if self.unknown_characters is not None:
            tokenizer = tokenizer.with_unknown_characters(self.unknown_characters)
        self._model = tokenizer

    def encode(self, docs: Sequence[Doc]) -> DocPieces:
        """Tokenize documents in one call, and align their pieces with their tokens."""
        if not self.is_split_into_words:
            return align_pieces(docs, self.tokenizer.encode_batch([doc.text for doc in docs]))
        words = [[token.text for token in doc] for doc in docs]
        return align_words(docs, *self.tokenizer.encode_words(words))

    def start_ahead(self, docs: Sequence[Doc], executor: Executor) -> None:
        """Tokenize documents in another thread, ahead of the call of `take_ahead`."""
        self._ahead[_identity(docs)] = executor.submit(self.encode, docs)

    def take_ahead(self, docs: Sequence[Doc]) -> Future[DocPieces] | None:
        """Remove and return the future that `start_ahead` made for these documents, or None."""
        return self._ahead.pop(_identity(docs), None)

    def copy(self) -> "TokenizerShim":
        """A copy that shares the tokenizer, which is immutable."""
        copied = TokenizerShim(
            self._model,
            shared=self.shared and self.shared.copy(),
            split_special_tokens=self.split_special_tokens,
            unknown_characters=self.unknown_characters,
            is_split_into_words=self._splits_words,
        )
        copied.component = self.component
        copied._owner = self._owner
        return copied

    def finish_update(self, optimizer: Optimizer) -> None:
        """Do nothing: there are no parameters."""

    @contextmanager
    def use_params(self, params: Any) -> Iterator[None]:
        """Do nothing: there are no parameters."""
        yield

    def to_device(self, device_type: str, device_id: int) -> None:
        """Do nothing: tokenization runs on the CPU."""

    def to_bytes(self) -> bytes:
        """Serialize the vocabulary and its settings; empty before `initialize`."""
        return b"" if self._model is None else self._model.to_bytes()

    def from_bytes(self, data: bytes) -> "TokenizerShim":
        """Load the tokenizer from the output of `to_bytes`."""
        self._model = None
        if data:
            self.set_tokenizer(DebertaV2Tokenizer.from_bytes(data))
        return self


def doc_tokenizer(
    *,
    shared: EncoderOwner | None = None,
    split_special_tokens: bool | None = None,
    unknown_characters: str | None = None,
    is_split_into_words: bool = False,
) -> Model[InT, OutT]:
    """Tokenize documents into pieces that are aligned with their tokens.

    Args:
        shared: Whose tokenizer the layer uses, see `TokenizerShim`.
        split_special_tokens: See `TokenizerShim`.
        unknown_characters: See `TokenizerShim`.
        is_split_into_words: See `TokenizerShim`.
    """
    shim = TokenizerShim(
        shared=shared,
        split_special_tokens=split_special_tokens,
        unknown_characters=unknown_characters,
        is_split_into_words=is_split_into_words,
    )
    return Model("doc_tokenizer", forward, shims=[shim])


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Tokenize a batch in one call. There is no gradient."""
    shim = tokenizer_shim(model)
    ahead = shim.take_ahead(X)

    def backprop(dY: None) -> InT:
        return []

    return shim.encode(X) if ahead is None else ahead.result(), backprop


def encode_docs(model: Model, docs: Sequence[Doc]) -> DocPieces:
    """Tokenize documents as a model does.

    Args:
        model: Made by `deberta_model` or `deberta_with_head`.
        docs: The documents.

    Returns:
        Their pieces, aligned with their tokens.
    """
    return tokenizer_shim(model.layers[0]).encode(docs)


def splits_words(model: Model) -> bool:
    """Whether a model splits each token of a document on its own.

    Args:
        model: Made by `deberta_model` or `deberta_with_head`.
    """
    return tokenizer_shim(model.layers[0]).is_split_into_words


def check_takes_words(head: str) -> None:
    """Check that a head is for documents, which have tokens, and not for strings.

    Raises:
        ValueError: It is for strings (E245).
    """
    if head not in _DOCUMENT_HEADS:
        raise ValueError(Errors.E245.format(what=f"The head '{head}'"))


def check_whole_texts(model: Model, component: str) -> None:
    """Check that a model does not split tokens on their own.

    Args:
        model: Made by `deberta_with_head`.
        component: Name of the component, for the message.

    Raises:
        ValueError: It does (E245).
    """
    if splits_words(model):
        raise ValueError(Errors.E245.format(what=f"The component '{component}'"))


def _identity(docs: Sequence[Doc]) -> tuple[int, ...]:
    return tuple(map(id, docs))


def tokenizer_shim(model: Model) -> TokenizerShim:
    """The shim of a layer that `doc_tokenizer` made, or of a copy of it."""
    shim = model.shims[0]
    assert isinstance(shim, TokenizerShim)
    return shim
