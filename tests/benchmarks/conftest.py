from dataclasses import replace

import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command_line
from benchmarks import saving
from benchmarks.measures.settings import QUICK, Settings
from tests.conftest import SENTENCES


@pytest.fixture(scope="session")
def settings(tmp_path_factory, tiny_vocabulary):
    """Two documents, a few entities, and a minimal checkpoint."""
    folder = tmp_path_factory.mktemp("benchmarks")
    documents = folder / "documents.conllu"
    halves = (SENTENCES[:3], SENTENCES[3:])
    documents.write_text(
        "".join(
            f"# newdoc id = {i}\n" + "".join(f"# text = {text}\n\n" for text in half)
            for i, half in enumerate(halves)
        ),
        encoding="utf-8",
    )
    entities = folder / "entities.conll"
    rows = ["Mira\tB-person", "Okafor\tI-person", "left\tO", "Rotterdam\tB-place"]
    entities.write_text("\n".join([*rows, "", *rows, ""]), encoding="utf-8")
    made = Settings(
        vocabulary=tiny_vocabulary,
        documents=documents,
        entities=entities,
        work=folder,
        threads=1,
        sizes=replace(
            QUICK, shape={**QUICK.shape, "vocab_size": 450}, batch_sizes=(2,), heads=(1,)
        ),
    )
    saving.make_checkpoint(made.checkpoint, tiny_vocabulary, **made.sizes.shape)
    return made


@pytest.fixture
def run_benchmarks():
    """Run `python -m benchmarks` with arguments, in this process."""

    def run(*arguments):
        return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])

    return run
