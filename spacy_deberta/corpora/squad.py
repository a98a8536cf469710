"""The reader `spacy-deberta.SquadCorpus.v1`: SQuAD's JSON → documents with questions."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example
from spacy.training.corpus import walk_corpus

from spacy_deberta.errors import Errors, Warnings, check_number, warn

from .questions import GoldAnswer, Question, copy_questions, is_at, set_questions

FILE_TYPE = ".json"
# Maximum number of ids in a warning.
MAX_IDS_SHOWN = 5


@dataclass(frozen=True)
class Paragraph:
    """A text and the questions about it.

    Attributes:
        context: The text.
        questions: The questions, without the answers that are not at their offset in the text.
        answers: Number of answers in the file.
        misplaced: The question ids of the answers that were left out, one for each.
    """

    context: str
    questions: tuple[Question, ...]
    answers: int
    misplaced: tuple[str, ...]


def squad_corpus_v1(path: Path | None, limit: int = 0) -> Callable[[Language], Iterator[Example]]:
    """Read questions and answers in the JSON format of SQuAD 1.1 and 2.0.

    Each paragraph becomes an example, with all its questions in `doc._.questions`; those of the
    predicted document have no answers. Answers that are not at their offset in the text are counted
    and left out, and so are questions that lose all their answers this way.

    path (Path | None): A file, or a folder whose .json files are read.
    limit (int): Maximum number of paragraphs to read; 0 for all.
    RETURNS (Callable[[Language], Iterator[Example]]): The reader.

    DOCS: docs/api/corpora.md#SquadCorpus
    """
    if path is None:
        raise ValueError(Errors.E643.format(path=path, reason="the config gives no path"))
    check_number("limit", limit, lambda n: n >= 0, "at least 0", whole=True)
    return SquadCorpus(Path(path), limit=limit)


@dataclass(frozen=True)
class SquadCorpus:
    """Examples from files in SQuAD's format; see `squad_corpus_v1`."""

    path: Path
    limit: int = 0

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read the examples.

        nlp (Language): The pipeline, whose tokenizer makes the documents.
        YIELDS (Example): One for each paragraph.
        """
        for paragraph in islice(read_paragraphs(self.path), self.limit or None):
            yield make_example(nlp, paragraph)


def make_example(nlp: Language, paragraph: Paragraph) -> Example:
    """Make an example of a paragraph: the gold document has the answers."""
    reference = nlp.make_doc(paragraph.context)
    predicted = reference.copy()
    set_questions(reference, paragraph.questions)
    copy_questions(predicted, reference)
    return Example(predicted, reference)


def read_paragraphs(path: Path) -> Iterator[Paragraph]:
    """Read a file, or the .json files of a folder.

    Args:
        path: The file or folder.

    Yields:
        The paragraphs in the order of the files. After each file, a warning counts the answers that
        are not at their offset in the text (W610).

    Raises:
        ValueError: There is no such file, or it is not JSON (E643) or not SQuAD's (E644), a context
            is empty (E645), or two questions have the same id (E646).
    """
    if not path.exists():
        raise ValueError(Errors.E643.format(path=path, reason="there is no such file or folder"))
    places: dict[str, str] = {}
    for file in walk_corpus(path, FILE_TYPE) if path.is_dir() else [path]:
        paragraphs = _File(file, places).read()
        misplaced = [name for paragraph in paragraphs for name in paragraph.misplaced]
        if misplaced:
            names = list(dict.fromkeys(misplaced))
            warn(
                Warnings.W610.format(
                    path=file,
                    count=len(misplaced),
                    total=sum(paragraph.answers for paragraph in paragraphs),
                    names=", ".join(names[:MAX_IDS_SHOWN])
                    + (", …" if len(names) > MAX_IDS_SHOWN else ""),
                )
            )
        yield from paragraphs


@dataclass(frozen=True)
class _File:
    """A file that is being read.

    Attributes:
        path: Its path.
        places: The place of each id so far, in this file and earlier ones.
    """

    path: Path
    places: dict[str, str]

    def read(self) -> list[Paragraph]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(Errors.E643.format(path=self.path, reason=error)) from error
        return [
            self._paragraph(paragraph, place)
            for article, at in self._list(content, "data", "")
            for paragraph, place in self._list(article, "paragraphs", at)
        ]

    def _paragraph(self, paragraph: Any, place: str) -> Paragraph:
        context = self._value(paragraph, "context", str, place)
        if not context.strip():
            raise ValueError(Errors.E645.format(path=self.path, place=place))
        questions: list[Question] = []
        misplaced: list[str] = []
        total = 0
        for item, at in self._list(paragraph, "qas", place):
            name = self._id(item, at)
            text = self._value(item, "question", str, at)
            answers = self._answers(item, at)
            good = [a for a in answers if is_at(context, a["text"], a["start"])]
            misplaced += [name] * (len(answers) - len(good))
            total += len(answers)
            # A question that lost all its answers is not an unanswerable question.
            if good or not answers:
                questions.append({"id": name, "question": text, "answers": good})
        return Paragraph(context, tuple(questions), total, tuple(misplaced))

    def _id(self, item: Any, place: str) -> str:
        name: str = self._value(item, "id", str, place)
        if name in self.places:
            raise ValueError(
                Errors.E646.format(path=self.path, place=place, id=name, other=self.places[name])
            )
        self.places[name] = f"{self.path}, {place}"
        return name

    def _answers(self, item: Any, place: str) -> list[GoldAnswer]:
        if "answers" not in item or item.get("is_impossible"):
            return []
        return [
            {
                "text": self._value(answer, "text", str, at),
                "start": self._value(answer, "answer_start", int, at),
            }
            for answer, at in self._list(item, "answers", place)
        ]

    def _list(self, parent: Any, key: str, place: str) -> list[tuple[Any, str]]:
        """The items of a list, each with its place in the file."""
        where = f"{place}.{key}" if place else key
        members = self._value(parent, key, list, place)
        return [(member, f"{where}[{index}]") for index, member in enumerate(members)]

    def _value(self, parent: Any, key: str, kind: type, place: str) -> Any:
        value = parent.get(key) if isinstance(parent, dict) else None
        if not isinstance(value, kind):
            where = f"{place}.{key}" if place else key
            found = "missing" if value is None else type(value).__name__
            raise ValueError(
                Errors.E644.format(path=self.path, place=where, kind=kind.__name__, found=found)
            )
        return value
