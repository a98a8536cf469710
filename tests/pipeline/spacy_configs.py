"""Configs of `spacy init config --gpu`, migrated by our command, or with a replaced block."""

import spacy
from spacy.cli.init_config import init_config
from spacy.kb import InMemoryLookupKB
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus
from spacy.training.initialize import init_nlp
from thinc.api import Config

from spacy_deberta.cli.migration import migrate
from tests.pipeline.pipelines import encoder_config

# Every trainable component that the generator can write.
PIPES = (
    "tagger",
    "morphologizer",
    "trainable_lemmatizer",
    "parser",
    "senter",
    "ner",
    "spancat",
    "spancat_singlelabel",
    "span_finder",
    "textcat",
    "textcat_multilabel",
    "entity_linker",
)
# Of the tiny checkpoint. spaCy's entity linker needs entity vectors of the width of its tokens.
WIDTH = 32
OPTIMIZE = ("efficiency", "accuracy")
# Words with tags, lemmas and heads, then the type and the identity of the entity.
_SENTENCES = (
    (
        ("Mira", "PROPN", "Mira", 1, "nsubj"),
        ("left", "VERB", "leave", 1, "ROOT"),
        ("Porto", "PROPN", "Porto", 1, "obj"),
        (".", "PUNCT", ".", 1, "punct"),
        (2, "GPE", "Q36433"),
    ),
    (
        ("Nobody", "PRON", "nobody", 1, "nsubj"),
        ("joined", "VERB", "join", 1, "ROOT"),
        ("Mira", "PROPN", "Mira", 1, "obj"),
        (".", "PUNCT", ".", 1, "punct"),
        (2, "PERSON", "Q1"),
    ),
)


def annotated_docs(vocab, count=8):
    """Documents of one or two sentences, with annotations for each of `PIPES`."""
    docs = []
    for i in range(count):
        sentences = [_SENTENCES[i % 2], *([_SENTENCES[0]] if i % 3 == 0 else [])]
        rows = [row for sentence in sentences for row in sentence[:-1]]
        starts = [4 * place for place in range(len(sentences))]
        doc = Doc(
            vocab,
            words=[row[0] for row in rows],
            tags=[row[1] for row in rows],
            pos=[row[1] for row in rows],
            morphs=["Number=Sing" if row[1] == "PROPN" else "" for row in rows],
            lemmas=[row[2] for row in rows],
            heads=[starts[place // 4] + row[3] for place, row in enumerate(rows)],
            deps=[row[4] for row in rows],
        )
        entities = []
        for start, (place, label, identity) in zip(
            starts, (sentence[-1] for sentence in sentences), strict=True
        ):
            token = start + place
            entities.append(Span(doc, token, token + 1, label=label, kb_id=identity))
        doc.ents = entities
        doc.spans["sc"] = [Span(doc, ent.start, ent.end, label=ent.label) for ent in entities]
        doc.cats = {"LEFT": float(i % 2 == 0), "JOINED": float(i % 2 == 1)}
        docs.append(doc)
    return docs


def _write_knowledge_base(vocab, path):
    kb = InMemoryLookupKB(vocab, entity_vector_length=WIDTH)
    for place, identity in enumerate(("Q36433", "Q1", "Q2")):
        kb.add_entity(
            identity, freq=1 + place, entity_vector=[float(place == i) for i in range(WIDTH)]
        )
    kb.add_alias("Porto", ["Q36433", "Q2"], [0.4, 0.5])
    kb.add_alias("Mira", ["Q1", "Q2"], [0.4, 0.5])
    kb.to_disk(path)


def generated_config(
    checkpoint, folder, pipes, *, optimize="accuracy", factory="deberta", models=None
):
    """The config of a pipeline, with the encoder's block replaced as by a user.

    Args:
        checkpoint: The checkpoint of the encoder.
        folder: Folder for the data.
        pipes: Some of `PIPES`.
        optimize: Value of `-o`.
        factory: That of the encoder.
        models: Other settings of the models, by the names of the components.
    """
    vocab = spacy.blank("en").vocab
    DocBin(docs=annotated_docs(vocab), store_user_data=True).to_disk(folder / "train.spacy")
    config = init_config(lang="en", pipeline=list(pipes), optimize=optimize, gpu=True, silent=True)
    config["paths"].update({name: str(folder / "train.spacy") for name in ("train", "dev")})
    if factory == "deberta":
        config = migrate(config, encoder=str(checkpoint)).config
    else:
        config["components"]["transformer"] = {"factory": factory, **encoder_config(checkpoint)}
    for name, settings in (models or {}).items():
        config["components"][name]["model"].update(settings)
    for name in ("parser", "trainable_lemmatizer"):
        # The data is small: without this, no label is frequent enough.
        if name in pipes:
            key = "min_action_freq" if name == "parser" else "min_tree_freq"
            config["components"][name][key] = 1
    if "entity_linker" in pipes:
        _write_knowledge_base(vocab, folder / "kb")
        config["components"]["entity_linker"]["entity_vector_length"] = WIDTH
        config["initialize"]["components"]["entity_linker"] = {
            "kb_loader": {"@misc": "spacy.KBFromFile.v1", "kb_path": str(folder / "kb")}
        }
    return Config(config)


def generated_pipeline(checkpoint, folder, pipes, **settings):
    """The pipeline of `generated_config`, initialized as `spacy train` does, and its examples."""
    spacy.util.fix_random_seed(0)
    nlp = init_nlp(generated_config(checkpoint, folder, pipes, **settings))
    examples = list(Corpus(folder / "train.spacy")(nlp))
    return nlp, examples
