"""The learning rate that depends on the encoder's width."""

from itertools import islice

import pytest
import spacy
from spacy import registry, util
from spacy.training import Example

from spacy_deberta.checkpoints import save_checkpoint
from spacy_deberta.layers import rate_for_width, warmup_linear_v1
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config
from tests.docs.pages import ROOT

MINI = "deberta-v3-mini-en"
# A GLiNER is trained further with a low rate, so that it does not forget.
GLINER = 'head = "gliner"'
CONFIGS = sorted(
    path
    for pattern in ("configs/*.cfg", "projects/*/configs/*.cfg")
    for path in ROOT.glob(pattern)
    if "[training.optimizer.learn_rate]" in (text := path.read_text(encoding="utf-8"))
    and GLINER not in text
)


def test_base_size_has_the_rate_that_it_is_fine_tuned_with():
    assert rate_for_width(768) == 5e-5


@pytest.mark.parametrize(
    ("width", "rate"), [(256, 4.5e-4), (384, 2e-4), (1536, 1.25e-5), (32, 4.5e-4)]
)
def test_the_rate_falls_with_the_square_of_the_width(width, rate):
    assert rate_for_width(width) == pytest.approx(rate)


@pytest.mark.parametrize("warmup", [0, 3])
def test_the_rate_rises_and_falls_as_in_thincs_schedule(warmup):
    theirs = registry.get("schedules", "warmup_linear.v1")
    expected = theirs(initial_rate=4.5e-4, warmup_steps=warmup, total_steps=9)
    rates = warmup_linear_v1(warmup, 9, encoder=MINI)
    assert list(islice(rates, 12)) == pytest.approx(list(islice(expected, 12)))


def test_an_explicit_rate_has_precedence():
    rates = warmup_linear_v1(0, 10, encoder="nobody/has-this", initial_rate=0.25)
    assert next(iter(rates)) == 0.25


@pytest.mark.parametrize("width", [768, 256])
def test_the_width_is_read_from_a_folder(width, tmp_path, tiny_config, tiny_tokenizer):
    values = {**tiny_config, "hidden_size": width, "num_hidden_layers": 1}
    weights = DebertaV2Model(DebertaV2Config.from_dict(values)).state_dict()
    save_checkpoint(tmp_path / "e", config=values, weights=weights, tokenizer=tiny_tokenizer)
    assert next(iter(warmup_linear_v1(0, 10, encoder=str(tmp_path / "e")))) == rate_for_width(width)


@pytest.mark.parametrize("encoder", [None, "./is/nowhere"])
def test_an_encoder_that_is_not_at_hand_is_named_when_its_rate_is_needed(encoder):
    rates = iter(warmup_linear_v1(1, 10, encoder=encoder))
    assert next(rates) == 0.0
    with pytest.warns(UserWarning, match="W440"):
        assert next(rates) == 5e-5


@pytest.mark.parametrize("path", CONFIGS, ids=[path.name for path in CONFIGS])
def test_every_shipped_config_takes_its_rate_from_its_encoder(path):
    config = util.load_config(path, overrides={"paths.encoder": MINI}, interpolate=True)
    schedule = registry.resolve({"schedule": config["training"]["optimizer"]["learn_rate"]})
    rates = list(islice(schedule["schedule"], config["training"]["max_steps"]))
    assert max(rates) == pytest.approx(4.5e-4)


def test_a_pipeline_whose_checkpoint_is_gone_is_loaded_and_trained_on(tmp_path, tiny_vocabulary):
    config = util.load_config(ROOT / "configs" / "textcat.cfg", interpolate=False)
    config["components"]["transformer"]["model"]["from_scratch"] = {
        "vocabulary": str(tiny_vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config["components"]["transformer"]["model"]["name"] = None
    config["paths"]["encoder"] = "./is/nowhere"
    nlp = util.load_model_from_config(config)
    docs = [nlp.make_doc(text) for text in ("Mira left.", "Noor sings.")]
    annotations = [{"cats": {"A": 1.0, "B": 0.0}}, {"cats": {"A": 0.0, "B": 1.0}}]
    pairs = zip(docs, annotations, strict=True)
    examples = [Example.from_dict(doc, given) for doc, given in pairs]
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    optimizer = loaded.resume_training()
    loaded.update(examples, sgd=optimizer)
    with pytest.warns(UserWarning, match="W440"):
        optimizer.step_schedules()
    assert optimizer.learn_rate == pytest.approx(5e-5 / 250)
