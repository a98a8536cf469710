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

from .alignment import DocPieces, align_pieces

InT = list[Doc]
OutT = DocPieces


class TokenizerShim(Shim):
    """Holds the tokenizer of a model, and serializes it with the model.

    Args:
        tokenizer: The tokenizer, or None before `initialize`.
        shared: Whose tokenizer it uses instead of one of its own; None for its own.
        split_special_tokens: Overrides the tokenizer's setting, see `DebertaV2Tokenizer`; None
            keeps it.
        unknown_characters: Likewise.
    """

    _model: DebertaV2Tokenizer | None

    def __init__(
        self,
        tokenizer: DebertaV2Tokenizer | None = None,
        *,
        shared: EncoderOwner | None = None,
        split_special_tokens: bool | None = None,
        unknown_characters: str | None = None,
    ) -> None:
        super().__init__(tokenizer)
        self.shared = shared
        self.component = ANY_COMPONENT
        self.split_special_tokens = split_special_tokens
        self.unknown_characters = unknown_characters
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

    def start_ahead(self, docs: Sequence[Doc], executor: Executor) -> None:
        """Tokenize documents in another thread, ahead of the call of `take_ahead`."""
        self._ahead[_identity(docs)] = executor.submit(_tokenize, self.tokenizer, docs)

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
) -> Model[InT, OutT]:
    """Tokenize documents into pieces that are aligned with their tokens.

    Args:
        shared: Whose tokenizer the layer uses, see `TokenizerShim`.
        split_special_tokens: See `TokenizerShim`.
        unknown_characters: See `TokenizerShim`.
    """
    shim = TokenizerShim(
        shared=shared,
        split_special_tokens=split_special_tokens,
        unknown_characters=unknown_characters,
    )
    return Model("doc_tokenizer", forward, shims=[shim])


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Tokenize a batch in one call. There is no gradient."""
    shim = tokenizer_shim(model)
    ahead = shim.take_ahead(X)

    def backprop(dY: None) -> InT:
        return []

    return _tokenize(shim.tokenizer, X) if ahead is None else ahead.result(), backprop


def _tokenize(tokenizer: DebertaV2Tokenizer, docs: Sequence[Doc]) -> DocPieces:
    return align_pieces(docs, tokenizer.encode_batch([doc.text for doc in docs]))


def _identity(docs: Sequence[Doc]) -> tuple[int, ...]:
    return tuple(map(id, docs))


def tokenizer_shim(model: Model) -> TokenizerShim:
    """The shim of a layer that `doc_tokenizer` made, or of a copy of it."""
    shim = model.shims[0]
    assert isinstance(shim, TokenizerShim)
    return shim
