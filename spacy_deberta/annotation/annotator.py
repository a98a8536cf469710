"""Annotate records with a pipeline: what every engine runs."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc

from spacy_deberta.errors import Errors

from .records import Record, encodable
from .row_columns import RowColumns

TOO_LONG, FAILED = "text too long", "failed"


@dataclass(frozen=True, kw_only=True)
class AnnotatorSettings:
    """How texts are annotated. It can be pickled, and sent to other machines.

    Attributes:
        pipeline: The folder or the package of the pipeline.
        columns: What a row of the output has.
        disable: Components that do not run.
        code: A Python file to import first; None for none.
        gpu_id: Index of the GPU, or -1 for the CPU.
        batch_size: Number of texts in a batch of each component; None for that of the pipeline.
    """

    pipeline: str
    columns: RowColumns = field(default_factory=RowColumns)
    disable: tuple[str, ...] = ()
    code: str | None = None
    gpu_id: int = -1
    batch_size: int | None = None


class AnnotatedRecord(NamedTuple):
    """A record and its document.

    Attributes:
        record: The record.
        doc: The document; without annotations, or even without tokens, if there is an error.
        error: Why the text is not annotated.
    """

    record: Record
    doc: Doc
    error: str | None


class Annotator:
    """Annotates batches of records. An engine makes one in each of its processes.

    Args:
        settings: The pipeline, and what to do with it.

    Raises:
        ValueError: The pipeline can't be loaded (E506), has no such component (E807), or there is
            no such GPU (E513).
    """

    def __init__(self, settings: AnnotatorSettings) -> None:
        self.settings = settings
        self.nlp = load_pipeline(settings)
        self.batch_size = settings.batch_size or self.nlp.batch_size

    def __call__(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Annotate records.

        Args:
            records: The records.

        Returns:
            A row for each of them, in their order: see `RowColumns`. A record without a text, or
            that a component fails on, is a row with an `error`.
        """
        with self.memory_zone():
            columns = self.settings.columns
            return [columns.make_row(*annotated) for annotated in self.pipe(records)]

    def memory_zone(self) -> AbstractContextManager[Any]:
        """A context after which the pipeline forgets the words of documents made within it."""
        return self.nlp.memory_zone()

    def pipe(self, records: Iterable[Record]) -> Iterator[AnnotatedRecord]:
        """Annotate a stream of records.

        The documents are those of `nlp.pipe` on the texts of the records, with the same batches.
        If a component fails, the records of its batch are annotated one by one.

        Args:
            records: The records, read as they are needed.

        Yields:
            Every record, in order.

        Raises:
            Exception: What reading the records raised.
        """
        waiting: deque[_Waiting] = deque()
        stream = _DocStream(self.nlp, iter(records), waiting)
        while not stream.ended:
            docs = self.nlp.pipe(stream, as_tuples=True, batch_size=self.batch_size)
            while (found := _next(docs)) is not None:
                doc, entry = found
                while waiting and waiting[0] is not entry:
                    yield self._annotate_alone(waiting.popleft())
                if waiting:
                    yield AnnotatedRecord(waiting.popleft().record, doc, None)
            if not waiting:
                # The component has failed before it has read anything.
                next(stream, None)
            while waiting:
                yield self._annotate_alone(waiting.popleft())
        if stream.failure is not None:
            raise stream.failure

    def _annotate_alone(self, entry: "_Waiting") -> AnnotatedRecord:
        """Annotate a record that has not come through the stream."""
        record = entry.record
        if entry.error is not None or record.text is None:
            return AnnotatedRecord(record, entry.doc or Doc(self.nlp.vocab), entry.error)
        doc = self.nlp.make_doc(record.text)
        running = ""
        try:
            for name, component in self.nlp.pipeline:
                running = name
                doc = component(doc)
                if not isinstance(doc, Doc):
                    raise TypeError(f"it returned {type(doc).__name__}, and no Doc")
        except Exception as error:
            return AnnotatedRecord(record, self.nlp.make_doc(record.text), _say(running, error))
        return AnnotatedRecord(record, doc, None)


@dataclass
class _Waiting:
    """A record on its way through the pipeline.

    Attributes:
        record: The record.
        error: Why it is not in the stream.
        doc: A document to show nevertheless.
    """

    record: Record
    error: str | None = None
    doc: Doc | None = None


class _DocStream:
    """The documents of records that have a text, for `nlp.pipe`; the others wait for their turn.

    It is no generator, so that it can be continued after `nlp.pipe` has failed.
    """

    def __init__(self, nlp: Language, records: Iterator[Record], waiting: deque[_Waiting]) -> None:
        self._nlp = nlp
        self._records = records
        self._waiting = waiting
        self.ended = False
        #: What reading the records raised. Within `nlp.pipe`, it would pass for a failure of a
        #: component, and the records that follow would be lost.
        self.failure: Exception | None = None

    def __iter__(self) -> "_DocStream":
        return self

    def __next__(self) -> tuple[Doc, _Waiting]:
        while (record := self._read()) is not None:
            entry = _Waiting(record, record.error)
            self._waiting.append(entry)
            if record.error is not None or record.text is None:
                continue
            if len(record.text) > self._nlp.max_length:
                limit = self._nlp.max_length
                entry.error = f"{TOO_LONG}: {len(record.text)} characters, at most {limit}"
                continue
            try:
                return self._nlp.make_doc(record.text), entry
            except Exception as error:
                entry.error = _say("the tokenizer", error)
        self.ended = True
        raise StopIteration

    def _read(self) -> Record | None:
        try:
            return next(self._records, None)
        except Exception as error:
            self.failure = error
            return None


def _next(docs: Iterator[tuple[Doc, Any]]) -> tuple[Doc, Any] | None:
    """The next document; None after the last one, or if a component fails.

    No error handler is set: some components of spaCy have none (`EntityRecognizer` in 3.8).
    """
    try:
        return next(docs, None)
    except Exception:
        return None


def _say(name: str, error: Exception) -> str:
    message = encodable(" ".join(str(error).split()))
    return f"{FAILED} in {name}: {type(error).__name__}: {message}"


@cache
def import_code(path: str) -> None:
    """Import a Python file, once in a process: spaCy refuses to register a class again.

    Args:
        path: The file.
    """
    util.import_file("python_code", Path(path))


def load_pipeline(settings: AnnotatorSettings) -> Language:
    """Load the pipeline of an annotator.

    Args:
        settings: See `AnnotatorSettings`.

    Raises:
        ValueError: It can't be loaded (E506), has no such component (E807), or there is no such GPU
            (E513).
    """
    if settings.code is not None:
        import_code(settings.code)
    if settings.gpu_id >= 0:
        from spacy_deberta.layers import select_gpu

        select_gpu(settings.gpu_id)
    try:
        nlp = util.load_model(settings.pipeline, disable=settings.disable)
    except (ImportError, OSError, ValueError) as error:
        raise ValueError(Errors.E506.format(name=settings.pipeline, error=error)) from error
    if unknown := set(settings.disable) - set(nlp.component_names):
        known = ", ".join(nlp.component_names) or "none"
        raise ValueError(
            Errors.E807.format(name=sorted(unknown)[0], pipeline=settings.pipeline, known=known)
        )
    return nlp
