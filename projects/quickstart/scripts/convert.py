"""Convert the corpus from its readable source format to spaCy's binary format.

The source format is described in `assets/README.md`. Run as
`python scripts/convert.py assets corpus`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

REGISTERS = ("news", "mail", "reviews", "chat", "encyclopedia")
SPLITS = ("train", "dev", "test")
TOPICS = ("business", "travel", "technology", "food", "sport", "health", "culture")
ENTITY_LABELS = ("PERSON", "ORG", "GPE", "PRODUCT", "DATE")
SPAN_LABELS = ("ACTOR", "EVENT", "PLACE_TIME", "OPINION")
SPANS_KEY = "sc"
# The annotation of the categories: the topic or the register of a text.
CATEGORIES = {"topic": TOPICS, "register": REGISTERS}

_ESCAPABLE = "[]|\\"
_SELECTOR = re.compile(r"(?P<quote>.*\S) #(?P<number>[1-9][0-9]*)")


class CorpusError(ValueError):
    """A malformed record, with its file and line.

    Attributes:
        path: The source file.
        line: The line in it, counted from 1.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line


@dataclass(frozen=True)
class Annotation:
    """A labelled character span of a text.

    Attributes:
        start: Start offset in characters.
        end: End offset in characters.
        label: The label.
        line: The line of the annotation in the source file.
    """

    start: int
    end: int
    label: str
    line: int


@dataclass(frozen=True)
class Record:
    """One text of the corpus with its annotations.

    Attributes:
        path: The source file.
        line: The line of the source file on which the record starts.
        topic: The topic, one of `TOPICS`.
        text: The plain text.
        entities: The named entities, in order, none overlapping another.
        spans: The spans for span categorization, as listed in the source.
    """

    path: Path
    line: int
    topic: str
    text: str
    entities: tuple[Annotation, ...]
    spans: tuple[Annotation, ...]


def parse_text(source: str, path: Path, line: int) -> tuple[str, tuple[Annotation, ...]]:
    """Take the inline entities out of a text line.

    Args:
        source: The text with entities written as `[words|LABEL]`.
        path: The source file, for errors.
        line: The line number, for errors and for the annotations.

    Returns:
        The plain text and its entities.

    Raises:
        CorpusError: If brackets, escapes or labels are wrong.
    """
    text = ""
    entities: list[Annotation] = []
    start: int | None = None  # where the open entity begins
    characters = iter(source)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in _ESCAPABLE:
                raise CorpusError(path, line, f"unknown escape {character + escaped!r}")
            text += escaped
        elif character == "[":
            if start is not None:
                raise CorpusError(path, line, "an entity inside an entity")
            start = len(text)
        elif character == "]":
            raise CorpusError(path, line, "']' without an entity 'words|LABEL' before it")
        elif character == "|" and start is not None:
            label = _read_label(characters, path, line)
            words = text[start:]
            if not words or words != words.strip():
                raise CorpusError(path, line, f"empty or padded entity {words!r}")
            entities.append(Annotation(start, len(text), label, line))
            start = None
        else:
            text += character
    if start is not None:
        raise CorpusError(path, line, f"unclosed entity {text[start:]!r}")
    if not text or text != text.strip():
        raise CorpusError(path, line, "empty or padded text")
    return text, tuple(entities)


def _read_label(characters: Iterator[str], path: Path, line: int) -> str:
    """Read an entity label up to and including the closing bracket."""
    label = ""
    for character in characters:
        if character == "]":
            break
        label += character
    else:
        raise CorpusError(path, line, f"unclosed entity label {label!r}")
    if label not in ENTITY_LABELS:
        raise CorpusError(path, line, f"unknown entity label {label!r}")
    return label


def parse_span(source: str, text: str, path: Path, line: int) -> Annotation:
    """Find the offsets of a quoted span in its text.

    Args:
        source: A span line, `LABEL: words` or `LABEL: words #2`.
        text: The plain text of the record.
        path: The source file, for errors.
        line: The line number, for errors and for the annotation.

    Returns:
        The span.

    Raises:
        CorpusError: If the label is unknown, or if the words do not occur or occur more than
            once and no `#n` says which occurrence is meant.
    """
    label, separator, quote = source.partition(": ")
    if not separator or label not in SPAN_LABELS:
        raise CorpusError(path, line, f"expected a span 'LABEL: words', got {source!r}")
    number = None
    if selector := _SELECTOR.fullmatch(quote):
        quote, number = selector["quote"], int(selector["number"])
    if not quote or quote != quote.strip():
        raise CorpusError(path, line, f"empty or padded span {quote!r}")
    starts = [match.start() for match in re.finditer(f"(?={re.escape(quote)})", text)]
    if not starts:
        raise CorpusError(path, line, f"{quote!r} does not occur in the text")
    if number is None and len(starts) > 1:
        raise CorpusError(
            path, line, f"{quote!r} occurs {len(starts)} times; choose one with ' #1', ' #2'…"
        )
    if number is not None and number > len(starts):
        raise CorpusError(
            path, line, f"{quote!r} has no occurrence {number}, it occurs {len(starts)} times"
        )
    start = starts[(number or 1) - 1]
    return Annotation(start, start + len(quote), label, line)


def parse_record(lines: list[str], path: Path, line: int) -> Record:
    """Parse the lines of one record.

    Args:
        lines: The topic line, the text line and one line for each span.
        path: The source file, for errors.
        line: The number of the first of these lines.

    Returns:
        The record.

    Raises:
        CorpusError: If the record is malformed.
    """
    topic = lines[0].removeprefix("# ")
    if topic == lines[0] or topic not in TOPICS:
        raise CorpusError(path, line, f"expected '# topic', got {lines[0]!r}")
    if len(lines) < 3:
        raise CorpusError(path, line, "a record needs a topic, a text and at least one span")
    text, entities = parse_text(lines[1], path, line + 1)
    spans: list[Annotation] = []
    for offset, source in enumerate(lines[2:], start=2):
        span = parse_span(source, text, path, line + offset)
        if any((span.start, span.end, span.label) == (s.start, s.end, s.label) for s in spans):
            raise CorpusError(path, span.line, f"the same span twice: {source!r}")
        spans.append(span)
    return Record(path, line, topic, text, entities, tuple(spans))


def read_register(path: Path) -> list[Record]:
    """Read all the records of one source file, separated by blank lines.

    Args:
        path: The source file.

    Returns:
        The records in the order of the file.

    Raises:
        CorpusError: If a record is malformed.
    """
    records: list[Record] = []
    block: list[str] = []
    # Not splitlines(), which also splits at characters that may be part of a text.
    lines = path.read_text(encoding="utf8").split("\n")
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            records.append(parse_record(block, path, number - len(block)))
            block = []
    return records


def read_corpus(assets: Path) -> dict[str, list[Record]]:
    """Read the source files of all registers.

    Args:
        assets: The folder that holds `<register>.txt` for each of `REGISTERS`.

    Returns:
        The records of each register.
    """
    return {register: read_register(assets / f"{register}.txt") for register in REGISTERS}


def split_of(index: int) -> str:
    """Choose the split of a record.

    Args:
        index: The index of the record in its register, counted from 0.

    Returns:
        Of every ten records, "train" for eight, "dev" for the ninth, "test" for the tenth.
    """
    return {8: "dev", 9: "test"}.get(index % 10, "train")


def split_corpus(corpus: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """Divide the records into splits.

    Args:
        corpus: The records of each register.

    Returns:
        The records of each split, register after register.
    """
    splits: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for records in corpus.values():
        for index, record in enumerate(records):
            splits[split_of(index)].append(record)
    return splits


def _make_span(doc: Doc, record: Record, annotation: Annotation) -> Span:
    """Turn character offsets into a span, which must fall on token borders."""
    span = doc.char_span(annotation.start, annotation.end, label=annotation.label)
    if span is None:
        words = record.text[annotation.start : annotation.end]
        raise CorpusError(
            record.path,
            annotation.line,
            f"{annotation.label} {words!r} does not fall on token borders: "
            f"{[token.text for token in doc]}",
        )
    return span


def make_doc(nlp: Language, record: Record, *, categories: str = "topic") -> Doc:
    """Make the annotated document of a record.

    Args:
        nlp: The pipeline whose tokenizer is used.
        record: The record.
        categories: The annotation of its categories, one of `CATEGORIES`.

    Returns:
        A document with `ents`, `cats` and the span group `SPANS_KEY`.

    Raises:
        CorpusError: If an annotation does not fall on token borders.
    """
    doc = nlp.make_doc(record.text)
    doc.set_ents([_make_span(doc, record, entity) for entity in record.entities])
    doc.spans[SPANS_KEY] = [_make_span(doc, record, span) for span in record.spans]
    own = record.topic if categories == "topic" else record.path.stem
    doc.cats = {label: float(label == own) for label in CATEGORIES[categories]}
    return doc


def write_docs(docs: list[Doc], path: Path) -> None:
    """Write documents atomically.

    Args:
        docs: The documents.
        path: The file to write or to replace.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        DocBin(docs=docs).to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def count_table(corpus: dict[str, list[Record]]) -> str:
    """Count texts, topics, entities and spans.

    Args:
        corpus: The records of each register.

    Returns:
        A Markdown table with a column for each register and each split.
    """
    columns = corpus | split_corpus(corpus)
    counts = {
        name: Counter(
            key
            for record in records
            for key in ("texts", record.topic, *(a.label for a in record.entities + record.spans))
        )
        for name, records in columns.items()
    }
    rows = [["", *columns, "total"], ["---"] + ["---:"] * (len(columns) + 1)]
    for key in ("texts", *TOPICS, *ENTITY_LABELS, *SPAN_LABELS):
        total = sum(counts[register][key] for register in corpus)
        rows.append([key, *(str(counts[name][key]) for name in columns), str(total)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def convert(assets: Path, output: Path, *, categories: str = "topic") -> dict[str, int]:
    """Convert the corpus; nothing is written if any record is malformed.

    Args:
        assets: The folder of source files.
        output: The folder for `train.spacy`, `dev.spacy` and `test.spacy`, made if missing.
        categories: The annotation of the categories, one of `CATEGORIES`.

    Returns:
        The number of documents in each split.
    """
    nlp = spacy.blank("en")
    splits = {
        split: [make_doc(nlp, record, categories=categories) for record in records]
        for split, records in split_corpus(read_corpus(assets)).items()
    }
    output.mkdir(parents=True, exist_ok=True)
    for split, docs in splits.items():
        write_docs(docs, output / f"{split}.spacy")
    return {split: len(docs) for split, docs in splits.items()}


app = typer.Typer(add_completion=False)


@app.command()
def main(
    assets: Annotated[
        Path, typer.Argument(help="Folder of source files", exists=True, file_okay=False)
    ],
    output: Annotated[Path, typer.Argument(help="Folder to write to", file_okay=False)],
    categories: Annotated[
        str, typer.Option(help=f"What the categories say: {' or '.join(CATEGORIES)}")
    ] = "topic",
    counts: Annotated[
        bool, typer.Option("--counts", help="Also print the table of counts in Markdown")
    ] = False,
) -> None:
    """Convert the corpus to train.spacy, dev.spacy and test.spacy."""
    if categories not in CATEGORIES:
        raise typer.BadParameter(f"--categories: choose one of {', '.join(CATEGORIES)}")
    try:
        sizes = convert(assets, output, categories=categories)
    except (CorpusError, OSError, UnicodeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    for split, size in sizes.items():
        typer.echo(f"{output / split}.spacy: {size} texts")
    if counts:
        typer.echo(count_table(read_corpus(assets)))


if __name__ == "__main__":
    app()
