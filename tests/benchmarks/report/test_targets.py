"""Targets use the right figures, and unsupported hardware is not a failure."""

import pytest

from benchmarks import __main__ as command_line
from benchmarks.measures.results import Measurement, Results, start_results
from benchmarks.measures.timing import CannotMeasureError, not_here
from benchmarks.report.targets import TARGETS, Target, compare


def outcomes_of(benchmark, measurements):
    results = Results(name=benchmark, header={}, measurements=measurements)
    return [o for o in compare({benchmark: results}) if o.target.benchmark == benchmark]


def pair(quantity, ours, theirs, *, case, who="ours", peer):
    return [
        Measurement(case=case, who=who, quantity=quantity, values=(ours,)),
        Measurement(case=case, who=peer, quantity=quantity, values=(theirs,)),
    ]


@pytest.mark.parametrize(
    ("speed", "status", "ratio"), [(51.0, "met", 5.1), (49.0, "missed", 4.9), (50.0, "met", 5.0)]
)
def test_more_words_per_second_are_better(speed, status, ratio):
    case = {"documents": 1, "words": 9}
    found = pair("words/s", speed, 10.0, case=case, peer="spacy-transformers")
    (outcome,) = outcomes_of("host", found)
    assert outcome.status == status
    assert outcome.ratio == pytest.approx(ratio)
    assert outcome.failed == (status == "missed")


@pytest.mark.parametrize(("ours", "met"), [(1.0, True), (1.29, True), (1.31, False)])
def test_fewer_seconds_are_better_and_the_floor_is_below(ours, met):
    case = {"pass": "forward", "dtype": "fp32", "length": 32}
    found = [
        *pair("seconds", ours, 2.86, case=case, peer="huggingface"),
        Measurement(case=case, who="products", values=(1.0,)),
    ]
    outcomes = {o.target.peer: o for o in outcomes_of("encoder", found) if o.target.case == case}
    assert outcomes["products"].ratio == pytest.approx(ours)
    assert (outcomes["products"].status == "met") == met
    assert outcomes["huggingface"].ratio == pytest.approx(2.86 / ours)
    assert (outcomes["huggingface"].status == "met") == met  # 2.86 = 2.2 × 1.3


def test_memory_and_error_are_ours_by_theirs():
    found = pair("GiB", 3.0, 6.0, case={"device": "cpu", "words": 1}, peer="spacy-transformers")
    ratios = [o.ratio for o in outcomes_of("training", found) if o.target.quantity == "GiB"]
    assert ratios == [pytest.approx(0.5)]
    case = {"pass": "forward", "dtype": "bf16", "length": 8}
    found = pair("error", 0.02, 0.01, case=case, peer="huggingface")
    ratios = [o.ratio for o in outcomes_of("encoder", found) if o.target.quantity == "error"]
    assert ratios == [pytest.approx(2)]


def test_growth_compares_a_long_document_with_a_shorter_one():
    found = [
        Measurement(
            case={"grows": "document", "words": words}, who="ours", quantity=quantity, values=(v,)
        )
        for quantity, values in (
            ("words/s", {1_000: 100.0, 10_000: 90.0, 100_000: 50.0}),
            ("GiB", {1_000: 1.0, 10_000: 2.0, 100_000: 2.2}),
        )
        for words, v in values.items()
    ]
    speed, memory = outcomes_of("growth", found)
    assert speed.ratio == pytest.approx(2)  # seconds per word doubled
    assert speed.status == "missed"
    assert memory.ratio == pytest.approx(1.1)
    assert memory.status == "met"


@pytest.mark.parametrize(
    ("error", "failed"), [(not_here("no AMX"), False), (CannotMeasureError("not installed"), True)]
)
def test_only_hardware_excuses(error, failed):
    case = {"documents": 1, "words": 9}
    ours, _ = pair("words/s", 2.0, 1.0, case=case, peer="spacy-transformers")
    (outcome,) = outcomes_of(
        "host", [ours, error.as_measurement(case, "spacy-transformers", "words/s")]
    )
    assert outcome.failed == failed
    assert outcome.status == f"{error.problem}: {error.why}"
    assert outcome.ratio is None


def test_what_did_not_run_is_not_met():
    assert all(outcome.failed for outcome in compare({}))


def test_every_target_has_one_bound_and_a_benchmark():
    for target in TARGETS:
        assert (target.at_least is None) != (target.at_most is None)
        assert target.benchmark in command_line.BENCHMARKS
    assert {target.number for target in TARGETS} == set(range(1, 8))


@pytest.mark.parametrize("ours", [10.0, 1.0])
def test_check_fails_where_a_target_is_missed(tmp_path, run_benchmarks, monkeypatch, ours):
    target = Target(
        number=3, what="host", benchmark="host", quantity="words/s", peer="other", at_least=5
    )
    monkeypatch.setattr("benchmarks.report.targets.TARGETS", (target,))
    header = {
        "command": "python -m benchmarks run",
        "machine": {"cores": 2},
        "versions": {"torch": "2"},
        "settings": {},
    }
    results = start_results(tmp_path / "results", "host", header)
    results.add(pair("words/s", ours, 1.0, case={"documents": 1, "words": 9}, peer="other"))
    options = ["--results", tmp_path / "results", "--page", tmp_path / "page.md"]
    assert run_benchmarks("report", *options).exit_code == 0
    checked = run_benchmarks("report", *options, "--check")
    assert checked.exit_code == (0 if ours == 10 else 1)
    assert f"{ours:.2f} ×" in checked.stdout
    assert f"{ours:.2f} ×" in (tmp_path / "page.md").read_text(encoding="utf-8")
