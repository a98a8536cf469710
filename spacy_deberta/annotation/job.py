"""One annotation: its settings, the plan that its folder is of, and what an engine gets."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from spacy import util

from spacy_deberta.errors import Errors

from .annotator import AnnotatorSettings
from .formats import make_format
from .input_files import InputFile
from .records import RecordFields

# spaCy's, of pipelines without one.
_BATCH_SIZE = 1000


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """How the engine "ray" uses its cluster.

    Attributes:
        address: Of the cluster; None to start one on this machine.
        max_workers: Number of processes that the pool may grow to; None for the number of
            processes of the job or, if that is None too, for as many as there is room for.
        cpus_per_worker: Number of cores that a process reserves, and of its threads.
        gpus_per_worker: Number of GPUs that a process reserves, or a share of one.
    """

    address: str | None = None
    max_workers: int | None = None
    cpus_per_worker: int = 1
    gpus_per_worker: float = 0.0

    @property
    def changed(self) -> list[str]:
        """Options of the command line that set this to something else than the default."""
        return [
            f"--{entry.name.replace('_', '-')}"
            for entry in fields(self)
            if getattr(self, entry.name) != entry.default
        ]


@dataclass(frozen=True, kw_only=True)
class AnnotationJob:
    """What to annotate, how, and what to write.

    Attributes:
        annotator: The pipeline and the columns of the output.
        inputs: The files of the texts.
        output: The folder to write.
        fields: Which fields of them are read.
        format: Name of the format of the output.
        shard_size: Number of texts in each file of the output.
        limit: Number of texts, at most; None for all.
        keep_trf_data: Whether documents keep `doc._.trf_data`.
        batch_size: Number of texts in a batch.
        workers: Number of processes; None to choose it by a measurement.
        cluster: How the engine "ray" uses its cluster.
    """

    annotator: AnnotatorSettings
    inputs: Sequence[InputFile]
    output: Path
    shard_size: int
    batch_size: int
    fields: RecordFields = field(default_factory=RecordFields)
    format: str = "jsonl"
    limit: int | None = None
    keep_trf_data: bool = False
    workers: int | None = 1
    cluster: ClusterSettings = field(default_factory=ClusterSettings)

    def __post_init__(self) -> None:
        columns = self.annotator.columns
        changed = {
            "--fields": bool(columns.fields),
            "--vectors": columns.vectors,
            "--no-text": not columns.text,
        }
        if self.format == "spacy" and any(changed.values()):
            option = next(name for name, value in changed.items() if value)
            raise ValueError(Errors.E809.format(option=option, format=self.format))
        make_format(self.format, keep_trf_data=self.keep_trf_data)

    def plan(self) -> dict[str, Any]:
        """What determines the output, as plain values.

        The number of processes and the GPU are not among them: they change the last bits of
        scores, at most.

        Raises:
            ValueError: The pipeline is not found (E506).
        """
        columns = self.annotator.columns
        code = self.annotator.code
        return {
            "pipeline": identify_pipeline(self.annotator.pipeline),
            "inputs": [
                {"path": file.path, "size": file.size, "modified": file.modified}
                for file in self.inputs
            ],
            "text_field": self.fields.text,
            "id_field": self.fields.id,
            "keep": list(self.fields.keep),
            "text": columns.text,
            "fields": sorted(columns.fields),
            "vectors": columns.vectors,
            "format": self.format,
            "keep_trf_data": self.keep_trf_data,
            "shard_size": self.shard_size,
            "batch_size": self.batch_size,
            "limit": self.limit,
            "disable": sorted(self.annotator.disable),
            "code": None if code is None else _hash([Path(code).read_bytes()]),
        }


def identify_pipeline(name: str) -> Mapping[str, Any]:
    """What identifies a pipeline: a copy of it elsewhere is the same one.

    Args:
        name: Its folder or package.

    Returns:
        Its name, version and components, and a hash of its config, its meta, which has
        the scores of the training, and the names and sizes of its files.

    Raises:
        ValueError: It is not found (E506).
    """
    settings = _read_settings(name)
    try:
        folder = _folder_of(name)
        meta = util.load_meta(folder / "meta.json")
        texts = [(folder / file).read_bytes() for file in ("meta.json", "config.cfg")]
    except (ImportError, OSError, ValueError) as error:
        raise ValueError(Errors.E506.format(name=name, error=error)) from error
    files = sorted(
        f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode()
        for path in folder.rglob("*")
        if path.is_file()
    )
    return {
        "name": f"{meta.get('lang', '')}_{meta.get('name', '')}",
        "version": meta.get("version"),
        "components": settings.get("pipeline", []),
        "hash": _hash([*texts, *files]),
    }


def read_batch_size(name: str) -> int:
    """The number of texts in a batch of a pipeline.

    Args:
        name: Its folder or package.

    Raises:
        ValueError: It is not found (E506).
    """
    size = _read_settings(name).get("batch_size")
    return size if isinstance(size, int) and size > 0 else _BATCH_SIZE


def _read_settings(name: str) -> Mapping[str, Any]:
    """The section `nlp` of the config of a pipeline."""
    try:
        config = util.load_config(_folder_of(name) / "config.cfg", interpolate=False)
        if "nlp" not in config:
            raise ValueError("its config.cfg has no section [nlp]")
    except (ImportError, OSError, ValueError) as error:
        raise ValueError(Errors.E506.format(name=name, error=error)) from error
    return dict(config["nlp"])


def _folder_of(name: str) -> Path:
    """The folder with the data of a pipeline."""
    path = Path(name).expanduser()
    if path.exists() or not util.is_package(name):
        return path
    package = util.get_package_path(name)
    meta = util.load_meta(package / "meta.json")
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _hash(contents: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()
