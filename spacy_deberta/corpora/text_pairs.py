"""The reader `spacy-deberta.TextPairCorpus.v1`: tables or JSONL → documents with a second text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypedDict

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_deberta.errors import Errors, check_flag, check_number, check_path, check_string
from spacy_deberta.typed_json import show

from .annotated_rows import Row, read_rows


class TextPair(TypedDict):
    """The second text of a pair.

    text: The text.
    score: How similar it is to the document, from 0 to 1.
    """

    text: str
    score: float


# A plain value, so that it is serialized with `doc.user_data`.
if not Doc.has_extension("text_pair"):
    Doc.set_extension("text_pair", default=None)


def text_pair_corpus_v1(
    path: Path | None,
    limit: int = 0,
    header: bool = True,
    first: str = "sentence1",
    second: str = "sentence2",
    score: str | None = "score",
    max_score: float = 1.0,
) -> Callable[[Language], Iterator[Example]]:
    """Read pairs of texts, with a number that says how similar they are.

    Each pair becomes an example: its first text is the document, and the second one and the score
    are in `doc._.text_pair` of the gold document.

    path (Path | None): A file: .csv, .tsv, .jsonl or .json, also compressed.
    limit (int): Maximum number of pairs to read; 0 for all.
    header (bool): Whether the first line of a table names its columns; if not, they are the two
        texts and the score, in this order.
    first (str): Name of the field with the first text.
    second (str): Name of the field with the second text.
    score (str | None): Name of the field with the score; null if all pairs are similar.
    max_score (float): The highest score of the data, such as 5 for STS-B.
    RETURNS (Callable[[Language], Iterator[Example]]): The reader.

    DOCS: docs/api/vectors.md#TextPairCorpus
    """
    if path is None:
        raise ValueError(Errors.E664.format(place="[corpora]", reason="the config gives no path"))
    check_path("path", path)
    check_number("limit", limit, lambda n: n >= 0, "at least 0", whole=True)
    check_flag("header", header)
    check_number("max_score", max_score, lambda x: x > 0, "above 0")
    for name, field in (("first", first), ("second", second)):
        check_string(name, field)
    check_string("score", score, optional=True)
    names = [first, second, *([] if score is None else [score])]
    columns = None if header else names
    fields = PairFields(first, second, score, max_score)
    return TextPairCorpus(Path(path), limit=limit, columns=columns, fields=fields)


@dataclass(frozen=True)
class PairFields:
    """Names of the fields of a row; see `text_pair_corpus_v1`."""

    first: str
    second: str
    score: str | None
    max_score: float


@dataclass(frozen=True)
class TextPairCorpus:
    """Examples from a file with pairs of texts; see `text_pair_corpus_v1`."""

    path: Path
    limit: int
    columns: list[str] | None
    fields: PairFields

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read the examples.

        nlp (Language): The pipeline, whose tokenizer makes the documents.
        YIELDS (Example): One for each pair.
        """
        rows = read_rows(self.path, columns=self.columns)
        for row in islice(rows, self.limit or None):
            first, pair = _read_pair(row, self.fields)
            predicted = nlp.make_doc(first)
            reference = predicted.copy()
            reference._.text_pair = pair
            yield Example(predicted, reference)


def get_text_pair(doc: Doc) -> TextPair | None:
    """Read `doc._.text_pair`.

    Args:
        doc: The document.

    Returns:
        The pair, or None if the document has none.

    Raises:
        ValueError: It is no dictionary with a text and a score (E663).
    """
    pair: Any = doc._.text_pair
    if pair is None:
        return None
    if not isinstance(pair, dict) or not isinstance(pair.get("text"), str):
        raise ValueError(Errors.E663.format(found=show(pair)))
    score = pair.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError(Errors.E663.format(found=show(pair)))
    return TextPair(text=pair["text"], score=float(score))


def _read_pair(row: Row, fields: PairFields) -> tuple[str, TextPair]:
    texts = [row.values.get(name) for name in (fields.first, fields.second)]
    first, second = texts
    if not isinstance(first, str) or not isinstance(second, str):
        raise _wrong(row, f"it has no text in '{fields.first}' or '{fields.second}'")
    if fields.score is None:
        return first, TextPair(text=second, score=1.0)
    found = row.values.get(fields.score)
    try:
        score = float(found) / fields.max_score  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        score = -1.0
    if not 0 <= score <= 1:
        wanted = f"a number from 0 to {fields.max_score:g}, the 'max_score' of the reader"
        raise _wrong(row, f"'{fields.score}' is {show(found)} and not {wanted}")
    return first, TextPair(text=second, score=score)


def _wrong(row: Row, reason: str) -> ValueError:
    return ValueError(Errors.E664.format(place=row.place, reason=reason))
