"""The soak benchmark runs both packages on the same batches."""

import pytest

from benchmarks import soak

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 64}


@pytest.fixture
def small(monkeypatch):
    """A model and a number of batches that take a second, in this process."""
    monkeypatch.setattr(soak, "SHAPE", {**soak.SHAPE, **SIZES, "intermediate_size": 32})
    monkeypatch.setattr(soak, "LONGEST", 12)
    monkeypatch.setattr(soak, "WARM_UP", 2)
    monkeypatch.setattr(soak, "run_fresh", lambda function, *args: function(*args))


@pytest.fixture
def lengths(monkeypatch):
    """The lengths of the sequences of each package."""
    given = {}

    def record(name):
        encode = getattr(soak, name)

        def recorded(model, lengths):
            given.setdefault(name, []).append(lengths)
            return encode(model, lengths)

        monkeypatch.setattr(soak, name, recorded)

    record("ours")
    record("huggingface")
    return given


@pytest.mark.parametrize("training", [False, True])
def test_both_sides_get_the_same_batches(small, lengths, training, capsys):
    soak.main(batches=5, dtype="fp32", training=training, sides="ours,huggingface")
    assert lengths["ours"] == lengths["huggingface"]
    assert len(lengths["ours"]) == 5
    assert len({len(batch) for batch in lengths["ours"]}) > 1
    shown = capsys.readouterr().out
    for side in ("ours", "huggingface"):
        for number in (2, 4, 5):
            assert f"{side} {number} " in shown
    assert shown.count("%") == 2


def test_growth_is_that_since_the_warm_up(small, monkeypatch, capsys):
    memory = iter([100.0, 150.0, 120.0])
    monkeypatch.setattr(soak.machine, "memory", lambda: next(memory))
    soak.main(batches=5, dtype="fp32", training=False, sides="ours")
    row = capsys.readouterr().out.splitlines()[-2]
    assert row.split() == ["ours", "100", "150", "120", "+20.0%"]
