"""Scripts of the projects as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PROJECTS = Path(__file__).parents[2] / "projects"


def load_script(path: str) -> ModuleType:
    """Load a script by its path in the folder of projects."""
    name = path.removesuffix(".py").replace("/", "_")
    spec = importlib.util.spec_from_file_location(name, PROJECTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
