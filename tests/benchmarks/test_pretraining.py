"""The plain training loop of the comparison gets the same batches as ours."""

import pytest
import torch

from benchmarks import pretraining
from tests.conftest import SENTENCES


def test_it_runs_and_reports(tmp_path, tiny_vocabulary, monkeypatch, capsys):
    monkeypatch.setattr(
        pretraining,
        "SIZES",
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
        },
    )
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(SENTENCES * 4), encoding="utf-8")
    seen = []
    update = pretraining.HuggingFaceLoop.update

    def record(self, step):
        before = next(self.generator.parameters()).detach().clone()
        update(self, step)
        seen.append(bool((next(self.generator.parameters()) != before).any()))

    monkeypatch.setattr(pretraining.HuggingFaceLoop, "update", record)
    torch.manual_seed(0)
    pretraining.main(texts, tiny_vocabulary, 300, 64, True, 2)
    printed = capsys.readouterr().out
    assert printed.count("times as many") == 2
    assert "mask decoder" in printed
    assert seen == [True] * 6


@pytest.mark.parametrize("objective", ["mlm", "rtd"])
def test_its_models_are_hugging_faces(objective, tiny_config):
    loop = pretraining.HuggingFaceLoop(objective, {**tiny_config, "id2label": {}, "label2id": {}})
    models = [model for model in (loop.generator, loop.discriminator) if model is not None]
    assert len(models) == (2 if objective == "rtd" else 1)
    assert all(type(model).__module__.startswith("transformers.") for model in models)
