"""spaCy's own format: a `DocBin`, with everything that the pipeline has set."""

import json
from typing import IO, Any, cast

from spacy.tokens import Doc, DocBin

from spacy_deberta.annotation.records import Record
from spacy_deberta.annotation.row_columns import RowColumns
from spacy_deberta.errors import Errors

from .format import AnnotatedRows
from .json_lines import to_json

# Where `doc.user_data` has `doc._.trf_data`, and the outputs of further encoders.
_TRF_DATA = ("._.", "trf_data", None, None)
_ROWS = "spacy_deberta.rows"


class DocBinFormat:
    """Documents. `doc.user_data` has "id", "error" and, if fields are kept, "fields".

    Args:
        keep_trf_data: Whether to keep `doc._.trf_data`, which is large.
    """

    def __init__(self, *, keep_trf_data: bool = False) -> None:
        self._keep_trf_data = keep_trf_data

    def encode(self, annotated: AnnotatedRows, columns: RowColumns) -> bytes:
        """Encode documents as a `DocBin`."""
        docs = DocBin(store_user_data=True)
        for record, doc, error in annotated:
            self._add(docs, record, doc, error)
        return docs.to_bytes()

    def open(self, file: IO[bytes], columns: RowColumns) -> "_MergedDocs":
        """Begin a file."""
        return _MergedDocs(file)

    def _add(self, docs: DocBin, record: Record, doc: Doc, error: str | None) -> None:
        user_data: dict[Any, Any] = cast(Any, doc.user_data)
        if not self._keep_trf_data:
            for key in [key for key in user_data if _is_trf_data(key)]:
                del user_data[key]
        user_data.update({"id": record.id, "error": error})
        if record.kept:
            # Without dates, halves of surrogate pairs and other values that msgpack lacks.
            plain = to_json(record.kept).encode("utf-8", "replace")
            user_data["fields"] = json.loads(plain)
        try:
            docs.add(doc)
        except (TypeError, ValueError) as problem:
            raise ValueError(Errors.E810.format(id=record.id, error=problem)) from problem


def _is_trf_data(key: Any) -> bool:
    return key == _TRF_DATA or (isinstance(key, tuple) and key[0] == _ROWS)


class _MergedDocs:
    """A `DocBin` in memory, which is written at the end: its format has no parts."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._docs = DocBin(store_user_data=True)

    def write(self, data: bytes) -> None:
        """Add documents."""
        self._docs.merge(DocBin(store_user_data=True).from_bytes(data))

    def close(self) -> None:
        """Write all documents."""
        self._file.write(self._docs.to_bytes())
