"""Training with configs/question_answering.cfg from random weights, on easy data."""

import io
import json
import random

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import registry

from spacy_deberta.tokenization import train_vocabulary
from tests.docs.pages import ROOT
from tests.pipeline.sentences import PEOPLE, PLACES, THINGS, VERBS

GOAL = 0.9
SIZE = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 96,
}


def make_paragraphs(count):
    """Sentences in which each question has one kind of answer."""
    rng = random.Random(0)
    things = [thing for group in THINGS.values() for thing in group]
    for number in range(count):
        person, verb, thing, place = map(rng.choice, (PEOPLE, VERBS, things, PLACES))
        context = f"{person} {verb} the {thing} in {place}."
        asked = {"Who did it?": person, "Which thing?": thing, "Where was that?": place}
        yield {
            "context": context,
            "qas": [
                {
                    "id": f"{number}-{question}",
                    "question": question,
                    "answers": [{"text": answer, "answer_start": context.index(answer)}],
                }
                for question, answer in asked.items()
            ],
        }


@pytest.mark.slow
def test_the_config_learns(tmp_path):
    paragraphs = list(make_paragraphs(60))
    data = {"data": [{"paragraphs": paragraphs}]}
    (tmp_path / "train.json").write_text(json.dumps(data), encoding="utf-8")
    texts = [
        text for p in paragraphs for text in (p["context"], *(q["question"] for q in p["qas"]))
    ]
    train_vocabulary(texts, tmp_path / "spm.model", vocab_size=310)
    steps = 240
    overrides = {
        "paths.train": str(tmp_path / "train.json"),
        "paths.dev": str(tmp_path / "train.json"),
        "paths.encoder": None,
        "components.answers.model.from_scratch": {
            "vocabulary": str(tmp_path / "spm.model"),
            **SIZE,
        },
        "training.max_steps": steps,
        "training.eval_frequency": steps,
        "training.accumulate_gradient": 1,
        "training.batcher.size": 8,
        "training.optimizer.learn_rate.initial_rate": 0.005,
        "training.optimizer.learn_rate.warmup_steps": 5,
        "training.optimizer.learn_rate.total_steps": steps,
    }
    config = ROOT / "configs" / "question_answering.cfg"
    nlp = init_nlp(spacy.util.load_config(config, overrides, interpolate=False))
    train(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
    read = registry.readers.get("spacy-deberta.SquadCorpus.v1")(tmp_path / "train.json")
    scores = nlp.evaluate(list(read(nlp)))
    assert scores["qa_f1"] > GOAL
    assert scores["qa_exact"] > GOAL
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    for example in read(nlp):
        given, expected = again(example.predicted)._.answers, nlp(example.predicted)._.answers
        assert [a[0]["text"] for a in given.values()] == [a[0]["text"] for a in expected.values()]
