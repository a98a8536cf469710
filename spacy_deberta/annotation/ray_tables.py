"""Tables of texts → tables of annotated texts: for jobs of Ray Data, and others with Arrow."""

from typing import Any

import torch

from .annotator import Annotator, AnnotatorSettings
from .formats.parquet import make_schema, to_arrow
from .records import RecordFields


class TableAnnotator:
    """Annotates Arrow tables, in the actors of a job that reads and writes by itself.

    Args:
        settings: The pipeline, by a path that all machines have, and the columns of the output.
        fields: Which columns are read.
        threads: Number of threads of this process; None to leave it as it is.

    Raises:
        ValueError: The pipeline can't be loaded (E506, E807), or there is no such GPU (E513).
    """

    def __init__(
        self,
        settings: AnnotatorSettings,
        *,
        fields: RecordFields = RecordFields(),  # noqa: B008 (immutable)
        threads: int | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._annotator = Annotator(settings)
        self._fields = fields

    def __call__(self, table: Any) -> Any:
        """Annotate a table.

        Args:
            table: A `pyarrow.Table` with the columns of the fields.

        Returns:
            A `pyarrow.Table` with a row for each, in the columns of the format "parquet".
        """
        import pyarrow

        columns = self._annotator.settings.columns
        records = [self._fields.read(row, place="") for row in table.to_pylist()]
        rows = [to_arrow(row, columns) for row in self._annotator(records)]
        return pyarrow.Table.from_pylist(rows, schema=make_schema(columns))
