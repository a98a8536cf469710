"""The comparison on three tasks: trained configs, saved results and the report."""

import json

import pytest

from benchmarks.downstream import runs
from benchmarks.downstream.contenders import CONTENDERS
from benchmarks.downstream.runs import Place, TrainingRun, best_rate, mean_score, measure_all
from benchmarks.downstream.table import summarize, to_markdown
from benchmarks.downstream.tasks import TASKS
from spacy_deberta.checkpoints import find_checkpoint

MODEL = find_checkpoint("deberta-v3-mini-en").folder


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("contender", CONTENDERS)
def test_everybody_has_the_same_heads_and_budget(task, contender):
    task, contender = TASKS[task], CONTENDERS[contender]
    rate = contender.rates[0] if contender.rates else 3e-4
    config = contender.make_config(task, MODEL, rate)
    assert set(task.components) <= set(config["nlp"]["pipeline"])
    expected = task.budget.long_steps if contender.name == "cnn_long" else task.budget.steps
    assert config["training"]["max_steps"] == expected
    weights = config["training"]["score_weights"]
    assert {name for name, weight in weights.items() if weight} == set(task.scores)
    if contender.name in ("mini", "scratch", "stock"):
        mini = CONTENDERS["mini"].make_config(task, MODEL, rate)
        for component in task.components:
            assert config["components"][component] == mini["components"][component]
        assert config["training"]["optimizer"] == mini["training"]["optimizer"]
    if contender.name == "scratch":
        sizes = config["components"]["transformer"]["model"]["from_scratch"]
        assert (sizes["hidden_size"], sizes["num_hidden_layers"]) == (256, 6)


def make_result(contender, seed, score, rate=None):
    run = TrainingRun(task="wnut17", contender=contender, rate=rate, seed=seed)
    scores = {"ents_f": score}
    return {"run": vars(run), "dev": scores, "test": scores, "seconds": 60.0, "steps": 10}


def test_rates_are_chosen_on_development_data_and_medians_reported():
    tried = [make_result("mini", 0, score, rate) for score, rate in ((0.2, 3e-4), (0.3, 6e-4))]
    assert best_rate(tried) == 6e-4
    assert mean_score({"tag_acc": 0.8, "dep_las": 0.6}) == pytest.approx(0.7)
    results = [make_result("cnn", seed, score) for seed, score in ((0, 0.1), (1, 0.5), (2, 0.2))]
    rows = summarize(results)
    assert "20.0" in to_markdown(rows)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Fake trainings that only write their results, with better scores for lower learning rates."""

    def measure(run, place, announce):
        announce(run)
        result = make_result(run.contender, run.seed, 1 - (run.rate or 0.5), run.rate)
        place.result(run).parent.mkdir(exist_ok=True)
        place.result(run).write_text(json.dumps(result))
        return result

    monkeypatch.setattr(runs, "measure", measure)
    monkeypatch.setattr(runs.data, "prepare", lambda *args: None)
    return Place(data=tmp_path, model=MODEL, work=tmp_path, threads=1)


def measured(place, **options):
    names = []
    found = measure_all(
        place, tasks=["wnut17"], announce=lambda run: names.append(run.name), **options
    )
    for _ in found:
        pass
    return names


def test_given_rates_are_tried_in_place_of_the_contenders_own(place):
    options = {"contenders": ["mini", "cnn", "stock"], "seeds": [0, 1]}
    assert measured(place, rates=[0.2, 0.1], **options) == [
        "wnut17-mini-0.2-0",
        "wnut17-mini-0.1-0",
        "wnut17-mini-0.1-0",
        "wnut17-mini-0.1-1",
        "wnut17-cnn-own-0",
        "wnut17-cnn-own-1",
        "wnut17-stock-0.1-0",
        "wnut17-stock-0.1-1",
    ]
    with pytest.raises(ValueError, match="run that on wnut17 first"):
        measured(place, contenders=["stock"], seeds=[0])
    own = CONTENDERS["mini"].rates
    assert f"wnut17-mini-{own[-1]:g}-0" in measured(place, **options)
