"""A save that is stopped at any operation leaves all of the old or all of the new state.

A part of the file operations in an ordinary run; every one with SPACY_DEBERTA_FUZZ=long, which is
`make fuzz`.
"""

import os
import signal

import pytest

from spacy_deberta.files.leftovers import STAGING_PREFIX
from tests.fuzz.kill_points import REFUSED, SAVED, Stop, count_operations, stop_save
from tests.fuzz.saves import NEW, OLD, make_saves

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill"),
]

LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
# File operations at which a save is stopped in an ordinary run.
FEW = {"kill": 5, "torn": 3, "once": 3, "disk full": 2, "no rights": 2}
KINDS = (
    "model",
    "checkpoint",
    "tokenizer",
    "conversion",
    "page",
    "component",
    "pipeline",
    "pipeline in place",
)
NOTHING = "nothing"


@pytest.fixture(scope="module")
def saves(tiny_checkpoint, tiny_config, tiny_tokenizer, tmp_path_factory):
    return make_saves(
        checkpoint=tiny_checkpoint,
        config=tiny_config,
        tokenizer=tiny_tokenizer,
        folder=tmp_path_factory.mktemp("sources"),
    )


def test_all_kinds_of_saves_are_stopped(saves):
    assert set(KINDS) == set(saves)


@pytest.fixture(scope="module")
def whole(saves, tmp_path_factory):
    """The results of uninterrupted saves."""
    values = {}
    for name, save in saves.items():
        for kind in (OLD, NEW):
            path = tmp_path_factory.mktemp("whole") / "saved"
            save.write(path, kind)
            values[name, kind] = save.read(path)
        assert values[name, OLD] != values[name, NEW]
    return values


def spread(count, *, how):
    """Numbers of operations: all of them, or some from the first to the last."""
    if LONG or count <= FEW[how]:
        return range(count)
    return sorted({round(i * (count - 1) / (FEW[how] - 1)) for i in range(FEW[how])})


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.startswith((STAGING_PREFIX, "."))]


@pytest.mark.parametrize("how", FEW)
@pytest.mark.parametrize("first", [False, True], ids=["overwrite", "first"])
@pytest.mark.parametrize("name", KINDS)
def test_a_stopped_save_is_old_or_new(name, first, how, saves, whole, tmp_path):
    save = saves[name]
    if not first and not save.replaces:
        pytest.skip("it replaces nothing")

    def prepare(number):
        path = tmp_path / str(number) / "saved"
        path.parent.mkdir()
        if not first:
            save.write(path, OLD)
        return path

    path = prepare("counted")
    count = count_operations(lambda: save.write(path, NEW))
    assert count > 5
    for at in spread(count, how=how):
        path = prepare(at)
        code = stop_save(lambda path=path: save.write(path, NEW), Stop(at, how))
        assert code in ([-signal.SIGKILL] if how in ("kill", "torn") else [SAVED, REFUSED])
        found = NOTHING
        try:
            found = save.read(path)
        except (OSError, ValueError):
            assert first
        allowed = {NEW: whole[name, NEW], OLD: NOTHING if first else whole[name, OLD]}
        assert found in allowed.values(), f"a mixture after operation {at} of {count}"
        if code == SAVED:
            assert found == allowed[NEW]
        # The next save works, and removes leftovers.
        if save.replaces or found == NOTHING:
            save.write(path, NEW)
            assert save.read(path) == allowed[NEW]
            assert leftovers(path.parent) == []
