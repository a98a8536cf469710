"""Parquet, by pyarrow."""

from typing import IO, Any

from spacy_deberta.annotation.row_columns import RowColumns
from spacy_deberta.errors import Errors

from .format import AnnotatedRows
from .json_lines import to_json


class ParquetFormat:
    """Rows as Parquet, in the same columns as JSON lines.

    Raises:
        ValueError: pyarrow is not installed (E803).
    """

    def __init__(self) -> None:
        _import_pyarrow()

    def encode(self, annotated: AnnotatedRows, columns: RowColumns) -> bytes:
        """Encode annotated texts as a stream of Arrow's interprocess format."""
        pyarrow = _import_pyarrow()
        rows = [to_arrow(columns.make_row(*row), columns) for row in annotated]
        table = pyarrow.Table.from_pylist(rows, schema=make_schema(columns))
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        data: bytes = sink.getvalue().to_pybytes()
        return data

    def open(self, file: IO[bytes], columns: RowColumns) -> "_RowGroups":
        """Begin a file."""
        return _RowGroups(file, columns)


class _RowGroups:
    """A Parquet file. Its row groups are those of the batches that were annotated together."""

    def __init__(self, file: IO[bytes], columns: RowColumns) -> None:
        from pyarrow import parquet

        self._pyarrow = _import_pyarrow()
        self._writer = parquet.ParquetWriter(file, make_schema(columns), compression="zstd")

    def write(self, data: bytes) -> None:
        """Add a row group."""
        with self._pyarrow.ipc.open_stream(data) as stream:
            self._writer.write_table(stream.read_all())

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def make_schema(columns: RowColumns) -> Any:
    """The Arrow schema of rows."""
    arrow = _import_pyarrow()
    offsets = [("start", arrow.int32()), ("end", arrow.int32())]
    label, score = ("label", arrow.string()), ("score", arrow.float32())
    spans = arrow.list_(arrow.struct([*offsets, label, ("text", arrow.string()), score]))
    types = {
        "id": arrow.string(),
        "text": arrow.string(),
        "ents": spans,
        "spans": arrow.map_(arrow.string(), spans),
        "cats": arrow.map_(arrow.string(), arrow.float32()),
        "sents": arrow.list_(arrow.struct(offsets)),
        "vector": arrow.list_(arrow.float32()),
    }
    if columns.token_attributes is not None:
        attributes = [
            (name, arrow.int32() if name == "head" else arrow.string())
            for name in columns.token_attributes
        ]
        types["tokens"] = arrow.list_(arrow.struct([*offsets, *attributes]))
    return arrow.schema([(name, types.get(name, arrow.string())) for name in columns.names])


def to_arrow(row: dict[str, Any], columns: RowColumns) -> dict[str, Any]:
    """A row as Arrow takes it: maps as lists of pairs; kept fields that are no strings as JSON."""
    for name in ("spans", "cats"):
        row[name] = list(row[name].items())
    for name in columns.keep:
        value = row[name]
        if value is not None and not isinstance(value, str):
            row[name] = to_json(value)
        elif isinstance(value, str):
            row[name] = value.encode("utf-8", "replace").decode()
    return row


def _import_pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ValueError(Errors.E803.format(what="write Parquet")) from error
    return pyarrow
