"""The rooms of the package and who may call whom: see docs/architecture.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spacy_deberta

PACKAGE = Path(spacy_deberta.__file__).parent
# What each room may import of the others. EVERYBODYS may be imported by all.
MAY_IMPORT = {
    "files": set(),
    "nn": set(),
    "tokenization": {"files"},
    "checkpoints": {"files", "nn", "tokenization"},
    "layers": {"nn", "tokenization", "checkpoints"},
    "pipeline": {"files", "checkpoints", "layers", "corpora"},
    "corpora": set(),
    "pretraining": {"files", "nn", "tokenization", "checkpoints", "distributed"},
    "distributed": {"layers"},
    "architectures": {"layers"},
    "cli": {
        "files",
        "layers",
        "checkpoints",
        "tokenization",
        "nn",
        "corpora",
        "pretraining",
        "distributed",
    },
    "arrays": set(),
    "typed_json": set(),
    "compatibility": set(),
    "errors": set(),
}
EVERYBODYS = {"arrays", "compatibility", "errors", "typed_json"}
# All that the lower rooms know beside the standard library.
LIBRARIES = {
    "files": set(),
    "nn": {"numpy", "pydantic", "torch", "triton"},
    "tokenization": {"numpy", "pydantic", "sentencepiece", "torch"},
    "checkpoints": {"h5py", "huggingface_hub", "pydantic", "safetensors", "srsly", "torch"},
}


def imports_of(path):
    """Absolute names of what a file imports, and whether at the top of the file."""
    package = ["spacy_deberta", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


def rooms():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if parts != ("__init__.py",):
            yield parts[0].removesuffix(".py"), path


@pytest.mark.parametrize(
    ("room", "path"),
    [pytest.param(room, path, id=str(path.relative_to(PACKAGE))) for room, path in rooms()],
)
def test_imports_point_downwards_and_enter_by_the_door(room, path):
    for name in imports_of(path):
        parts = name.split(".")
        if room in LIBRARIES and parts[0] not in sys.stdlib_module_names:
            assert parts[0] in {*LIBRARIES[room], "spacy_deberta"}
        if parts[0] != "spacy_deberta" or len(parts) == 1:
            continue
        other = parts[1]
        if other == room or other in EVERYBODYS:
            continue
        assert other in MAY_IMPORT[room], f"{room} must not import {other}"
        assert len(parts) == 2, f"{name} reaches into the insides of {other}"


def test_encoder_and_tokenizer_do_without_transformers():
    script = (
        "import sys; sys.modules['transformers'] = None; "
        "import spacy_deberta.nn, spacy_deberta.tokenization, spacy_deberta.checkpoints"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_no_file_grows_beyond_one_idea():
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for _, path in rooms()
    }
    assert not {name: length for name, length in lengths.items() if length > 400}
