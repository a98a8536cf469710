"""The report has the figures, the plots and the reasons, and matches the committed results."""

import pytest

from benchmarks import __main__ as command_line
from benchmarks.measures.results import (
    Measurement,
    Results,
    read_all,
    read_other_machines,
    start_results,
)
from benchmarks.measures.timing import CannotMeasureError, not_here
from benchmarks.report import page as report
from benchmarks.report import plots, tables
from tests.docs.pages import ROOT

HEADER = {
    "command": "python -m benchmarks run",
    "machine": {"processor": "Some CPU", "cores": 2, "memory, GiB": 24, "GPU": None},
    "versions": {"torch": "2.13.0", "spacy-deberta": "abc"},
    "settings": {"sizes": {"growth_layers": 2, "batch_pieces": 1024}},
}


def made_up():
    """Distinct figures of all benchmarks."""
    numbers = iter(range(101, 1000))

    def figures(case, whos, quantity="seconds"):
        return [
            Measurement(case=case, who=who, quantity=quantity, values=(float(next(numbers)),))
            for who in whos
        ]

    encoder = [
        found
        for direction in ("forward", "forward and backward")
        for dtype in ("fp32", "bf16")
        for length in (32, 64)
        for quantity in ("seconds", "error")
        for found in figures(
            {"pass": direction, "dtype": dtype, "length": length},
            ("ours", "huggingface", "products"),
            quantity,
        )
    ]
    growth = [
        found
        for case in (
            {"grows": "document", "words": 100},
            {"grows": "document", "words": 1000},
            {"grows": "batch", "documents": 8},
            {"grows": "heads", "heads": 2},
        )
        for quantity in ("words/s", "GiB")
        for found in figures(case, ("ours", "spacy-transformers"), quantity)
    ]
    sides = ("ours", "spacy-transformers")
    gpu = {"what": "attention", "dtype": "bf16", "length": 512}
    measurements = {
        "encoder": encoder,
        "pipe": figures({"documents": 60, "words": 4321}, sides, "words/s"),
        "host": figures({"documents": 60, "words": 4321}, sides, "words/s"),
        "training": [
            *figures({"device": "cpu", "words": 678}, sides, "words/s"),
            *figures({"device": "cpu", "words": 678}, sides, "GiB"),
            not_here("there is no CUDA device").as_measurement(
                {"device": "cuda", "words": 678}, "ours", "words/s"
            ),
        ],
        "costs": [
            *figures({"what": "spacy.load"}, sides),
            *figures({"what": "spacy.load"}, sides, "GiB"),
        ],
        "growth": growth,
        "gliner": figures({"texts": "sentences", "labels": 8}, ("ours", "gliner"), "words/s"),
        "kernels_gpu": [
            *figures(gpu, ("ours", "sdpa")),
            CannotMeasureError("flashdeberta is not installed").as_measurement(gpu, "flashdeberta"),
        ],
    }
    return {
        name: Results(name=name, header=HEADER, measurements=found)
        for name, found in measurements.items()
    }


@pytest.fixture
def page(tmp_path):
    """The page of all figures; that for users is `users.md` beside it."""
    machine = HEADER["machine"] | {"processor": "Another CPU", "instructions": ["amx_bf16"]}
    pipe = made_up()["pipe"]
    pipe.header = {**HEADER, "machine": machine}
    others = {"another": {"pipe": pipe}}
    report.write(made_up(), tmp_path / "users.md", tmp_path, others)
    return (tmp_path / "README.md").read_text(encoding="utf-8")


def test_every_figure_that_was_measured_is_on_the_page(page):
    for name, results in made_up().items():
        for found in results.measurements:
            backward_error = found.quantity == "error" and found.case["pass"] != "forward"
            growth_memory = found.quantity == "GiB" and found.case.get("grows") in (
                "batch",
                "heads",
            )
            if found.values and not backward_error and not growth_memory:
                shown = tables.figure(found.value, found.quantity)
                assert f"| {shown} " in page, (name, found)


def test_machine_versions_and_command_are_on_the_page(page):
    for fact in ("Some CPU", "cores: 2", "24 GiB of memory", "torch 2.13.0", HEADER["command"]):
        assert fact in page
    assert page.count(HEADER["command"] + "`") == 1


def test_missing_figures_have_reasons_on_the_page(page):
    assert "not measurable here: there is no CUDA device" in page
    assert "not measured: flashdeberta is not installed" in page
    assert "4,321 words" in page


def test_users_see_the_gains_and_one_plot(page, tmp_path):
    text = (tmp_path / "users.md").read_text(encoding="utf-8")
    found = made_up()["pipe"]
    ours, stock = (found.find(who, "words/s").value for who in ("ours", "spacy-transformers"))
    assert (
        f"| `nlp.pipe`, words/s | {stock:,.0f} | – | {ours:,.0f} ({ours / stock:.1f} ×) |" in text
    )
    assert text.count("](images/") == 1
    assert "<svg" in (tmp_path / "images" / plots.FILE).read_text(encoding="utf-8")
    assert "Not measured on a GPU yet" in text


def test_other_machines_have_pages_of_their_own(page, tmp_path):
    assert "[another](another/README.md)" in page
    figures = (tmp_path / "another" / "README.md").read_text(encoding="utf-8")
    assert "Another CPU" in figures
    assert "(../../../docs/performance.md)" in figures
    users = (tmp_path / "users.md").read_text(encoding="utf-8")
    assert "The same on 2 cores (Another CPU, AMX)" in users


def test_the_load_of_the_machine_is_kept(tmp_path):
    started = start_results(tmp_path, "pipe", HEADER)
    started.save()
    results = read_all(tmp_path)["pipe"]
    assert set(results.load) == {"before", "after"}
    assert results.header == HEADER
    assert "over a minute" in report.describe_setting({"pipe": results})


def test_the_plot_is_visible_on_white_and_on_dark_pages(page, tmp_path):
    """The contrast that WCAG asks of graphics; the plot itself has no background."""

    def luminance(color):
        channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for color in [plots.GRAY, *(color for _, color in plots.CURVES.values())]:
        for background in ("#ffffff", "#0d1117"):
            low, high = sorted((luminance(color), luminance(background)))
            assert (high + 0.05) / (low + 0.05) >= 3, (color, background)
    drawn = (tmp_path / "images" / plots.FILE).read_text(encoding="utf-8").lower()
    assert "#ffffff" not in drawn
    assert "#000000" not in drawn


def test_a_table_says_how_many_times_better_ours_is():
    def table(quantity, ours, theirs):
        case = {"length": 32}
        found = [
            Measurement(case=case, who="ours", quantity=quantity, values=(ours,)),
            Measurement(case=case, who="huggingface", quantity=quantity, values=(theirs,)),
        ]
        results = Results(name="encoder", header={}, measurements=found)
        return tables.by_case(results, "length", quantity=quantity).splitlines()[2]

    assert table("seconds", 2.0, 5.0) == "| 32 | 2 s | 5 s (2.50) |"
    assert table("seconds", 0.5, 0.05) == "| 32 | 500 ms | 50 ms (0.10) |"
    assert table("words/s", 2000.0, 500.0) == "| 32 | 2,000 | 500 (4.00) |"
    assert table("GiB", 1.0, 1.5) == "| 32 | 1.00 | 1.50 (1.50) |"


def test_nothing_is_plotted_that_was_not_measured(tmp_path):
    assert plots.draw({}, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_same_figures_give_the_same_plot(tmp_path):
    for folder in ("one", "two"):
        plots.draw(made_up(), tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_pages_are_made_from_the_results_that_are_committed():
    results = command_line.FOLDER / "results"
    found, others = read_all(results), read_other_machines(results)
    page = report.render_page(found, plots.FILE, others)
    assert (ROOT / "docs" / "performance.md").read_text(encoding="utf-8") == page
    assert (ROOT / "docs" / "images" / plots.FILE).is_file()
    figures = report.render_figures(found, others=others)
    assert (results / "README.md").read_text(encoding="utf-8") == figures
    for name, other in others.items():
        figures = report.render_figures(other, root="../../..")
        assert (results / name / "README.md").read_text(encoding="utf-8") == figures


def test_nothing_was_measured_in_quick_sizes():
    for results in read_all(command_line.FOLDER / "results").values():
        assert "--quick" not in results.header["command"]
