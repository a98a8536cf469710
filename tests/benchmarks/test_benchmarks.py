"""The benchmarks run and count correctly on small inputs."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from benchmarks import alignment, saving, spancat, starting, zero_shot
from tests.pipeline.pipelines import TRAIN_DATA

pytestmark = pytest.mark.slow

TEXT = "the committee adopted the report"


@pytest.fixture
def docs():
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text, _ in TRAIN_DATA]


def test_our_alignment_leaks_nothing_and_loses_nothing(docs, tiny_vocabulary):
    assert alignment.count(docs, *alignment.align_ours(docs, tiny_vocabulary)) == (0, 0)


def test_the_stock_alignment_leaks_into_every_token_but_the_last(v3_vocabulary):
    pytest.importorskip("google.protobuf")
    docs = [spacy.blank("en").make_doc(TEXT)]
    leaking, lost = alignment.count(docs, *alignment.align_stock(docs, v3_vocabulary))
    assert leaking == len(docs[0]) - 1
    assert lost == 0


def test_leaking_and_lost_tokens_are_counted(docs, tiny_vocabulary):
    alignments, offsets = alignment.align_ours(docs[:1], tiny_vocabulary)
    alignments[0][0].append(alignments[0][1][0])
    alignments[0][2].pop()
    assert alignment.count(docs[:1], alignments, offsets) == (1, 1)


def test_the_command_of_the_alignment(docs, tiny_vocabulary, tmp_path, monkeypatch):
    monkeypatch.setattr(alignment, "align_stock", alignment.align_ours)
    DocBin(docs=docs).to_disk(tmp_path / "corpus.spacy")
    arguments = [str(tmp_path / "corpus.spacy"), "--vocabulary", str(tiny_vocabulary)]
    app = alignment.typer.Typer()
    app.command()(alignment.main)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "leaking" in result.stdout


def test_loading_and_saving_are_measured(tiny_vocabulary, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "BASE", tiny_config)
    saving.make_checkpoint(tmp_path / "checkpoint", tiny_vocabulary)
    saved = saving.measure_save(saving.OURS, tmp_path / "checkpoint", tmp_path / "ours")
    loaded = saving.measure_load(tmp_path / "ours")
    # The process itself checks that it imported no spacy-transformers.
    assert starting.measure_start("ours", tmp_path / "ours") > 0
    assert saved["save_s"] > 0
    assert loaded["load_s"] > 0
    assert 0.05 < loaded["load_peak_gib"] <= loaded["used_peak_gib"]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak")
@pytest.mark.parametrize("action", spancat.ACTIONS)
def test_span_categorization_is_measured(action, tiny_vocabulary):
    encoder = {**spancat.ENCODER, "hidden_size": 48, "intermediate_size": 48}
    for architecture in spancat.ARCHITECTURES.values():
        nlp = spancat.make_pipeline(architecture, tiny_vocabulary, encoder=encoder, longest=9)
        assert len(nlp.get_pipe("spancat").suggester([spancat.make_example(nlp, 20).x]).data) == 144
        figures = spancat.measure(action, nlp, 50)
        assert figures["s"] > 0
        # Small enough for memory that the process has already allocated; Linux counts pages of
        # each thread in batches, so that the peak may seem to be below what there was before.
        assert -10 < figures["MiB"] < 200


def test_the_command_of_the_span_categorizer(tiny_vocabulary, monkeypatch):
    commands = []

    def run(command):
        commands.append(command)
        return {"MiB": float(len(commands)), "s": 1.0}

    monkeypatch.setattr(spancat, "_run", run)
    app = spancat.typer.Typer()
    app.command()(spancat.main)
    arguments = ["--vocabulary", str(tiny_vocabulary), "--train-embeddings"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert len(commands) == 12
    assert all("--train-embeddings" in command for command in commands)
    assert "9955 candidates" in result.stdout
    assert "11.00" in result.stdout  # the median of the last three


def test_zero_shot_is_measured_on_the_same_scores(tiny_vocabulary, tiny_config, tmp_path):
    zero_shot.make_checkpoint(tmp_path, tiny_vocabulary, **tiny_config)
    seconds = zero_shot.compare(tmp_path, [TEXT, "I waited for a soup."], repeats=1)
    assert len(seconds) == 3
    assert all(value > 0 for value in seconds.values())


def test_different_scores_stop_the_zero_shot_benchmark():
    row = dict.fromkeys(zero_shot.LABELS, 0.1)
    zero_shot._check_same([row], [row], "same")
    with pytest.raises(AssertionError, match="other differs"):
        zero_shot._check_same([row], [{**row, "music": 0.2}], "other")
