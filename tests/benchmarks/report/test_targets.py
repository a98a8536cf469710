"""Targets use the right figures, and unsupported hardware is not a failure."""

import pytest

from benchmarks import __main__ as command_line
from benchmarks.measures.results import Measurement, Results, start_results
from benchmarks.measures.timing import CannotMeasureError, not_here
from benchmarks.report.targets import TARGETS, Target, compare, judge


def outcomes_of(benchmark, measurements):
    results = Results(name=benchmark, header={}, measurements=measurements)
    return [o for o in compare({benchmark: results}) if o.target.benchmark == benchmark]


def pair(quantity, ours, theirs, *, case, who="ours", peer):
    return [
        Measurement(case=case, who=who, quantity=quantity, values=(ours,)),
        Measurement(case=case, who=peer, quantity=quantity, values=(theirs,)),
    ]


@pytest.mark.parametrize(
    ("speed", "status", "ratio"), [(36.0, "met", 3.6), (34.0, "missed", 3.4), (35.0, "met", 3.5)]
)
def test_more_words_per_second_are_better(speed, status, ratio):
    case = {"device": "cpu", "words": 9}
    found = pair("words/s", speed, 10.0, case=case, peer="spacy-transformers")
    outcome = next(o for o in outcomes_of("training", found) if o.target.ours == "ours")
    assert outcome.status == status
    assert outcome.ratio == pytest.approx(ratio)
    assert outcome.failed == (status == "missed")


@pytest.mark.parametrize(("ours", "met"), [(1.0, True), (1.11, True), (1.13, False)])
def test_fewer_seconds_are_better_and_the_floor_is_below(ours, met):
    case = {"pass": "forward", "dtype": "fp32", "length": 32}
    found = [
        *pair("seconds", ours, 1.23, case=case, peer="openvino"),
        Measurement(case=case, who="onnxruntime", values=(2.0,)),
        Measurement(case=case, who="products", values=(1.0,)),
    ]
    outcomes = {o.target.number: o for o in outcomes_of("encoder", found) if o.target.case == case}
    assert outcomes[1].ratio == pytest.approx(ours)
    assert (outcomes[1].status == "met") == met
    # Against the faster of both engines.
    assert outcomes[2].ratio == pytest.approx(1.23 / ours)
    assert (outcomes[2].status == "met") == met  # 1.23 = 1.1 × 1.12


def test_an_engine_that_is_missing_does_not_count():
    case = {"pass": "forward", "dtype": "bf16", "length": 32}
    found = pair("seconds", 1.0, 2.0, case=case, peer="onnxruntime")
    outcome = next(o for o in outcomes_of("encoder", found) if o.target.number == 2 and o.ratio)
    assert outcome.ratio == pytest.approx(2.0)


def test_a_quantity_of_which_less_is_better_is_ours_by_theirs():
    found = pair("GiB", 3.0, 6.0, case={}, peer="other")
    target = Target(number=1, what="", benchmark="x", peers=("other",), quantity="GiB", at_most=0.6)
    outcome = judge(target, Results(name="x", header={}, measurements=found))
    assert outcome.ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("error", "failed"), [(not_here("no AMX"), False), (CannotMeasureError("not installed"), True)]
)
def test_only_hardware_excuses(error, failed):
    case = {"device": "cpu", "words": 9}
    ours, _ = pair("words/s", 2.0, 1.0, case=case, peer="spacy-transformers")
    missing = error.as_measurement(case, "spacy-transformers", "words/s")
    outcome = next(o for o in outcomes_of("training", [ours, missing]) if o.target.ours == "ours")
    assert outcome.failed == failed
    assert outcome.status == f"{error.problem}: {error.why}"
    assert outcome.ratio is None


def test_what_did_not_run_is_not_met():
    assert all(outcome.failed for outcome in compare({}))


def test_every_target_has_one_bound_and_a_benchmark():
    for target in TARGETS:
        assert (target.at_least is None) != (target.at_most is None)
        assert target.benchmark in command_line.BENCHMARKS
    assert {target.number for target in TARGETS} == set(range(1, 11))


@pytest.mark.parametrize("ours", [10.0, 1.0])
def test_check_fails_where_a_target_is_missed(tmp_path, run_benchmarks, monkeypatch, ours):
    target = Target(
        number=3, what="host", benchmark="host", quantity="words/s", peers=("other",), at_least=5
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
    figures = (tmp_path / "results" / "README.md").read_text(encoding="utf-8")
    assert f"{ours:.2f} ×" in figures
