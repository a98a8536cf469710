"""The registries of span getters and annotation setters, which spaCy lacks.

A user's code registers functions in them with a decorator, so they have to be there as soon as this
package is imported. Nothing here imports spaCy, which imports PyTorch.
"""

import sys

NAMES = ("span_getters", "annotation_setters")


def create_registries() -> None:
    """Create the registries that spacy-transformers has not created yet, with the same namespaces.

    Does nothing before spaCy is imported. If spacy-transformers is imported later, it creates them
    again; what was registered until then stays in the namespaces.
    """
    registry = getattr(sys.modules.get("spacy.util"), "registry", None)
    if registry is None:
        return
    import catalogue

    for name in NAMES:
        if not hasattr(registry, name):
            setattr(registry, name, catalogue.create("spacy", name, entry_points=True))
