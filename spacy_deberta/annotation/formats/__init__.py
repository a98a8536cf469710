"""The formats of the output: one file each, and their names."""

from collections.abc import Callable, Mapping

from spacy_deberta.errors import Errors

from .doc_bin import DocBinFormat
from .format import OutputFormat, PartFile
from .json_lines import JsonLinesFormat
from .parquet import ParquetFormat

__all__ = ["FORMATS", "OutputFormat", "PartFile", "make_format"]

# What makes a format, by its name, which is also the suffix of its files.
FORMATS: Mapping[str, Callable[[], OutputFormat]] = {
    "jsonl": JsonLinesFormat,
    "parquet": ParquetFormat,
    "spacy": DocBinFormat,
}


def make_format(name: str, *, keep_trf_data: bool = False) -> OutputFormat:
    """Make a format.

    Args:
        name: Its name.
        keep_trf_data: Whether documents keep `doc._.trf_data`; for "spacy" only.

    Raises:
        ValueError: There is no such format (E808), it has no documents (E809), or what it needs is
            not installed (E803).
    """
    if name not in FORMATS:
        raise ValueError(Errors.E808.format(name=name, known=", ".join(FORMATS)))
    if name == "spacy":
        return DocBinFormat(keep_trf_data=keep_trf_data)
    if keep_trf_data:
        raise ValueError(Errors.E809.format(option="--keep-trf-data", format=name))
    return FORMATS[name]()
