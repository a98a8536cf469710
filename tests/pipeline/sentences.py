"""Annotated documents that are easy to learn: each word determines its annotation."""

import random

from spacy.tokens import Doc, Span

PEOPLE = ("Mira", "Sanjay", "Lena", "Youssef", "Dmitri", "Anna")
PLACES = ("Lyon", "Porto", "Cusco", "Halden", "Siena", "Bologna")
VERBS = ("found", "wanted", "praised", "missed", "described")
THINGS = {
    "FOOD": ("soup", "bread", "cheese", "dinner"),
    "SPORT": ("match", "goal", "team", "race"),
    "TRAVEL": ("train", "hotel", "ticket", "flight"),
}
TOPICS = tuple(THINGS)
# Tag, coarse tag, morphology, label of the arc, head: of each word of a sentence.
GRAMMAR = (
    ("NNP", "PROPN", "Number=Sing", "nsubj", 1),
    ("VBD", "VERB", "Tense=Past", "ROOT", 1),
    ("DT", "DET", "Definite=Def", "det", 3),
    ("NN", "NOUN", "Number=Sing", "obj", 1),
    ("IN", "ADP", "", "prep", 1),
    ("NNP", "PROPN", "Number=Sing", "pobj", 4),
    (".", "PUNCT", "PunctType=Peri", "punct", 1),
)


def make_docs(vocab, count, *, several_topics=False, seed=0):
    """Documents of one to three sentences, annotated for every component.

    Their topics are in `doc.cats`: one for each document, or one for each of its sentences.
    """
    rng = random.Random(seed)
    return [_make_doc(vocab, rng, several_topics=several_topics) for _ in range(count)]


def _make_doc(vocab, rng, *, several_topics):
    words, topics, grammar = [], [rng.choice(TOPICS)], []
    for sentence in range(rng.randint(1, 3)):
        topics.append(rng.choice(TOPICS) if several_topics and sentence else topics[0])
        thing = rng.choice(THINGS[topics[-1]])
        person, verb, place = map(rng.choice, (PEOPLE, VERBS, PLACES))
        start = len(words)
        words += [person, verb, "the", thing, "in", place, "."]
        grammar += [(*rest, head + start) for *rest, head in GRAMMAR]
    tags, pos, morphs, deps, heads = zip(*grammar, strict=True)
    doc = Doc(
        vocab,
        words=words,
        tags=list(tags),
        pos=list(pos),
        morphs=list(morphs),
        deps=list(deps),
        heads=list(heads),
    )
    starts = range(0, len(doc), len(GRAMMAR))
    doc.ents = [
        Span(doc, start + offset, start + offset + 1, label)
        for start in starts
        for offset, label in ((0, "PERSON"), (5, "GPE"))
    ]
    doc.spans["sc"] = [
        Span(doc, start + first, start + last, label)
        for start in starts
        for first, last, label in ((2, 4, "THING"), (4, 6, "WHERE"), (5, 6, "PLACE"))
    ]
    doc.cats = {topic: float(topic in topics) for topic in TOPICS}
    return doc
