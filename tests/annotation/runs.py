"""Annotations of tests: how they are run, and what they have written."""

import json
from pathlib import Path

from spacy_deberta.annotation import annotate, make_job

TEXT = "Mira Okafor left Halden Freight in Rotterdam on Friday, and Sanjay stayed in Lyon."


class Silent:
    """A report that keeps its messages."""

    def __init__(self):
        self.messages = []
        self.starts = []
        self.bytes_read = []

    def start(self, bytes_read, total_bytes):
        self.starts.append((bytes_read, total_bytes))

    def say(self, text):
        self.messages.append(text)

    def advance(self, counts, bytes_read):
        self.bytes_read.append(bytes_read)


def run(pipeline, inputs, output, *, report=None, overwrite=False, **options):
    """Annotate in this process, unless `workers` says otherwise; returns the counts."""
    inputs = [inputs] if isinstance(inputs, str | Path) else inputs
    job = make_job(str(pipeline), inputs, output, **{"workers": 1, **options})
    return annotate(job, report or Silent(), overwrite=overwrite)


def parts_of(folder):
    return sorted(Path(folder).glob("part-*"))


def rows_of(folder):
    """All rows of an output of JSON lines."""
    return [json.loads(line) for path in parts_of(folder) for line in path.open(encoding="utf-8")]


def contents_of(folder):
    """The bytes of all parts by their names."""
    return {path.name: path.read_bytes() for path in parts_of(folder)}


def write_jsonl(path, rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
