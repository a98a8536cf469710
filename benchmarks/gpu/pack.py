"""Write the folder `.gpu`: what `python -m benchmarks.gpu` reads, for this machine or another one.

    python -m benchmarks.gpu.pack --vocabulary spm.model --data shared/data

With `--python 3.12`, the packages that a machine with PyTorch and CuPy lacks are added, for that
version of Python on Linux (x86-64): about 25 MB, in the versions that are installed here.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from wasabi import msg

from benchmarks.gpu.inputs import ROOT, write_inputs
from benchmarks.gpu.offline import ARCHIVE

# What runs, with all that it needs,
ROOTS = ("spacy", "spacy-transformers", "sentencepiece", "safetensors", "pytest", "hypothesis")
# but without what is there, with what that needs.
THERE = ("torch", "numpy", "setuptools")
# PyTorch brings one that may be too old for the others.
NEWER = "typing-extensions"
# Downloads from the hub in parts.
UNUSED = ("hf-xet",)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
# Not needed to run, and a third of the size.
LEFT_OUT = (".pyx", ".pxd", ".c", ".cpp", ".h", ".hh", ".pyi")


def main(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
    data: Annotated[
        Path | None, typer.Option(help="Folder with wnut17/, banking77/, … of the projects")
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder to write")] = ROOT / ".gpu",
    python: Annotated[
        str | None, typer.Option(help="Add packages for this Python, such as 3.12")
    ] = None,
) -> None:
    """Write inputs, and an archive of packages with `--python`."""

    def find(project: str, folder: str, name: str) -> Path:
        path = ROOT / "projects" / project / "assets" if data is None else data / folder
        return path / name

    documents = find("parsing_ud_ewt", "ud_english_ewt", "en_ewt-ud-test.conllu")
    compressed = documents.with_name(f"{documents.name}.xz")
    banking, restaurant = (
        ("textcat_banking77", "banking77"),
        ("spancat_restaurant8k", "restaurant8k"),
    )
    wnut17 = ("ner_wnut17", "wnut17")
    write_inputs(
        output,
        vocabulary=vocabulary,
        documents=documents if documents.exists() else compressed,
        entities=(find(*wnut17, "wnut17train.conll"), find(*wnut17, "emerging.dev.conll")),
        questions=(find(*banking, "train.csv"), find(*banking, "test.csv")),
        slots=(find(*restaurant, "train_0.json"), find(*restaurant, "test.json")),
    )
    if python is not None:
        archive = output / ARCHIVE
        pack_packages(archive, python)
        msg.good(f"{archive}: {archive.stat().st_size / 2**20:.0f} MiB")
    msg.good(f"{output}")


def pack_packages(archive: Path, python: str) -> None:
    """Download packages for another Python, and pack what is needed to run them.

    Args:
        archive: The file to write.
        python: Version of Python, such as 3.12.
    """
    platforms = [argument for name in PLATFORMS for argument in ("--platform", name)]
    names = needed(ROOTS, present=[*(needed(THERE) - {NEWER}), *UNUSED])
    pinned = [f"{name}=={version(name)}" for name in sorted(names)]
    with tempfile.TemporaryDirectory() as temporary:
        wheels, site = Path(temporary) / "wheels", Path(temporary) / "site"
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
        pip = [sys.executable, "-m", "pip", "download", *options, "--python-version", python]
        subprocess.run([*pip, *platforms, "--dest", str(wheels), *pinned], check=True)
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as opened:
                opened.extractall(site)
        libraries = [str(path) for path in site.rglob("*.so*")]
        # Symbols for debuggers; some systems have no strip.
        subprocess.run(["strip", "--strip-all", *libraries], check=False, capture_output=True)
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(site, arcname=".", filter=_keep)


def needed(roots: Sequence[str], present: Sequence[str] = ()) -> set[str]:
    """Names of installed packages and of all that they need, without extras.

    Args:
        roots: Names of packages.
        present: Packages that are left out.
    """
    found: set[str] = set()
    left = [canonicalize_name(name) for name in roots]
    while left:
        name = left.pop()
        if name in found or name in present:
            continue
        try:
            requirements = requires(name) or []
        except PackageNotFoundError:
            msg.warn(f"{name} is not installed here, so it is left out")
            continue
        found.add(name)
        left += [
            canonicalize_name(requirement.name)
            for requirement in map(Requirement, requirements)
            # Not of other systems, nor of an extra.
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ]
    return found


def _keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    path = Path(member.name)
    is_left_out = path.suffix in LEFT_OUT or "tests" in path.parts
    return None if is_left_out else member


if __name__ == "__main__":
    typer.run(main)
