"""One encoder for several components: its owner, training and saving."""

import pytest
import spacy
import torch
from spacy.training import Example

from spacy_deberta.layers import get_encoder, head_model
from tests.conftest import SENTENCES
from tests.pipeline.checkpoints import save_checkpoint
from tests.pipeline.pipelines import encoder_config, make_examples

FACTORY = "deberta_sequence_classifier"
CLASS = "DebertaV2ForSequenceClassification"
LABELS = ("GOOD", "BAD", "NEITHER")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("heads") / "sequences"
    return save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=LABELS)


def shim_of(nlp, name):
    return head_model.head_shim(nlp.get_pipe(name).model)


def examples_of(nlp):
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": {label: 1.0}})
        for text, label in zip(SENTENCES, LABELS * 2, strict=False)
    ]


def make_two(checkpoint, *, second=None, owner="first", shared="first", examples=None):
    """Two classifiers, the second of which uses the encoder of another."""
    nlp = spacy.blank("en")
    nlp.add_pipe(FACTORY, name=owner, config={"model": {"name": str(checkpoint)}})
    model = {"shared_encoder": shared, "name": second and str(second)}
    nlp.add_pipe(FACTORY, name="second", config={"model": model})
    nlp.initialize(lambda: examples or examples_of(nlp))
    return nlp


def make_on_transformer(checkpoint, *, factory="deberta", heads=(), **settings):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, name="transformer", config=encoder_config(checkpoint, **settings))
    nlp.add_pipe(FACTORY, name="second", config={"model": {"shared_encoder": "transformer"}})
    nlp.initialize(lambda: examples_of(nlp))
    return nlp


def test_there_is_one_encoder(checkpoint):
    nlp = make_two(checkpoint)
    first, second = shim_of(nlp, "first"), shim_of(nlp, "second")
    assert second.encoder is first.encoder
    assert second.module.classifier is not first.module.classifier
    # The head of the checkpoint is used with its encoder.
    same = make_two(checkpoint, second=checkpoint)
    doc = same.make_doc(SENTENCES[0])
    first_scores, second_scores = (same.get_pipe(n).predict([doc]) for n in ("first", "second"))
    assert first_scores.tolist() == second_scores.tolist()


@pytest.mark.parametrize("owner", ["classifier", "transformer"])
def test_gradients_add_up_in_the_owner(owner, checkpoint):
    def make():
        spacy.util.fix_random_seed(3)
        if owner == "classifier":
            return make_two(checkpoint), "first"
        nlp = spacy.blank("en")
        nlp.add_pipe("deberta", name="transformer", config=encoder_config(checkpoint))
        nlp.add_pipe(
            "tagger",
            config={
                "model": {
                    "@architectures": "spacy.Tagger.v2",
                    "tok2vec": {
                        "@architectures": "spacy-deberta.TransformerListener.v1",
                        "pooling": {"@layers": "reduce_mean.v1"},
                    },
                }
            },
        )
        nlp.add_pipe(FACTORY, name="second", config={"model": {"shared_encoder": "transformer"}})
        nlp.initialize(lambda: data(nlp))
        return nlp, "tagger"

    def data(nlp):
        if owner == "classifier":
            return examples_of(nlp)
        examples = make_examples(nlp)
        for example, label in zip(examples, LABELS * 2, strict=True):
            example.y.cats = {label: 1.0}
        return examples

    def gradients(*, exclude):
        nlp, _ = make()
        nlp.update(data(nlp), sgd=False, drop=0.0, losses={}, exclude=exclude)
        if owner == "transformer":
            nlp.get_pipe("transformer")._backprop_pending()
        return {
            name: None if parameter.grad is None else parameter.grad.to_dense()
            for name, parameter in shim_of(nlp, "second").encoder.named_parameters()
        }

    other = make()[1]
    together = gradients(exclude=[])
    single = [gradients(exclude=[name]) for name in (other, "second")]
    assert any(gradient is not None for gradient in together.values())
    for name, gradient in together.items():
        parts = [part[name] for part in single if part[name] is not None]
        assert (gradient is None) == (not parts)
        if parts:
            assert torch.allclose(gradient, sum(parts), atol=1e-5), name


def test_each_of_them_learns_and_the_encoder_once(checkpoint):
    nlp = make_two(checkpoint)
    first, second = shim_of(nlp, "first"), shim_of(nlp, "second")
    optimizer = nlp.resume_training()
    before = {name: p.detach().clone() for name, p in first.module.named_parameters()}
    head = second.module.classifier.weight.detach().clone()
    nlp.update(examples_of(nlp), sgd=optimizer, losses={})
    assert not torch.equal(before["classifier.weight"], first.module.classifier.weight)
    assert not torch.equal(head, second.module.classifier.weight)
    changed = first.module.deberta.embeddings.word_embeddings.weight
    assert not torch.equal(before["deberta.embeddings.word_embeddings.weight"], changed)
    keys = {(id_, name) for id_, name in optimizer.mom1}
    assert {name for id_, name in keys if id_ == second.id} == {
        name for name in before if not name.startswith("deberta.")
    }


def test_only_the_head_is_saved(checkpoint, tmp_path):
    nlp = make_two(checkpoint)
    nlp.update(examples_of(nlp), sgd=nlp.resume_training(), losses={})
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    predicted = nlp.get_pipe("second").predict([nlp.make_doc(text) for text in SENTENCES])
    nlp.to_disk(tmp_path / "pipeline")
    saved = tmp_path / "pipeline" / "second" / "model"
    assert saved.is_file()
    encoder = sum(p.numel() for p in shim_of(nlp, "first").encoder.parameters())
    assert saved.stat().st_size < encoder  # it has four bytes a number
    loaded = spacy.load(tmp_path / "pipeline")
    assert shim_of(loaded, "second").encoder is shim_of(loaded, "first").encoder
    assert [doc.cats for doc in loaded.pipe(SENTENCES)] == scores
    again = loaded.get_pipe("second").predict([loaded.make_doc(text) for text in SENTENCES])
    assert again.tolist() == predicted.tolist()
    other = make_two(checkpoint)
    other.from_bytes(nlp.to_bytes())
    assert [doc.cats for doc in other.pipe(SENTENCES)] == scores
    with pytest.raises(ValueError, match="E601.*'second'.*'first'.*: none"):
        spacy.load(tmp_path / "pipeline", exclude=["first"])(SENTENCES[0])


def test_a_transformer_can_be_the_owner(checkpoint, tmp_path):
    nlp = make_on_transformer(checkpoint)
    encoder = get_encoder(nlp.get_pipe("transformer").model)
    assert shim_of(nlp, "second").encoder is encoder
    before = encoder.embeddings.word_embeddings.weight.detach().clone()
    nlp.update(examples_of(nlp), sgd=False, losses={})  # as `spacy train` does
    for _, pipe in nlp.pipeline:
        pipe.finish_update(nlp.create_optimizer())
    assert not torch.equal(before, encoder.embeddings.word_embeddings.weight)
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    nlp.to_disk(tmp_path / "pipeline")
    assert [doc.cats for doc in spacy.load(tmp_path / "pipeline").pipe(SENTENCES)] == scores


def test_processes(checkpoint):
    nlp = make_two(checkpoint)
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    for doc, cats in zip(nlp.pipe(SENTENCES, n_process=2, batch_size=5), scores, strict=True):
        assert doc.cats == pytest.approx(cats, abs=1e-5)


@pytest.mark.parametrize("shared", ["nobody", "second"])
def test_an_owner_that_is_not_there(shared, checkpoint):
    message = f"E601.*'second'.*'shared_encoder' is '{shared}'.*before it.*: 'first'"
    with pytest.raises(ValueError, match=message):
        make_two(checkpoint, shared=shared)


@pytest.mark.stock
def test_the_stock_transformer_can_not_share(checkpoint):
    with pytest.raises(ValueError, match="E601.*not the stock 'transformer'"):
        make_on_transformer(checkpoint, factory="transformer")


def test_widths_that_differ(checkpoint, tmp_path, tiny_config, tiny_tokenizer):
    wide = {**tiny_config, "hidden_size": 48, "intermediate_size": 96}
    other = save_checkpoint(tmp_path / "wide", CLASS, wide, tiny_tokenizer, labels=LABELS)
    with pytest.raises(ValueError, match="E604.*32 wide.*48"):
        make_two(checkpoint, second=other)


def test_an_owner_whose_gradients_are_scaled(checkpoint):
    with pytest.raises(ValueError, match="E604.*'transformer'.*fp16"):
        make_on_transformer(checkpoint, precision="fp16")


def test_a_head_that_was_trained_on_another_encoder_is_noticed(
    checkpoint, tmp_path, tiny_config, tiny_tokenizer
):
    other = tmp_path / "other"
    save_checkpoint(other, CLASS, tiny_config, tiny_tokenizer, labels=LABELS, seed=1)
    with pytest.warns(UserWarning, match="W620.*'first'"):
        make_two(checkpoint, second=other)


@pytest.mark.parametrize(
    "settings", [{"from_scratch": {"vocabulary": "spm.model"}}, {"precision": "fp16"}]
)
def test_settings_that_a_shared_encoder_excludes(settings):
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match=f"E4.*{next(iter(settings))}"):
        nlp.add_pipe(FACTORY, config={"model": {"shared_encoder": "first", **settings}})
