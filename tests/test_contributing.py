"""CONTRIBUTING.md and the configs of tools are consistent with the repository."""

import configparser
import re

import pytest
import srsly

import spacy_deberta
from tests.docs.pages import ROOT

WORKFLOW = ".github/workflows/tests.yml"


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


@pytest.mark.parametrize("name", [WORKFLOW, ".ci/run", "CONTRIBUTING.md"])
def test_every_target_of_make_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    # As a command: at the start of a line, in backquotes, or of a step of the workflow.
    targets = set(re.findall(r"(?m)(?:^|`|: )make ([a-z][\w-]*)", text))
    assert targets
    assert targets <= set(re.findall(r"(?m)^([\w-]+):", makefile))


def test_the_workflow_runs_what_a_change_has_to_pass():
    local, remote = (
        set(re.findall(r"\bmake ([a-z][\w-]*)", (ROOT / name).read_text(encoding="utf-8")))
        for name in (".ci/run", WORKFLOW)
    )
    assert local <= remote


def test_the_workflow_has_the_pythons_of_the_package(setup):
    jobs = srsly.read_yaml(ROOT / WORKFLOW)["jobs"]
    classifiers = setup["metadata"]["classifiers"]
    pythons = re.findall(r"Python :: (3\.\d+)", classifiers)
    assert jobs["fast"]["strategy"]["matrix"]["python"] == pythons
    assert jobs["whole"]["strategy"]["matrix"]["python"] == pythons
    assert setup["options"]["python_requires"] == f">={pythons[0]}"


def test_the_citation_is_of_this_version(setup):
    citation = srsly.read_yaml(ROOT / "CITATION.cff")
    metadata = setup["metadata"]
    assert citation["version"] == spacy_deberta.__version__
    assert citation["title"] == metadata["name"]
    assert citation["license"] == metadata["license"]
    assert citation["url"] == metadata["url"]
    assert [author["name"] for author in citation["authors"]] == [metadata["author"]]
