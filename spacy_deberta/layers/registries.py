"""The registries that spaCy lacks: of span getters and of annotation setters."""

import catalogue
from spacy.util import registry

NAMES = ("span_getters", "annotation_setters")


def create_registries() -> None:
    """Create the registries that spacy-transformers has not created yet, in its way.

    They are filled by entry points only. Once a function was registered in one, spacy-transformers
    could not be imported any more: it creates them again, which catalogue refuses for those in use.
    """
    for name in NAMES:
        if not hasattr(registry, name):
            setattr(registry, name, catalogue.create("spacy", name, entry_points=True))
