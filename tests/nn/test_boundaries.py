"""What the encoder may know: torch, numpy, the standard library and the error catalogue."""

import ast
import sys
from pathlib import Path

import pytest

import spacy_deberta.nn

ROOT = Path(spacy_deberta.nn.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            own = name == "spacy_deberta.errors" or name.startswith("spacy_deberta.nn")
            root = name.split(".")[0]
            assert own or root in {"torch", "numpy"} or root in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf8").splitlines()) < 300
