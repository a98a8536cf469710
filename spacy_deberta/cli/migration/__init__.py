"""Configs of spacy-transformers and spacy-curated-transformers → configs for our encoder."""

from .changes import Change, Migration
from .leftovers import find_old_settings
from .migrating import ENGLISH_ENCODER, OTHER_ENCODER, migrate
from .names import DROPPED

__all__ = [
    "DROPPED",
    "ENGLISH_ENCODER",
    "OTHER_ENCODER",
    "Change",
    "Migration",
    "find_old_settings",
    "migrate",
]
