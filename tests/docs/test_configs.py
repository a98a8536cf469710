import io
import re

import pytest
from spacy import util
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

from spacy_deberta.pipeline.transformer.component import DEFAULT_CONFIG
from tests.docs.pages import ROOT, all_blocks

pytestmark = pytest.mark.slow

BLOCKS = [block for block in all_blocks("ini") if not block.not_run]
# Configs of `spacy deberta pretrain` are not for pipelines. Pages and projects run them.
PRETRAINING = ("adapt.cfg", "pretrain.cfg", "short.cfg", "long.cfg")
CONFIGS = sorted(
    path
    for pattern in ("configs/*.cfg", "projects/*/configs/*.cfg")
    for path in ROOT.glob(pattern)
    if path.name not in PRETRAINING
)
DATA = ("--paths.train", "train.spacy", "--paths.dev", "dev.spacy")
DATA_OF = {
    "multiple_choice": ("--paths.train", "questions.tsv", "--paths.dev", "questions.tsv"),
    "question_answering": ("--paths.train", "train.json", "--paths.dev", "dev.json"),
    "vectors": ("--paths.train", "pairs.csv", "--paths.dev", "pairs.csv"),
}

configs = pytest.mark.parametrize("path", CONFIGS, ids=[path.name for path in CONFIGS])


def parse_partial(text):
    """Parse a config that lacks the sections above its own."""
    sections = re.findall(r"^\[([\w.]+)\]", text, flags=re.MULTILINE)
    parents = {
        name.rsplit(".", depth)[0] for name in sections for depth in range(1, name.count(".") + 1)
    }
    missing = "".join(f"[{name}]\n\n" for name in sorted(parents - set(sections)))
    return Config().from_str(missing + text, interpolate=False)


def merge(config, partial):
    """Put a partial config over a complete one; a block with its own function replaces another."""
    for key, value in partial.items():
        known = config.get(key)
        replaces = isinstance(value, dict) and any(k.startswith(("@", "source")) for k in value)
        if isinstance(value, dict) and isinstance(known, dict) and not replaces:
            merge(known, value)
        else:
            config[key] = value


def differences(config, partial, place=""):
    """Values of a partial config that another one lacks, by their dotted names."""
    found = {}
    for key, value in partial.items():
        if isinstance(value, dict) and "source" in value:
            continue  # replaced by the existing value
        if isinstance(value, dict):
            found.update(differences(config[key], value, f"{place}{key}."))
        elif config[key] != value:
            found[f"{place}{key}"] = config[key]
    return found


def complete(text):
    """The config for entities with a block of a page."""
    config = util.load_config(ROOT / "configs" / "ner.cfg", interpolate=False)
    config["training"]["accumulate_gradient"] = 1
    merge(config, parse_partial(text))
    added = [name for name in config["components"] if name not in config["nlp"]["pipeline"]]
    config["nlp"]["pipeline"] += added
    config["paths"].update({"train": "train.spacy", "dev": "dev.spacy"})
    config["corpora"]["train"]["limit"] = 6
    config["corpora"]["dev"]["limit"] = 2
    config["training"]["max_steps"] = 1
    return config


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_config_block_trains(block, workspace, localize):
    config = Config().from_str(localize(complete(block.text).to_str()), interpolate=False)
    nlp = init_nlp(config)
    train(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
    assert len(nlp("Mira left.")) == 3
    # The values have an effect in the pipeline, and are not only accepted.
    assert not differences(nlp.config, parse_partial(localize(block.text)))


@pytest.mark.parametrize(
    "text",
    [
        "[components.transformer.model]\nfreeze_layers = 7",
        "[components.transformer.model]\nprecison = 'bf16'",
        '[components.transformer]\nfactory = "deberta"\nmax_batch_items = 4096',
        '[components.transformer.model.get_spans]\n@span_getters = "spacy-deberta.windows.v1"',
    ],
)
def test_a_wrong_block_is_noticed(text, workspace, localize):
    config = Config().from_str(localize(complete(text).to_str()), interpolate=False)
    with pytest.raises(ValueError):
        init_nlp(config)


@configs
def test_a_shipped_config_is_complete(path, workspace, run_spacy):
    run_spacy("init", "fill-config", path, "filled.cfg")
    shipped = util.load_config(path, interpolate=False)
    filled = util.load_config("filled.cfg", interpolate=False)
    assert filled == shipped


@configs
def test_a_shipped_config_passes_spacys_checks(path, workspace, hub_checkpoint, run_spacy):
    overrides = (*DATA_OF.get(path.stem, DATA), "--paths.encoder", hub_checkpoint)
    assert "Config is valid" in run_spacy("debug", "config", path, *overrides)
    assert "Pipeline can be initialized" in run_spacy("debug", "data", path, *overrides)


def test_the_config_is_the_one_that_the_factory_defaults_to():
    config = util.load_config(ROOT / "configs" / "ner.cfg", interpolate=True)
    config = config["components"]["transformer"]
    for key, value in DEFAULT_CONFIG["model"].items():
        assert config["model"][key] == value
    assert config["set_extra_annotations"] == DEFAULT_CONFIG["set_extra_annotations"]
