"""Run from an archive of packages, on a machine that reaches no package registry."""

import configparser
import os
import sys
import tarfile
import tempfile
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARCHIVE = "site.tar.xz"


def use_archive(inputs: Path) -> None:
    """Start this command again with the packages of an archive, if they are missing.

    Args:
        inputs: The folder of the archive.
    """
    archive = inputs / ARCHIVE
    if _is_complete() or not archive.exists():
        return
    if os.environ.get("SPACY_DEBERTA_SITE"):
        raise SystemExit(f"{archive} does not have all packages for Python {sys.version}")
    site = Path(tempfile.mkdtemp(prefix="site-"))
    with tarfile.open(archive) as packed:
        packed.extractall(site, filter="data")
    write_entry_points(site)
    path = os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "SPACY_DEBERTA_SITE": str(site)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:]], environment)


def _is_complete() -> bool:
    """Whether spaCy and the entry points of this package are there."""
    found = {point.name for point in entry_points(group="spacy_factories")}
    return find_spec("spacy") is not None and "deberta" in found


def write_entry_points(site: Path) -> None:
    """Register this package as it is in the checkout, without installing it.

    Args:
        site: A folder in the path of Python.
    """
    setup = configparser.ConfigParser(delimiters="=")
    setup.optionxform = str  # type: ignore[assignment,method-assign]
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    points = setup["options.entry_points"]
    info = site / "spacy_deberta-0.dist-info"
    info.mkdir()
    sections = [f"[{group}]\n{lines.strip()}\n" for group, lines in points.items()]
    (info / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spacy-deberta\nVersion: 0\n")
