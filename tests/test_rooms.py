"""The subpackages ("rooms") and their allowed imports: see docs/architecture.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

import spacy_deberta

PACKAGE = Path(spacy_deberta.__file__).parent
# From the bottom to the top: the rooms that each may import, of those before it in this list.
# All may import the common modules.
EVERYBODYS = {"arrays", "errors", "typed_json"}
PLAN: dict[str, set[str]] = {
    "arrays": set(),
    "errors": set(),
    "typed_json": set(),
    "files": set(),
    "folder_finder": set(),
    "pages": {"files"},
    "plots": set(),
    "registries": set(),
    "corpora": {"files"},
    "nn": set(),
    "tokenization": {"files", "folder_finder"},
    "checkpoints": {"files", "nn", "tokenization"},
    "models": {"files", "nn", "tokenization", "checkpoints"},
    "layers": {"registries", "nn", "tokenization", "checkpoints", "models"},
    "distributed": {"layers"},
    "pretraining": {
        *("files", "plots", "nn", "tokenization", "checkpoints", "models", "distributed"),
    },
    "annotation": {"files", "layers"},
    "pipeline": {"files", "corpora", "nn", "tokenization", "checkpoints", "layers"},
    "architectures": {"layers"},
    "text_alignment": {"layers", "tokenization"},
    "service": {"pages", "layers", "text_alignment"},
    "cli": {
        *("files", "pages", "plots", "corpora", "nn", "tokenization", "checkpoints", "models"),
        *("layers", "distributed", "pretraining", "annotation", "text_alignment", "service"),
    },
}
# External imports of the lower rooms, besides the standard library.
LIBRARIES = {
    "files": set(),
    "pages": {"jinja2"},
    "plots": {"matplotlib"},
    "nn": {"numpy", "pydantic", "torch", "triton"},
    "tokenization": {"numpy", "pydantic", "sentencepiece", "tokenizers", "torch"},
    "checkpoints": {"h5py", "huggingface_hub", "pydantic", "safetensors", "srsly", "torch"},
    "models": {"numpy", "torch"},
}
# Folders within a room, from the bottom to the top: each may import those before it, and files that
# are not listed.
WITHIN = {
    "nn": ["ops", "attention", "inference"],
    "checkpoints": ["repository", "layouts", "weight_files"],
    "layers": ["listening", "updates", "documents", "encoder", "classifiers"],
    "annotation": [
        *("records", "input_files", "reading", "record_stream", "row_columns", "counts"),
        *("formats", "annotator", "job", "output_folder", "workers", "runners", "choosing"),
        *("part_files", "local_engine", "ray_engine", "ray_tables", "annotate", "__init__"),
    ],
    "pretraining": [
        *("checksums", "counter_random", "failures", "settings", "vocabulary"),
        *("corpus", "masking", "objectives", "building", "updates", "run_folder", "loop"),
        "__init__",
    ],
}
LONGEST_FILE = 300


class Import(NamedTuple):
    """A name that a file imports.

    Attributes:
        module: The absolute module; `spacy_deberta.nn` in `from spacy_deberta.nn import Linear`.
        name: The imported name; None in `import spacy_deberta.nn`.
        line: Where.
    """

    module: str
    name: str | None
    line: int

    @property
    def parts(self) -> list[str]:
        """The module, and the name where that may be a module of the package."""
        parts = self.module.split(".")
        return [*parts, self.name] if parts == ["spacy_deberta"] and self.name else parts


def read_imports(path: Path) -> Iterator[Import]:
    package = ["spacy_deberta", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, None, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)


def exported(room: str) -> set[str] | None:
    """The names in `__all__` of a room's `__init__.py`; None for a room that is one file."""
    door = PACKAGE / room / "__init__.py"
    if not door.exists():
        return None
    return set(getattr(import_module(f"spacy_deberta.{room}"), "__all__", ()))


def complaints(room: str, path: Path) -> Iterator[tuple[int, str]]:
    """Forbidden imports of a file of a room: lines and reasons."""
    for found in read_imports(path):
        parts = found.parts
        if parts[0] != "spacy_deberta":
            known = {*LIBRARIES.get(room, {parts[0]}), *sys.stdlib_module_names}
            if parts[0] not in known:
                yield found.line, f"{room} does without {parts[0]}"
        elif len(parts) > 1 and parts[1] == room:
            yield from within(room, path, found)
        elif len(parts) > 1:
            other = parts[1]
            if path == PACKAGE / room / "__init__.py" and found.name in (exported(room) or ()):
                yield found.line, f"the door of {room} has {found.name} of {other}"
            if other not in PLAN[room] | EVERYBODYS:
                yield found.line, f"{room} does not import {other}"
            names = exported(other)
            if len(parts) > 2 or (
                names is not None and parts == found.module.split(".") and found.name not in names
            ):
                yield found.line, f"{found.module}.{found.name} is not at the door of {other}"


def lent(room: str) -> set[str]:
    """Names in `__all__` of a room that are defined in another room."""
    door = PACKAGE / room / "__init__.py"
    if not door.exists():
        return set()
    imported = {str(i.name) for i in read_imports(door) if i.parts[:2] != ["spacy_deberta", room]}
    return imported & (exported(room) or set())


def within(room: str, path: Path, found: Import) -> Iterator[tuple[int, str]]:
    """The same for imports within a room."""
    order = WITHIN.get(room)
    inner = (found.module.split(".")[2:3] or [str(found.name)])[0]
    own = path.relative_to(PACKAGE / room).parts[0].removesuffix(".py")
    if order is None or inner == own or not {inner, own} <= set(order):
        return
    if order.index(inner) > order.index(own):
        yield found.line, f"{room}/{own} does not import {room}/{inner}"


def test_the_package_is_as_planned():
    problems = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts == ("__init__.py",):
            continue
        room = name.parts[0].removesuffix(".py")
        if room not in PLAN:
            problems.append(f"{name}: {room} is not in the plan")
            continue
        problems += [f"{name}:{line}: {why}" for line, why in complaints(room, path)]
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST_FILE:
            problems.append(f"{name}: {length} lines, which is more than one idea")
    problems += [
        f"{room}/__init__.py: {name} is another room's"
        for room in PLAN
        for name in sorted(lent(room))
    ]
    rooms = list(PLAN)
    problems += [
        f"the plan points upwards: {room} to {other}"
        for room, others in PLAN.items()
        for other in others
        if rooms.index(other) > rooms.index(room)
    ]
    assert not problems, "\n" + "\n".join(problems)


def imported_file(found: Import) -> Path | None:
    """The file of the package that an import reads; None for other packages."""
    for parts in ([*found.module.split("."), str(found.name)], found.module.split(".")):
        path = PACKAGE.joinpath(*parts[1:])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if parts[0] == "spacy_deberta" and file.exists():
                return file
    return None


def test_no_files_import_one_another():
    """Neither within a room nor for types alone: one of them would be read without the other."""
    imports = {
        path: {file for found in read_imports(path) if (file := imported_file(found))} - {path}
        for path in PACKAGE.rglob("*.py")
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(str(file.relative_to(PACKAGE)) for file in error.args[1]))


def test_encoder_and_tokenizer_do_without_transformers():
    script = (
        "import sys; sys.modules['transformers'] = None; "
        "import spacy_deberta.tokenization, spacy_deberta.models"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
