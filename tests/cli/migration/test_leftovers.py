"""Settings of spacy-transformers left in blocks of ours: named in training, and migrated."""

import pytest
import spacy
from thinc.api import Config, ConfigValidationError

from spacy_deberta.cli.migration import migrate
from spacy_deberta.cli.train import train

LEFT_OVER = {
    ("components.trf", "max_batch_items"): 4096,
    ("components.trf.model", "mixed_precision"): True,
    ("components.trf.model", "tokenizer_config"): {"use_fast": True},
    ("components.trf.model", "transformer_config"): {},
    ("components.trf.model", "grad_scaler_config"): {},
    ("components.trf.model.get_spans", "stride"): 96,
}
OURS = """
[nlp]
lang = "en"
pipeline = ["trf"]

[components]

[components.trf]
factory = "deberta"

[components.trf.model]
@architectures = "spacy-deberta.DebertaV2Model.v1"
name = "microsoft/deberta-v3-base"

[components.trf.model.get_spans]
@span_getters = "spacy-deberta.piece_windows.v1"
window = 128
"""


@pytest.mark.parametrize(("section", "setting"), LEFT_OVER)
def test_settings_left_in_our_blocks(section, setting, tmp_path):
    config = Config().from_str(OURS)
    block = config
    for name in section.split("."):
        block = block[name]
    block[setting] = LEFT_OVER[section, setting]
    path = tmp_path / "mine.cfg"
    config.to_disk(path)
    with pytest.raises(ConfigValidationError, match=setting):
        spacy.util.load_model_from_config(Config().from_disk(path), auto_fill=True)
    with pytest.raises(ValueError, match=rf"E455.*'{setting}'.*migrate-config") as raised:
        train(path)
    assert f"[{section}]" in str(raised.value)
    changed = migrate(Config().from_disk(path, interpolate=False))
    assert [change.place for change in changed.changes] == [f"{section}.{setting}"]
    spacy.util.load_model_from_config(changed.config, auto_fill=True)
    assert changed.config == Config().from_str(OURS)


@pytest.mark.parametrize("window", ["window = 128", "window = 128\nstride = 96"])
def test_our_own_settings_are_not_left_over(window):
    getter = "strided_spans.v1" if "stride" in window else "piece_windows.v1"
    config = OURS.replace("piece_windows.v1", getter).replace("window = 128", window)
    assert migrate(Config().from_str(config)).changes == ()
