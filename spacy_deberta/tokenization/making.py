"""Makes the engine and the tokens of a tokenizer."""

from collections.abc import Collection, Iterable, Mapping

from spacy_deberta.errors import check_list

from .engines import Engine, UnknownCharacters, make_engine
from .special_tokens import SPECIAL_TOKENS, AddedToken, TokenTable, content_of, make_table


def make_parts(
    model_proto: bytes | None,
    pipeline: bytes | None,
    *,
    roles: Mapping[str, str | None],
    added_tokens: Iterable[AddedToken | str] = (),
    additional_special_tokens: Collection[str] | None = None,
    do_lower_case: bool = False,
    split_by_punct: bool = False,
    unknown_characters: UnknownCharacters | None = None,
    threads: int | None = None,
) -> tuple[Engine, TokenTable]:
    """Make the engine of a vocabulary file, and the table of the tokens beside its pieces.

    Args:
        model_proto: An `spm.model`.
        pipeline: A `tokenizer.json`.
        roles: As for `make_table`.
        added_tokens: As for `DebertaV2Tokenizer`, like all below. What `tokenizer.json` says of a
            token goes before.
        additional_special_tokens: Which of them are left out by `skip_special_tokens`.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether every punctuation character is a word of its own.
        unknown_characters: "bytes" or "unk"; None for what the vocabulary says.
        threads: Maximum number of native threads for a batch.

    Returns:
        Both.

    Raises:
        ValueError: As `make_engine` and `make_table`.
    """
    engine = make_engine(
        model_proto,
        pipeline,
        controls={*filter(None, roles.values()), *SPECIAL_TOKENS.values()},
        do_lower_case=do_lower_case,
        split_by_punct=split_by_punct,
        unknown_characters=unknown_characters,
        threads=threads,
    )
    own = {token.content for token in engine.added_tokens}
    given = check_list("added_tokens", added_tokens)
    table = make_table(
        engine,
        roles,
        [*engine.added_tokens, *(token for token in given if content_of(token) not in own)],
        do_lower_case=do_lower_case and engine.name == "sentencepiece",
        additional_special_tokens=additional_special_tokens,
    )
    return engine, table
