"""The reader `spacy-deberta.MultipleChoiceCorpus.v1`: TSV or JSONL → documents with choices."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example

from spacy_deberta.errors import Errors, check_flag, check_number

from .choices import is_choice, is_index

SUFFIXES = (".tsv", ".jsonl")
# Possible keys of a question in JSONL.
QUESTION_KEYS = ("prompt", "question")


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question, or the start of a text, with its possible answers or continuations.

    Attributes:
        text: The question.
        choices: The choices.
        right: The index of the right choice; None if it is not known.
    """

    text: str
    choices: tuple[str, ...]
    right: int | None


@dataclass(frozen=True)
class Columns:
    """The columns of a TSV file, counted from 0; negative ones from the end of the line.

    Attributes:
        question: The column of the question.
        choices: The columns of the choices.
        answer: The column with the index of the right choice, counted from 0; None if there is
            none.
    """

    question: int
    choices: tuple[int, ...]
    answer: int | None


# CODAH: category, question, four choices, answer.
CODAH = Columns(question=1, choices=(2, 3, 4, 5), answer=6)


def multiple_choice_corpus_v1(
    path: Path | None,
    limit: int = 0,
    header: bool = False,
    question_column: int = CODAH.question,
    choice_columns: Sequence[int] = CODAH.choices,
    answer_column: int | None = CODAH.answer,
) -> Callable[[Language], Iterator[Example]]:
    """Read multiple-choice questions, one for each line, from TSV or JSONL.

    Each question becomes an example: its text is the document, its choices are in `doc._.choices`
    of both documents, and the index of the right one in `doc._.right_choice` of the gold one. The
    columns are for TSV and by default those of CODAH. JSONL has objects with "prompt" or
    "question", "choices", and "answer": the index or the text of the right choice, or null.

    path (Path | None): A file whose name ends in .tsv or .jsonl.
    limit (int): Maximum number of questions to read; 0 for all.
    header (bool): Whether the first line of a TSV file names the columns.
    question_column (int): The column of the question, counted from 0; negative from the end.
    choice_columns (Sequence[int]): The columns of the choices.
    answer_column (int | None): The column with the index of the right choice, counted from 0; null
        if there is none.
    RETURNS (Callable[[Language], Iterator[Example]]): The reader.

    DOCS: docs/api/corpora.md#MultipleChoiceCorpus
    """
    if path is None:
        raise ValueError(Errors.E654.format(path=path, reason="the config gives no path"))
    check_flag("header", header)
    check_number("limit", limit, lambda n: n >= 0, "at least 0", whole=True)
    columns = _check_columns(question_column, choice_columns, answer_column)
    return MultipleChoiceCorpus(Path(path), limit=limit, header=header, columns=columns)


def _check_columns(question: int, choices: Sequence[int], answer: int | None) -> Columns:
    # A string is a sequence of its characters, too.
    listed = [choices] if isinstance(choices, str) else choices
    given = [("question_column", question), *(("choice_columns", column) for column in listed)]
    if answer is not None:
        given.append(("answer_column", answer))
    for name, column in given:
        wanted = "counted from 0; of several, a list"
        check_number(name, column, lambda n: True, wanted, whole=True)
    return Columns(question, tuple(choices), answer)


@dataclass(frozen=True)
class MultipleChoiceCorpus:
    """Examples from a file with multiple-choice questions; see `multiple_choice_corpus_v1`."""

    path: Path
    limit: int = 0
    header: bool = False
    columns: Columns = CODAH

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read the examples.

        nlp (Language): The pipeline, whose tokenizer makes the documents.
        YIELDS (Example): One for each question.
        """
        questions = read_choice_questions(self.path, header=self.header, columns=self.columns)
        for question in islice(questions, self.limit or None):
            yield make_choice_example(nlp, question)


def make_choice_example(nlp: Language, question: ChoiceQuestion) -> Example:
    """Make an example of a question: the gold document has the right choice."""
    predicted = nlp.make_doc(question.text)
    predicted._.choices = list(question.choices)
    reference = predicted.copy()
    reference._.right_choice = question.right
    return Example(predicted, reference)


def read_choice_questions(
    path: Path, *, header: bool = False, columns: Columns = CODAH
) -> Iterator[ChoiceQuestion]:
    """Read a file; empty lines are skipped.

    Args:
        path: The file.
        header: Whether the first line of a TSV file names the columns.
        columns: The columns of a TSV file.

    Yields:
        The questions, in order.

    Raises:
        ValueError: The file can't be read or has an unknown suffix (E654), a line is not a
            question with choices (E655), or its answer is none of them (E656).
    """
    if path.suffix not in SUFFIXES:
        reason = f"its name ends in none of {', '.join(SUFFIXES)}"
        raise ValueError(Errors.E654.format(path=path, reason=reason))
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(Errors.E654.format(path=path, reason=error)) from error
    is_tsv = path.suffix == ".tsv"
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (is_tsv and header and number == 1):
            continue
        place = f"{path}, line {number}"
        line = line.removesuffix("\r")
        yield _read_columns(line, columns, place) if is_tsv else _read_object(line, place)


def _read_columns(line: str, columns: Columns, place: str) -> ChoiceQuestion:
    # No quoting: quotes in such files belong to the texts.
    cells = line.split("\t")

    def cell(column: int) -> str:
        if not -len(cells) <= column < len(cells):
            reason = f"it has {len(cells)} columns and no column {column}"
            raise ValueError(Errors.E655.format(place=place, reason=reason))
        return cells[column].strip()

    choices = _check([cell(column) for column in columns.choices], place)
    right = None
    if columns.answer is not None:
        answer = cell(columns.answer)
        right = _check_index(int(answer) if answer.isdecimal() else answer, choices, place)
    return ChoiceQuestion(cell(columns.question), choices, right)


def _read_object(line: str, place: str) -> ChoiceQuestion:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise ValueError(Errors.E655.format(place=place, reason=error)) from error
    keys = values.keys() if isinstance(values, dict) else set()
    texts = [values[key] for key in QUESTION_KEYS if key in keys]
    if len(texts) != 1 or not isinstance(texts[0], str) or "answer" not in keys:
        reason = "it is no object with 'choices', 'answer', and a string as 'prompt' or 'question'"
        raise ValueError(Errors.E655.format(place=place, reason=reason))
    choices = _check(values.get("choices"), place)
    answer = values["answer"]
    if isinstance(answer, str) and choices.count(answer) == 1:
        answer = choices.index(answer)
    right = None if answer is None else _check_index(answer, choices, place)
    return ChoiceQuestion(texts[0], choices, right)


def _check(choices: Any, place: str) -> tuple[str, ...]:
    reason = None
    if not isinstance(choices, list) or not choices:
        reason = "it has no list of choices"
    elif empty := [n for n, choice in enumerate(choices) if not is_choice(choice)]:
        reason = f"choice {empty[0]}, counted from 0, is empty or no string"
    if reason is not None:
        raise ValueError(Errors.E655.format(place=place, reason=reason))
    return tuple(choices)


def _check_index(answer: Any, choices: tuple[str, ...], place: str) -> int:
    if not is_index(answer, choices):
        raise ValueError(Errors.E656.format(place=place, answer=answer, last=len(choices) - 1))
    return int(answer)
