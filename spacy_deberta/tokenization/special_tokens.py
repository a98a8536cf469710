"""Special tokens ([CLS], [SEP], [MASK], …) and tokens that users add to the vocabulary."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.errors import Errors, check_list

from .matching import any_of

# In the order in which Hugging Face assigns ids to those that a vocabulary lacks.
SPECIAL_TOKENS: Mapping[str, str] = MappingProxyType(
    {
        "bos_token": "[CLS]",
        "eos_token": "[SEP]",
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
)


@dataclass(frozen=True, kw_only=True)
class AddedToken:
    """A token that is found in a text before the engine cuts it into pieces.

    Args:
        content: The token.
        id: Its id; None for the next free one.
        lstrip: Whether it includes the whitespace to its left.
        rstrip: Whether it includes the whitespace to its right.
        single_word: Whether it has to stand between spaces or ends of the text.
        normalized: Whether it is lowercased when texts are.
        special: Whether it is special: `skip_special_tokens` leaves it out, and
            `split_special_tokens` makes it text.
    """

    content: str
    id: int | None = None
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool = False
    special: bool = False


@dataclass(frozen=True)
class TokenTable:
    """All tokens of a tokenizer that are not left to SentencePiece.

    Args:
        vocab_size: Number of pieces of the SentencePiece model.
        roles: The token of each role: "cls_token", "mask_token", ...
        by_content: The tokens with their ids, by content.
        by_id: The same, by id.
        special: The tokens that `skip_special_tokens` leaves out.
        pattern: Finds the tokens in a text, longest first.
        special_pattern: Finds the tokens that are not lowercased.
    """

    vocab_size: int
    roles: Mapping[str, str]
    by_content: Mapping[str, AddedToken]
    by_id: Mapping[int, AddedToken]
    special: frozenset[str]
    pattern: re.Pattern[str]
    special_pattern: re.Pattern[str]

    def id_of(self, role: str) -> int:
        """Look up a token by its role.

        Args:
            role: "cls_token", "mask_token", ...

        Returns:
            Its id.
        """
        token_id = self.by_content[self.roles[role]].id
        if token_id is None:
            raise KeyError(role)
        return token_id

    def is_control(self, token: AddedToken) -> bool:
        """Whether a token is a control token of the model's input, which is text in a document.

        Args:
            token: One of the tokens.

        Returns:
            Whether it has a role, or is DeBERTa's default for one: unused defaults are text too.
        """
        return token.content in self.roles.values() or token.content in SPECIAL_TOKENS.values()

    def only(self, contents: Collection[str]) -> "TokenTable":
        """Restrict the table to some tokens.

        Args:
            contents: The tokens to keep; unknown ones are ignored.

        Returns:
            A table that finds these tokens only.
        """
        wanted = frozenset(contents)
        kept = {content: t for content, t in self.by_content.items() if content in wanted}
        alone = _keeping_case(kept.values(), self.special)
        return replace(self, by_content=kept, pattern=any_of(kept), special_pattern=any_of(alone))

    def are_in(self, texts: Iterable[str]) -> bool:
        """Whether any text contains a token; items that are not strings contain none."""
        search = self.pattern.search
        return any(isinstance(text, str) and search(text) is not None for text in texts)

    def __len__(self) -> int:
        """Return the number of pieces plus the tokens with ids beyond them."""
        return self.vocab_size + sum(i >= self.vocab_size for i in self.by_id)


class PieceInventory(Protocol):
    """The pieces of a vocabulary."""

    @property
    def strings(self) -> NDArray[np.object_]:
        """The piece of every id. *Shape:* `(vocab_size,)`, of Python strings."""

    def find(self, piece: str) -> int | None:
        """Look up a piece; None if the vocabulary does not have it."""


def make_table(
    pieces: PieceInventory,
    roles: Mapping[str, str | None],
    added_tokens: Iterable[AddedToken | str],
    *,
    do_lower_case: bool,
    additional_special_tokens: Collection[str] | None = None,
) -> TokenTable:
    """Assign an id to every token.

    Tokens of the vocabulary keep their id. The others are numbered from the end of the vocabulary:
    first those with a role, in the order of `SPECIAL_TOKENS`, then those of `added_tokens`.

    Args:
        pieces: The vocabulary.
        roles: A token for every key of `SPECIAL_TOKENS`. None as `bos_token` or `eos_token` stands
            for the default, or for `cls_token` or `sep_token` where nothing has the default.
        added_tokens: Further tokens, or the ids and flags of those in `roles`.
        do_lower_case: Whether texts are lowercased.
        additional_special_tokens: Those of `added_tokens` that `skip_special_tokens` leaves out;
            None for those that are special.

    Returns:
        The table.

    Raises:
        ValueError: A token with a role is neither in the vocabulary nor in `added_tokens` (the
            mask may be missing: it is added), or two tokens have the same id.
    """
    vocab_size = len(pieces.strings)
    given = check_list("added_tokens", added_tokens)
    added = [AddedToken(content=t) if isinstance(t, str) else t for t in given]
    given_contents = {token.content for token in added}

    def is_known(token: str) -> bool:
        return token in given_contents or pieces.find(token) is not None

    roles = _fill_roles(roles, is_known)
    listed = {*roles.values(), *(additional_special_tokens or ())}
    added = [replace(t, special=t.special or t.content in listed) for t in added]
    if do_lower_case:
        added = [replace(t, content=_lower_added(t)) for t in added]
    contents = {token.content for token in added}
    named = [AddedToken(content=c, special=True) for c in dict.fromkeys(roles.values())]
    for token in named:
        present = pieces.find(token.content) is not None or token.content in contents
        if not present and token.content != roles["mask_token"]:
            role = next(r for r, content in roles.items() if content == token.content)
            raise ValueError(Errors.E204.format(role=role, token=token.content))

    by_content: dict[str, AddedToken] = {}
    by_id: dict[int, AddedToken] = {}

    def place(token: AddedToken, token_id: int) -> None:
        taken = by_id.get(token_id)
        piece = pieces.strings[token_id] if token_id < vocab_size else token.content
        if (taken or token).content != token.content or piece != token.content:
            other = taken.content if taken else piece
            raise ValueError(Errors.E218.format(token=token.content, id=token_id, other=other))
        special = token.special or token.content in roles.values()
        by_id[token_id] = by_content[token.content] = replace(token, id=token_id, special=special)

    for token in added:
        if token.id is not None:
            place(token, token.id)
    free = vocab_size + sum(i >= vocab_size for i in by_id)
    by_name = {token.content: token for token in added}
    for token in [*(by_name.get(t.content, t) for t in named), *added]:
        if token.content in by_content:
            continue
        token_id = pieces.find(token.content)
        if token_id is None:
            token_id, free = free, free + 1
        place(token, token_id)

    marked = frozenset(token.content for token in by_content.values() if token.special)
    special = marked if additional_special_tokens is None else marked & listed
    return TokenTable(
        vocab_size=vocab_size,
        roles=dict(roles),
        by_content=by_content,
        by_id=by_id,
        special=special,
        pattern=any_of(by_content),
        special_pattern=any_of(_keeping_case(by_content.values(), special)),
    )


def content_of(token: AddedToken | str) -> str:
    """The token itself, without its flags."""
    return token if isinstance(token, str) else token.content


def special_contents(table: TokenTable) -> Sequence[str]:
    """List the special tokens that have no role.

    Args:
        table: The tokens of a tokenizer.

    Returns:
        The `additional_special_tokens` of Hugging Face.
    """
    return [t for t in table.by_content if t in table.special and t not in table.roles.values()]


def _fill_roles(roles: Mapping[str, str | None], is_known: Callable[[str], bool]) -> dict[str, str]:
    """Give the roles that DeBERTa does not use a token that the vocabulary has."""
    filled = {role: token for role, token in roles.items() if token is not None}
    for role, other in (("bos_token", "cls_token"), ("eos_token", "sep_token")):
        default = SPECIAL_TOKENS[role]
        filled.setdefault(role, default if is_known(default) else filled[other])
    return {role: filled[role] for role in SPECIAL_TOKENS}


def _keeping_case(tokens: Iterable[AddedToken], special: Collection[str]) -> Iterator[str]:
    """The tokens that are not lowercased; a default special token without a role is."""
    for token in tokens:
        marked = token.special and token.content not in SPECIAL_TOKENS.values()
        if token.content in special or marked or token.normalized:
            yield token.content


def _lower_added(token: AddedToken) -> str:
    lower = token.normalized and not token.special
    return token.content.lower() if lower else token.content
