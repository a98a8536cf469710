"""Results are written atomically, and an interrupted run resumes."""

import json
from dataclasses import replace

import pytest

from benchmarks.measures.results import (
    Measurement,
    Results,
    read_all,
    read_other_machines,
    read_results,
    start_results,
)
from benchmarks.measures.timing import (
    CannotMeasureError,
    Contenders,
    exclude_wrong,
    gather,
    interleave,
    measure,
    not_here,
)

CASE = {"pass": "forward", "length": 8}
FOUND = Measurement(case=CASE, who="ours", values=(1.0, 3.0, 2.0))


def test_results_are_read_as_they_were_written(tmp_path):
    results = start_results(tmp_path, "encoder", {"command": "run"})
    results.add([FOUND, not_here("no GPU").as_measurement(CASE, "peer")])
    assert read_results(tmp_path / "encoder.json") == results
    assert read_all(tmp_path) == {"encoder": results}
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.json"]


def test_the_file_is_written_after_each_case(tmp_path):
    results = start_results(tmp_path, "encoder", {})
    for count in (1, 2):
        results.add([FOUND])
        content = json.loads((tmp_path / "encoder.json").read_text())
        assert len(content["measurements"]) == count


@pytest.mark.parametrize(
    ("header", "resume", "kept"),
    [({"a": [1]}, True, True), ({"a": [2]}, True, False), ({"a": [1]}, False, False)],
)
def test_only_a_run_like_the_last_one_goes_on(tmp_path, header, resume, kept):
    start_results(tmp_path, "encoder", {"a": (1,)}).add([FOUND])
    results = start_results(tmp_path, "encoder", header, resume=resume)
    assert results.has(CASE) == kept


def test_figures_are_found_by_some_values_of_their_case():
    results = Results(name="encoder", header={}, measurements=[FOUND])
    assert results.find("ours", length=8) is FOUND
    assert results.find("ours", length=9) is None
    assert results.find("peer", length=8) is None
    assert results.find("ours", "GiB", length=8) is None
    assert not results.has({"length": 8})  # not all keys of the case


def test_the_value_is_the_median():
    assert FOUND.value == 2
    assert FOUND.spread == 1


def test_contenders_take_turns():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "abc"}
    seconds = interleave(runs, repeats=3)
    assert "".join(order) == "abcbcacab"
    assert all(len(values) == 3 and min(values) >= 0 for values in seconds.values())


def test_words_per_second_are_words_by_seconds(monkeypatch):
    monkeypatch.setattr(
        "benchmarks.measures.timing.interleave", lambda *_, **__: {"ours": (2.0, 4.0)}
    )
    (found,) = measure(Contenders({"ours": print}, {}), CASE, repeats=2, words=8)
    assert (found.quantity, found.values) == ("words/s", (4.0, 2.0))


def test_who_is_missing_or_wrong_has_no_figures():
    def missing():
        raise CannotMeasureError("not installed")

    builders = {"right": lambda: lambda: 1, "wrong": lambda: lambda: 2, "missing": missing}
    checked = exclude_wrong(
        gather(builders), lambda name, run: "" if run() == 1 else "differs by 1"
    )
    assert list(checked.runs) == ["right"]
    found = {m.who: m for m in measure(checked, CASE, repeats=1)}
    assert len(found["right"].values) == 1
    assert (found["wrong"].problem, found["wrong"].why) == ("wrong", "differs by 1")
    assert (found["missing"].problem, found["missing"].why) == ("not measured", "not installed")


def test_the_encoder_has_the_figures_of_longer_sequences(tmp_path):
    start_results(tmp_path, "encoder", {}).add([FOUND])
    longer = replace(FOUND, case={**FOUND.case, "length": 2048})
    start_results(tmp_path, "long_encoder", {}).add([longer])
    assert read_all(tmp_path)["encoder"].measurements == [FOUND, longer]


def test_folders_without_results_are_no_machines(tmp_path):
    (tmp_path / "images").mkdir()
    start_results(tmp_path / "amx", "pipe", {}).add([FOUND])
    assert list(read_other_machines(tmp_path)) == ["amx"]
