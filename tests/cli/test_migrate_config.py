"""`spacy deberta migrate-config`: migrated configs train, and dropped settings are reported.

The configs that `spacy init config --gpu` writes are migrated and trained for every component in
`tests/pipeline/test_spacy_configs.py`, which makes its pipelines this way.
"""

import shutil
from pathlib import Path

import pytest
import spacy
from spacy.cli.init_config import init_config
from thinc.api import Config

from spacy_deberta.cli.migration import DROPPED, ENGLISH_ENCODER, OTHER_ENCODER, migrate
from tests.pipeline.pipelines import make_examples
from tests.pipeline.spacy_configs import OPTIMIZE, PIPES

SAVED = Path(__file__).parents[1] / "pipeline" / "saved" / "0.1.0"
LISTENING = """
[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 0.5
upstream = "trf"
pooling = {"@layers":"reduce_mean.v1"}
"""
# Realistic configs: settings of several releases, and blocks that rely on defaults.
HAND_MADE = {
    "an old release": """
[nlp]
lang = "de"
pipeline = ["trf","tagger"]

[components.trf]
factory = "transformer"
max_batch_items = 2048

[components.trf.model]
@architectures = "spacy-transformers.TransformerModel.v1"
name = "bert-base-german-cased"
tokenizer_config = {"use_fast":true,"strip_accents":false}

[components.trf.model.get_spans]
@span_getters = "spacy-transformers.strided_spans.v1"
window = 256
stride = 200
"""
    + LISTENING,
    "sentences and mixed precision": """
[nlp]
lang = "en"
pipeline = ["sentencizer","trf","tagger"]

[training]
annotating_components = ["sentencizer"]

[components.sentencizer]
factory = "sentencizer"

[components.trf]
factory = "transformer"

[components.trf.model]
@architectures = "spacy-transformers.TransformerModel.v3"
name = "microsoft/deberta-v3-large"
mixed_precision = true
grad_scaler_config = {"init_scale":32768}
transformer_config = {"output_hidden_states":true,"output_attentions":false}

[components.trf.model.get_spans]
@span_getters = "spacy-transformers.sent_spans.v1"
"""
    + LISTENING,
    "no model": """
[nlp]
lang = "en"
pipeline = ["trf","tagger"]

[components.trf]
factory = "transformer"
"""
    + LISTENING,
    "one component with an encoder of its own": """
[nlp]
lang = "en"
pipeline = ["tagger"]

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy-transformers.Tok2VecTransformer.v3"
name = "emilyalsentzer/Bio_ClinicalBERT"
tokenizer_config = {"use_fast":true}
transformer_config = {"output_attentions":false}
grad_factor = 0.5

[components.tagger.model.tok2vec.get_spans]
@span_getters = "spacy-transformers.doc_spans.v1"

[components.tagger.model.tok2vec.pooling]
@layers = "reduce_mean.v1"
""",
    "curated transformers": """
[nlp]
lang = "en"
pipeline = ["trf","tagger"]

[components.trf]
factory = "curated_transformer"
frozen = false
all_layer_outputs = true

[components.trf.model]
@architectures = "spacy-curated-transformers.XlmrTransformer.v1"
vocab_size = 250002
hidden_width = 768
mixed_precision = false

[components.trf.model.piece_encoder]
@architectures = "spacy-curated-transformers.XlmrSentencepieceEncoder.v1"

[components.trf.model.with_spans]
@architectures = "spacy-curated-transformers.WithStridedSpans.v1"
window = 128
stride = 96

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[components.tagger.model.tok2vec]
@architectures = "spacy-curated-transformers.ScalarWeightingListener.v1"
width = 768
grad_factor = 0.5
pooling = {"@layers":"reduce_mean.v1"}
weighting = {"@architectures":"spacy-curated-transformers.ScalarWeight.v1","num_layers":13}

[training.before_update]
@callbacks = "spacy-curated-transformers.gradual_transformer_unfreezing.v1"
target_pipes = {"trf":250}

[initialize.components.trf.encoder_loader]
@model_loaders = "spacy-curated-transformers.HFTransformerEncoderLoader.v1"
name = "xlm-roberta-base"

[initialize.components.trf.piecer_loader]
@model_loaders = "spacy-curated-transformers.HFPieceEncoderLoader.v1"
name = "xlm-roberta-base"
""",
}


def parse(text):
    """Parse a config without its parent sections."""
    sections = ("paths", "system", "components", "corpora", "training", "initialize")
    missing = "".join(f"[{name}]\n\n" for name in sections if f"\n[{name}]" not in text)
    for name in ("initialize.components", "initialize.components.trf"):
        if name in text:
            missing += f"[{name}]\n\n"
    return Config().from_str(missing + text, interpolate=False)


def train(nlp):
    """Initialize a pipeline and update it once."""
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    annotates = nlp.config["training"]["annotating_components"]
    losses = nlp.update(examples, sgd=optimizer, losses={}, annotates=annotates)
    assert losses["tagger"] > 0
    return nlp


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_configs_are_trained(name, tiny_checkpoint):
    old = parse(HAND_MADE[name])
    before = old.to_str()
    migration = migrate(old, encoder=str(tiny_checkpoint))
    assert old.to_str() == before
    text = migration.config.to_str()
    assert "spacy-transformers" not in text
    assert "curated" not in text
    nlp = train(spacy.util.load_model_from_config(migration.config, auto_fill=True))
    listener = nlp.get_pipe("tagger").model.get_ref("tok2vec")
    assert [
        node.attrs["grad_factor"] for node in listener.walk() if "grad_factor" in node.attrs
    ] == [0.5]
    assert nlp("Mira left.")[0].tag_


def said(name, **settings):
    migration = migrate(parse(HAND_MADE[name]), **settings)
    return migration.config, {change.place: change.what for change in migration.changes}


def test_every_removed_setting_is_listed_with_its_reason():
    config, changes = said("an old release")
    model = "components.trf.model"
    assert config["components"]["trf"]["model"] == {
        "@architectures": "spacy-deberta.DebertaV2Model.v1",
        "name": OTHER_ENCODER,
        "get_spans": {
            "@span_getters": "spacy-deberta.piece_windows.v1",
            "window": 510,
            "overlap": 64,
        },
    }
    assert "bert-base-german-cased" in changes[f"{model}.name"]
    assert "window = 256, stride = 200" in changes[f"{model}.get_spans"]
    assert changes["components.trf.max_batch_items"].endswith(DROPPED["max_batch_items"])
    assert changes[f"{model}.tokenizer_config"].endswith(DROPPED["tokenizer_config"])
    assert "components.tagger.model.tok2vec.@architectures" in changes
    listener = config["components"]["tagger"]["model"]["tok2vec"]
    assert (listener["upstream"], listener["grad_factor"]) == ("trf", 0.5)

    config, changes = said("sentences and mixed precision")
    encoder = config["components"]["trf"]["model"]
    assert encoder["name"] == "microsoft/deberta-v3-large"
    assert encoder["output_hidden_states"] is True
    assert encoder["get_spans"] == {"@span_getters": "spacy-deberta.sent_spans.v1"}
    assert {"transformer_config", "mixed_precision", "grad_scaler_config"} <= {
        place.rpartition(".")[2] for place in changes
    }

    config, changes = said("curated transformers")
    assert config["components"]["trf"]["model"]["name"] == ENGLISH_ENCODER
    assert config["components"]["trf"]["model"]["output_hidden_states"] is True
    assert config["initialize"]["components"] == {}
    assert config["training"]["before_update"] is None
    assert {
        "initialize.components.trf.encoder_loader",
        "initialize.components.trf.piecer_loader",
        "components.trf.frozen",
        "components.trf.all_layer_outputs",
        "components.trf.model.piece_encoder",
        "components.trf.model.with_spans",
        "components.trf.model.vocab_size",
        "components.tagger.model.tok2vec.weighting",
        "components.tagger.model.tok2vec.width",
        "training.before_update",
    } <= set(changes)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("microsoft/deberta-v3-small", True),
        ("microsoft/mdeberta-v3-base", True),
        ("someone/my-encoder", True),
        ("${paths.encoder}", True),
        ("microsoft/deberta-base", False),
        ("roberta-base", False),
        ("distilbert-base-uncased", False),
        ("google/electra-base-discriminator", False),
        ("sentence-transformers/paraphrase-mpnet-base-v2", False),
    ],
)
def test_only_other_families_are_replaced(name, kept):
    config = parse(HAND_MADE["no model"])
    config["paths"]["encoder"] = "folder"
    config["components"]["trf"]["model"] = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": name,
    }
    found = migrate(config).config["components"]["trf"]["model"]["name"]
    assert found == (name if kept else ENGLISH_ENCODER)


# Without spacy-transformers, `spacy init config --gpu` writes no transformer.
@pytest.mark.stock
@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_generated_configs_name_no_other_package(optimize):
    config = init_config(lang="en", pipeline=[*PIPES], optimize=optimize, gpu=True, silent=True)
    migrated = migrate(config).config
    assert "spacy-transformers" in config.to_str()
    assert "spacy-transformers" not in migrated.to_str()
    assert migrate(migrated).changes == ()


@pytest.mark.stock
def test_the_command_says_what_it_did(spacy_cli, tmp_path):
    old, new = tmp_path / "old.cfg", tmp_path / "new.cfg"
    init_config(lang="en", pipeline=["ner"], gpu=True, silent=True).to_disk(old)
    done = spacy_cli("deberta", "migrate-config", old, new, "--encoder", "my/encoder")
    assert done.exit_code == 0
    assert "components.transformer.model.tokenizer_config: dropped" in done.stdout
    config = Config().from_disk(new, interpolate=False)
    assert config["components"]["transformer"]["model"]["name"] == "my/encoder"
    # Variables are as they were.
    assert config["corpora"]["train"]["path"] == "${paths.train}"
    done = spacy_cli("deberta", "migrate-config", new, new)
    assert "Nothing to change" in done.stdout
    assert Config().from_disk(new, interpolate=False) == config


def test_files_that_are_not_configs(spacy_cli, tmp_path):
    (tmp_path / "old.cfg").write_text("no config", encoding="utf-8")
    done = spacy_cli("deberta", "migrate-config", tmp_path / "old.cfg", tmp_path / "new.cfg")
    assert done.exit_code == 1
    assert "E525" in done.stderr
    assert not (tmp_path / "new.cfg").exists()
    done = spacy_cli("deberta", "migrate-config", tmp_path / "missing.cfg", tmp_path / "new.cfg")
    assert "E501" in done.stderr


def test_a_saved_pipeline_is_loaded_after_it(tmp_path):
    folder = shutil.copytree(SAVED, tmp_path / "pipeline")
    config = Config().from_disk(folder / "config.cfg", interpolate=False)
    migration = migrate(config)
    assert len(migration.changes) == 2
    migration.config.to_disk(folder / "config.cfg")
    doc = spacy.load(folder)("Mira left.")
    assert doc._.trf_data is not None
    assert doc.cats
