"""The registries of span getters and annotation setters, which spaCy lacks."""

import catalogue
from spacy.util import registry

NAMES = ("span_getters", "annotation_setters")


def create_registries() -> None:
    """Create the registries that spacy-transformers has not created yet, with the same namespaces.

    Functions are registered by entry points only. spacy-transformers creates the registries again
    when it is imported, which catalogue refuses as soon as a function was registered in code.
    """
    for name in NAMES:
        if not hasattr(registry, name):
            setattr(registry, name, catalogue.create("spacy", name, entry_points=True))
