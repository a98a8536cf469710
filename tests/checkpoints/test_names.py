"""Errors for unknown names suggest alternatives."""

import pytest

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.checkpoints.repository.known_names import OFFICIAL_NAMES, nearest_name


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("microsoft/deberta-v3-bse", "microsoft/deberta-v3-base"),
        ("microsft/deberta-v3-large", "microsoft/deberta-v3-large"),
        ("microsoft/DeBERTa-v3-Base", "microsoft/deberta-v3-base"),
        ("deberta-v3-base", "microsoft/deberta-v3-base"),
        ("deberta-v3-xsmal", "microsoft/deberta-v3-xsmall"),
        ("mdeberta-v3-base", "microsoft/mdeberta-v3-base"),
        ("deberta-v3-mini", "deberta-v3-mini-en"),
        ("deberta-v3-mini_en", "deberta-v3-mini-en"),
        ("microsoft/deberta-v2-xxlarge-mnl", "microsoft/deberta-v2-xxlarge-mnli"),
        ("somebody/tiny-deberta", None),
        ("bert-base-uncased", None),
        *((name, None) for name in OFFICIAL_NAMES),
        ("deberta-v3-mini-en", None),
    ],
)
def test_the_nearest_name(typo, meant):
    assert nearest_name(typo) == meant


@pytest.mark.parametrize("options", [{}, {"local_files_only": True}])
def test_a_misspelled_name_that_the_hub_does_not_have(hub, cache, options):
    with pytest.raises(OSError, match=r"E30[23].*Did you mean 'microsoft/deberta-v3-base'\?"):
        find_checkpoint("microsoft/deberta-v3-bas", cache_dir=cache, **options)


def test_without_the_hub_there_is_an_embedded_checkpoint(hub, cache):
    with pytest.raises(
        OSError, match=r"E303.*'deberta-v3-mini-en', which needs no network"
    ) as error:
        find_checkpoint("microsoft/deberta-v3-base", cache_dir=cache, local_files_only=True)
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize("name", ["x" * 5000, "./" + "x" * 5000, "~nobody-of-this-name/x", "a\0b"])
def test_names_that_no_file_can_have(name, hub, cache):
    with pytest.raises(OSError, match="E30[12]") as error:
        find_checkpoint(name, cache_dir=cache)
    assert len(str(error.value)) < 6000
