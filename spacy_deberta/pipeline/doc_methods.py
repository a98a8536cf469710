"""Extension methods of documents that call a component of their pipeline: `doc._.answer(…)`."""

from functools import partial
from typing import Any
from weakref import WeakSet

from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc

from spacy_deberta.errors import Errors

_components: dict[str, WeakSet[TrainablePipe]] = {}


def add_doc_method(name: str, component: TrainablePipe, method: str) -> None:
    """Add an extension method that calls a method of a component in the document's pipeline.

    A document has no reference to its pipeline; the two are matched by their vocabulary.

    Args:
        name: Name of the extension: `doc._.<name>(…)`. With several such components in a pipeline,
            `component="…"` chooses one.
        component: The component, held by a weak reference.
        method: Name of its method, whose first argument is the document.
    """
    _components.setdefault(name, WeakSet()).add(component)
    if not Doc.has_extension(name):
        Doc.set_extension(name, method=partial(_call, name=name, method=method))


def _call(
    doc: Doc, *args: Any, name: str, method: str, component: str | None = None, **kwargs: Any
) -> Any:
    return getattr(_find_component(doc, name, component), method)(doc, *args, **kwargs)


def _find_component(doc: Doc, name: str, component: str | None) -> TrainablePipe:
    found = {pipe.name: pipe for pipe in _components[name] if pipe.vocab is doc.vocab}
    if component is not None:
        found = {key: pipe for key, pipe in found.items() if key == component}
    if not found:
        named = "" if component is None else f" named '{component}'"
        raise ValueError(Errors.E607.format(name=name, named=named))
    if len(found) > 1:
        raise ValueError(Errors.E608.format(name=name, components=", ".join(sorted(found))))
    return next(iter(found.values()))
