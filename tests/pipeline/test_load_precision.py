"""`load_precision` in pipelines: predicting, saving, processes, and what can still be trained."""

import pytest
import spacy
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from spacy.training import Example

from tests.pipeline.pipelines import (
    FACTORIES,
    TRAIN_DATA,
    encoder_config,
    encoder_of,
    make_examples,
    make_pipeline,
    make_trained,
    rows,
)

TEXTS = [text for text, _ in TRAIN_DATA]


@pytest.fixture(scope="module")
def trained(tiny_checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines") / "trained"
    make_trained(tiny_checkpoint, precision="fp32").to_disk(folder)
    return folder


def load_half(folder, **options):
    override = {"components.transformer.model.load_precision": "bf16"}
    return spacy.load(folder, config=override, **options)


def dense_dtype(nlp):
    return encoder_of(nlp).encoder.layer[0].output.dense.weight.dtype


def with_values_of(full, half):
    """Give an encoder the weights of another, rounded as they are."""
    with torch.no_grad():
        for name, parameter in encoder_of(full).named_parameters():
            parameter.copy_(encoder_of(half).get_parameter(name))


def test_a_trained_pipeline_is_loaded_in_half_precision(trained):
    full, half = spacy.load(trained), load_half(trained)
    assert dense_dtype(full) == torch.float32
    assert dense_dtype(half) == torch.bfloat16
    # What it computes is what the rounded weights give in float32.
    with_values_of(full, half)
    for expected, found in zip(rows(full, TEXTS), rows(half, TEXTS), strict=True):
        assert expected.dtype == found.dtype == "float32"
        assert abs(expected - found).max() < 1e-5


@pytest.mark.parametrize("factory", FACTORIES)
def test_each_weight_is_saved_as_it_is_held(factory, tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, factory=factory, load_precision="bf16")
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "half")
    if factory == "deberta":
        stored = load_file(tmp_path / "half/transformer/model/model.safetensors")
        held = {name: x.dtype for name, x in encoder_of(nlp).state_dict().items()}
        assert {torch.bfloat16, torch.float32} == set(held.values())
        assert {name: x.dtype for name, x in stored.items()} == held
    again = spacy.load(tmp_path / "half")
    assert dense_dtype(again) == torch.bfloat16
    for expected, found in zip(rows(nlp, TEXTS), rows(again, TEXTS), strict=True):
        assert (expected == found).all()


def test_bytes_keep_it(trained):
    half = load_half(trained)
    again = load_half(trained)
    pipe = again.get_pipe("transformer")
    pipe.from_bytes(half.get_pipe("transformer").to_bytes())
    assert dense_dtype(again) == torch.bfloat16
    for expected, found in zip(rows(half, TEXTS), rows(again, TEXTS), strict=True):
        assert (expected == found).all()


@pytest.mark.parametrize(("storage_precision", "stored"), [("fp32", "F32"), ("fp16", "F16")])
def test_a_storage_precision_is_obeyed_for_all_weights(
    storage_precision, stored, tiny_checkpoint, tmp_path
):
    settings = {"load_precision": "bf16", "storage_precision": storage_precision}
    nlp = make_pipeline(tiny_checkpoint, factory="deberta", **settings)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path)
    with safe_open(tmp_path / "transformer/model/model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {stored}  # noqa: SIM118
    if stored == "F32":  # which has all values of bfloat16
        for expected, found in zip(
            rows(nlp, TEXTS), rows(spacy.load(tmp_path), TEXTS), strict=True
        ):
            assert (expected == found).all()


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_trained_head_scores_the_same_after_loading(as_bytes, tiny_checkpoint, tmp_path):
    """The recipe of docs/large_models.md: the encoder is frozen, the head is trained in float32."""
    nlp = spacy.blank("en")
    frozen = {"freeze_embeddings": True, "freeze_layers": 2, "precision": "fp32"}
    settings = {"name": tiny_checkpoint.as_posix(), "load_precision": "bf16", **frozen}
    nlp.add_pipe("deberta_sequence_classifier", config={"model": settings})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"yes": yes, "no": 1 - yes}})
        for text, yes in zip(TEXTS, (0.0, 1.0) * len(TEXTS), strict=False)
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.001
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    if as_bytes:
        again.from_bytes(nlp.to_bytes())
    assert [doc.cats for doc in again.pipe(TEXTS)] == [doc.cats for doc in nlp.pipe(TEXTS)]


def test_int8_from_half_precision(trained):
    full, half = (
        spacy.load(trained, config={"components.transformer.model": settings})
        for settings in (
            {"precision": "int8"},
            {"precision": "int8", "load_precision": "bf16"},
        )
    )
    with_values_of(full, half)
    for expected, found in zip(rows(full, TEXTS), rows(half, TEXTS), strict=True):
        assert abs(expected - found).max() < 1e-5


def test_training_it_is_refused(trained):
    half = load_half(trained)
    with pytest.raises(ValueError, match="E128.*freeze_embeddings"):
        half.update(make_examples(half), sgd=half.resume_training(), losses={})


def test_components_after_a_bf16_encoder_are_trained(tiny_checkpoint):
    nlp = make_pipeline(
        tiny_checkpoint, load_precision="bf16", freeze_embeddings=True, freeze_layers=2
    )
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    optimizer.learn_rate = 0.01
    before = {name: x.clone() for name, x in encoder_of(nlp).named_parameters()}
    losses = []
    for _ in range(12):
        step = {}
        nlp.update(make_examples(nlp), sgd=optimizer, losses=step)
        losses.append(step["ner"])
    assert losses[-1] < losses[0] / 2
    assert all(x.equal(before[name]) for name, x in encoder_of(nlp).named_parameters())


def test_a_head_that_shares_it(tiny_checkpoint, tmp_path):
    """No copy of the encoder, and no warning that another one was fine-tuned."""
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "deberta", name="transformer", config=encoder_config(tiny_checkpoint, load_precision="bf16")
    )
    nlp.add_pipe("deberta_sequence_classifier", config={"model": {"shared_encoder": "transformer"}})
    examples = [
        Example.from_dict(nlp.make_doc("A text."), {"cats": {"yes": yes, "no": 1 - yes}})
        for yes in (0.0, 1.0)
    ]
    nlp.initialize(lambda: examples)
    assert sum(nlp("A text.").cats.values()) == pytest.approx(1, abs=1e-5)
    nlp.to_disk(tmp_path)
    assert sum(spacy.load(tmp_path)("A text.").cats.values()) == pytest.approx(1, abs=1e-5)


def test_unknown_precisions(tiny_checkpoint):
    with pytest.raises(ValueError, match="E129.*fp32, bf16, int8"):
        make_pipeline(tiny_checkpoint, load_precision="int4")
