import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_deberta.cli  # noqa: F401 (adds the commands, as the entry point does)


@pytest.fixture
def spacy_cli():
    """Run `spacy` with arguments; returns `stdout`, `stderr` and `exit_code`."""

    def run(*args, stdin=None):
        return CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)

    return run


@pytest.fixture
def fails(spacy_cli):
    """Run `spacy` with wrong arguments; returns the message in one line."""

    def run(*args, stdin=None):
        result = spacy_cli(*args, stdin=stdin)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit), result.exception
        assert not result.stdout, "errors do not go between the output"
        assert "Traceback" not in result.stderr
        return " ".join(result.stderr.split())

    return run
