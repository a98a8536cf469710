"""Fine-tuning: the head of a component, its training, and its errors."""

from collections import Counter

import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example

from spacy_deberta.layers import head_model
from tests.conftest import SENTENCES
from tests.pipeline.checkpoints import make_pipeline, save_checkpoint
from tests.pipeline.sentences import TOPICS, make_docs

pytestmark = pytest.mark.slow

FACTORY = "deberta_sequence_classifier"
CLASS = "DebertaV2ForSequenceClassification"
LABELS = ("GOOD", "BAD", "NEITHER")
SIZE = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 96,
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("heads") / "sequences"
    return save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=LABELS)


@pytest.fixture(scope="module")
def token_checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("heads") / "tokens"
    name = "DebertaV2ForTokenClassification"
    return save_checkpoint(folder, name, tiny_config, tiny_tokenizer, labels=("O", "B-X"))


def make_examples(*cats, text="A text."):
    nlp = spacy.blank("en")
    return [Example.from_dict(nlp.make_doc(text), {"cats": values}) for values in cats]


def one_of(labels):
    return make_examples(*({label: float(label == gold) for label in labels} for gold in labels))


def module_of(pipe):
    return head_model.head_shim(pipe.model).module


def parameters(pipe, *, head):
    named = module_of(pipe).named_parameters()
    return {n: p.detach().clone() for n, p in named if n.startswith("deberta.") is not head}


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def topic_examples(nlp, *, problem_type):
    docs = make_docs(nlp.vocab, 60, several_topics=problem_type == "multi_label_classification")
    if problem_type == "regression":
        for doc in docs:
            (topic,) = (label for label, value in doc.cats.items() if value)
            doc.cats = {"WARMTH": {"FOOD": 2.0, "SPORT": -1.0, "TRAVEL": 0.5}[topic]}
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


@pytest.mark.parametrize(
    "problem_type", ["single_label_classification", "multi_label_classification", "regression"]
)
def test_training_from_random_weights_beats_guessing(problem_type, tiny_vocabulary):
    spacy.util.fix_random_seed(0)
    examples = topic_examples(spacy.blank("en"), problem_type=problem_type)
    nlp, pipe = make_pipeline(
        FACTORY,
        examples=examples,
        model={"from_scratch": {"vocabulary": str(tiny_vocabulary), **SIZE}},
        problem_type=problem_type,
    )
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.005
    losses = []
    for step in range(200):
        batch = [examples[(20 * step + index) % 60] for index in range(20)]
        losses.append(nlp.update(batch, sgd=optimizer, drop=0.1, losses={})["classifier"])
    scores = nlp.evaluate(examples)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    gold = [example.y.cats for example in examples]
    if problem_type == "regression":
        variance = np.mean([np.var([cats[label] for cats in gold]) for label in pipe.labels])
        assert scores["cats_mse"] < 0.3 * variance
        assert scores["cats_score"] > 0.8
    else:
        majority = Counter(label for cats in gold for label in cats if cats[label]).most_common(1)
        assert majority[0][1] < 0.7 * len(examples)
        assert scores["cats_micro_f"] > 0.9


def test_a_checkpoint_without_head_gets_one_with_the_labels_of_the_data(tiny_checkpoint):
    model = {"name": str(tiny_checkpoint)}
    nlp, pipe = make_pipeline(FACTORY, examples=one_of(TOPICS), model=model)
    assert pipe.labels == TOPICS
    encoder = torch.nn.Module.state_dict(module_of(pipe).deberta)
    from transformers import AutoModel

    assert_same(encoder, dict(AutoModel.from_pretrained(tiny_checkpoint).state_dict()))
    before = parameters(pipe, head=False), parameters(pipe, head=True)
    nlp.update(one_of(TOPICS), sgd=nlp.resume_training(), losses={})
    for old, new in zip(
        before, (parameters(pipe, head=False), parameters(pipe, head=True)), strict=True
    ):
        assert any(not torch.equal(old[name], new[name]) for name in old)


def test_labels_of_the_settings_come_before_those_of_the_data(tiny_checkpoint):
    _, pipe = make_pipeline(
        FACTORY,
        examples=one_of(TOPICS),
        model={"name": str(tiny_checkpoint)},
        initialize={"labels": ["Z", "A"]},
    )
    assert pipe.labels == ("Z", "A")
    assert pipe.add_label("A") == 0
    with pytest.raises(ValueError, match="E606.*initialize.components.classifier"):
        pipe.add_label("B")


def test_without_head_and_data_the_error_says_what_there_is(tiny_checkpoint, token_checkpoint):
    with pytest.raises(ValueError, match="E602.*sequence classification.*it has: no head"):
        make_pipeline(FACTORY, model={"name": str(tiny_checkpoint)})
    with pytest.raises(ValueError, match="E602.*classifier.*DebertaV2ForTokenClassification"):
        make_pipeline(FACTORY, model={"name": str(token_checkpoint)})
    with pytest.raises(ValueError, match="E401"):
        make_pipeline(FACTORY)


def test_a_head_of_another_task_is_not_taken_for_one_of_this(token_checkpoint):
    _, pipe = make_pipeline(FACTORY, examples=one_of(TOPICS), model={"name": str(token_checkpoint)})
    assert pipe.labels == TOPICS


def test_a_head_of_the_checkpoint_is_used_as_it_is_and_trained_further(checkpoint):
    examples = one_of(("GOOD", "BAD"))
    nlp, pipe = make_pipeline(FACTORY, examples=examples, model={"name": str(checkpoint)})
    _, plain = make_pipeline(FACTORY, model={"name": str(checkpoint)})
    assert pipe.labels == LABELS
    for head in (True, False):
        assert_same(parameters(pipe, head=head), parameters(plain, head=head))
    nlp.update(examples, sgd=nlp.resume_training(), losses={})
    assert not torch.equal(module_of(pipe).classifier.weight, module_of(plain).classifier.weight)


def test_labels_that_do_not_fit_are_named(checkpoint):
    with pytest.raises(ValueError, match="E603.*SPORT, TRAVEL.*GOOD, BAD, NEITHER.*new_head"):
        make_pipeline(
            FACTORY,
            examples=one_of(("GOOD", "SPORT", "TRAVEL")),
            model={"name": str(checkpoint)},
        )


def test_a_new_head_takes_the_place_of_the_one_there_is(tmp_path, tiny_config, tiny_tokenizer):
    values = {**tiny_config, "problem_type": "regression"}
    folder = save_checkpoint(tmp_path / "c", CLASS, values, tiny_tokenizer, labels=LABELS)
    _, old = make_pipeline(FACTORY, model={"name": str(folder)})
    _, new = make_pipeline(
        FACTORY,
        examples=one_of(TOPICS),
        model={"name": str(folder)},
        initialize={"new_head": True},
    )
    assert new.labels == TOPICS
    assert_same(parameters(new, head=False), parameters(old, head=False))
    weights = (module_of(pipe).pooler.dense.weight for pipe in (new, old))
    assert not torch.equal(*weights)
    # The old head was for regression, the new one has its own labels.
    assert new.problem_type == "single_label_classification"


@pytest.mark.parametrize(
    ("cats", "count"), [({"GOOD": 1.0, "BAD": 1.0}, 2), ({"GOOD": 0.0, "BAD": 0.4}, 0)]
)
def test_several_labels_where_one_is_expected(cats, count, checkpoint):
    _, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)})
    with pytest.raises(ValueError, match=f"E610.*'classifier'.*one has {count}"):
        pipe.update(make_examples(cats))


def test_the_loss_is_that_of_huggingface(checkpoint, tiny_tokenizer):
    transformers = pytest.importorskip("transformers")
    golds = {
        "single_label_classification": [{"GOOD": 1.0}, {"NEITHER": 1.0, "BAD": 0.0}],
        "multi_label_classification": [{"GOOD": 1.0}, {"BAD": 1.0, "GOOD": 1.0}],
        "regression": [{"GOOD": 0.5, "BAD": 2.0, "NEITHER": 0.0}] * 2,
    }
    texts = SENTENCES[:2]
    inputs = [tiny_tokenizer(text)["input_ids"] for text in texts]
    for problem_type, cats in golds.items():
        nlp, pipe = make_pipeline(
            FACTORY, model={"name": str(checkpoint)}, problem_type=problem_type
        )
        examples = [
            Example.from_dict(nlp.make_doc(text), {"cats": values})
            for text, values in zip(texts, cats, strict=True)
        ]
        model = getattr(transformers, CLASS).from_pretrained(checkpoint, problem_type=problem_type)
        target = torch.tensor([[values.get(label, 0.0) for label in LABELS] for values in cats])
        if problem_type == "single_label_classification":
            target = target.argmax(1)
        losses = [
            model.eval()(input_ids=torch.tensor([ids]), labels=target[[row]]).loss
            for row, ids in enumerate(inputs)
        ]
        expected = float(sum(losses)) / 2
        assert pipe.update(examples)["classifier"] == pytest.approx(expected, abs=1e-5)


def test_missing_regression_targets_have_no_loss(checkpoint):
    def gradient(cats):
        _, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)}, problem_type="regression")
        pipe.update(make_examples(cats))
        return module_of(pipe).classifier.bias.grad

    assert gradient({"GOOD": 9.0})[1:].tolist() == [0.0, 0.0]
    assert gradient({"GOOD": 9.0, "BAD": 9.0})[:2].all()


def test_documents_without_labels_of_the_component_have_no_loss(checkpoint):
    _, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)})
    assert pipe.update(make_examples({}, {"OTHER": 1.0})) == {"classifier": 0.0}
    assert pipe.update([]) == {"classifier": 0.0}
    assert all(p.grad is None for p in module_of(pipe).parameters())


def test_frozen_parts_stay(checkpoint):
    model = {"name": str(checkpoint), "freeze_embeddings": True, "freeze_layers": 2}
    nlp, pipe = make_pipeline(FACTORY, model=model)
    before = parameters(pipe, head=False)
    nlp.update(one_of(("GOOD", "BAD")), sgd=nlp.resume_training(), losses={})
    assert_same(parameters(pipe, head=False), before)
