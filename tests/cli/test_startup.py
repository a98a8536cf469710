import subprocess
import sys

import pytest

import spacy_deberta

MODULES = "import sys; print(*sorted(sys.modules))"


def imported(statement):
    args = [sys.executable, "-c", f"{statement}; {MODULES}"]
    return set(subprocess.run(args, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.slow
def test_spacy_does_not_wait_for_us():
    # spaCy imports torch through thinc, so torch is hidden here.
    no_torch = "import sys; sys.modules['torch'] = None"
    before = imported(f"{no_torch}; import spacy.cli")
    after = imported(f"{no_torch}; import spacy.cli, spacy_deberta.cli")
    ours = {name for name in after - before if name.split(".")[0] != "spacy_deberta"}
    heavy = {
        *("torch", "transformers", "spacy_transformers", "sentencepiece", "safetensors"),
        *("matplotlib", "fastapi", "uvicorn", "starlette"),
    }
    assert not heavy & {name.split(".")[0] for name in ours}
    rooms = {name.split(".")[1] for name in after if name.startswith("spacy_deberta.")}
    # Readers of data import only spaCy, and pages Jinja; the others only the standard library.
    assert rooms == {
        "cli",
        "corpora",
        "errors",
        "files",
        "folder_finder",
        "pages",
        "plots",
        "registries",
        "text_alignment",
        "typed_json",
    }


def test_help_names_the_commands(spacy_cli):
    assert "deberta" in spacy_cli("--help").stdout
    own = spacy_cli("deberta", "--help").stdout
    assert "train-tokenizer" in own
    # typer cuts summaries that are too long for a line.
    assert "..." not in own.partition("Commands:")[2]


def test_the_version_is_that_of_the_package(spacy_cli):
    result = spacy_cli("deberta", "--version")
    assert (result.exit_code, result.stdout) == (0, f"{spacy_deberta.__version__}\n")
    text = spacy_cli("deberta", "--help").stdout
    assert "align" in text
    assert "convert" in text
    assert "info" in text
    assert "train-tokenizer" in text
    assert "visualize" in text
