"""spacy-transformers is optional, and not imported before a config uses it."""

import subprocess
import sys
from inspect import signature

import pytest
from spacy.util import registry

import spacy_deberta.layers  # noqa: F401 (makes the registries)
from spacy_deberta.layers.listening import stock_names
from spacy_deberta.layers.listening.stock_names import STOCK_NAMES, MissingStock

# Import every module of the package, as a user's code and spaCy's entry points may do.
IMPORT_ALL = """
import pkgutil, sys
from importlib import import_module
import spacy_deberta
for module in pkgutil.walk_packages(spacy_deberta.__path__, "spacy_deberta."):
    if "triton" not in module.name.split("."):
        import_module(module.name)
print(*{name.split(".")[0] for name in sys.modules})
"""


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_no_module_imports_transformers():
    imported = run(IMPORT_ALL)
    assert "spacy_deberta" in imported
    assert not {"transformers", "spacy_transformers"} & set(imported)


def entries():
    for attribute, (_, name, _) in STOCK_NAMES.items():
        kind = "architectures"
        if "spans" in attribute:
            kind = "span_getters"
        elif "setter" in attribute:
            kind = "annotation_setters"
        yield pytest.param(kind, name, attribute, id=name)


@pytest.mark.stock
@pytest.mark.parametrize(("kind", "name", "attribute"), [*entries()])
def test_stock_names_lead_to_the_stock_functions(kind, name, attribute):
    function = getattr(stock_names, attribute)
    assert function.__module__.startswith("spacy_transformers.")
    assert getattr(registry, kind).get(name) is function


@pytest.mark.without_stock
@pytest.mark.parametrize(("kind", "name", "attribute"), [*entries()])
def test_stock_names_say_what_to_do(kind, name, attribute):
    function = getattr(registry, kind).get(name)
    replacement = STOCK_NAMES[attribute][2]
    with pytest.raises(ImportError, match=f"E454.*'{name}'.*'{replacement}'.*migrate-config"):
        function()


@pytest.mark.parametrize("attribute", STOCK_NAMES)
def test_every_stock_name_has_a_replacement_and_refuses(attribute, monkeypatch):
    monkeypatch.setattr(stock_names, "stock_is_installed", lambda: False)
    missing = getattr(stock_names, attribute)
    assert isinstance(missing, MissingStock)
    assert any(
        missing.replacement in getattr(registry, kind)
        for kind in ("architectures", "span_getters", "annotation_setters")
    )
    with pytest.raises(ImportError, match="E454"):
        signature(missing)


def test_there_are_no_other_names():
    with pytest.raises(AttributeError, match="other_v1"):
        _ = stock_names.other_v1


@pytest.mark.slow
@pytest.mark.stock
@pytest.mark.parametrize("first", ["spacy_deberta.layers", "spacy_transformers"])
def test_either_package_may_be_imported_first(first):
    script = f"""
import {first}, spacy_deberta.layers, spacy_transformers
from spacy.util import registry
print(*registry.span_getters.get_all(), *registry.annotation_setters.get_all())
"""
    names = set(run(script))
    for name in ("strided_spans.v1", "sent_spans.v1", "doc_spans.v1", "null_annotation_setter.v1"):
        assert {f"spacy-deberta.{name}", f"spacy-transformers.{name}"} <= names
