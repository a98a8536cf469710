"""Bulk annotation: files of texts → files of annotated texts, with a pipeline.

`Annotator` is what engines run; `run_local` is the engine for one machine, `run_ray` that for
clusters.
"""

from .annotate import ENGINES, annotate, make_job
from .annotator import AnnotatedRecord, Annotator, AnnotatorSettings
from .counts import Counts
from .formats import FORMATS
from .input_files import InputFile, find_inputs
from .job import AnnotationJob, ClusterSettings
from .part_files import ProgressReport
from .ray_tables import TableAnnotator
from .record_stream import Position, RecordStream
from .records import Record, RecordFields
from .row_columns import FIELDS, RowColumns

__all__ = [
    "ENGINES",
    "FIELDS",
    "FORMATS",
    "AnnotatedRecord",
    "AnnotationJob",
    "Annotator",
    "AnnotatorSettings",
    "ClusterSettings",
    "Counts",
    "InputFile",
    "Position",
    "ProgressReport",
    "Record",
    "RecordFields",
    "RecordStream",
    "RowColumns",
    "TableAnnotator",
    "annotate",
    "find_inputs",
    "make_job",
]
