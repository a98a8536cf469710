"""What a character without a piece becomes: a setting of every architecture, kept when saved."""

import json

import pytest
import spacy

from spacy_deberta import DebertaV2Tokenizer, DebertaV2TokenizerFast

TEXT = "Lyon 🦣🦤 Lyon"


def add_encoder(nlp, factory, settings):
    if factory == "tok2vec":
        settings = {
            "@architectures": "spacy-deberta.DebertaV2Tok2Vec.v1",
            "get_spans": {"@span_getters": "spacy-deberta.piece_windows.v1"},
            "pooling": {"@layers": "reduce_mean.v1"},
            **settings,
        }
    nlp.add_pipe(factory, name="encoder", config={"model": settings})
    if factory == "deberta_sequence_classifier":
        nlp.config["initialize"]["components"]["encoder"] = {"labels": ["GOOD", "BAD"]}
    return nlp


def tokenizer_of(nlp):
    layers = nlp.get_pipe("encoder").model.walk()
    return next(layer.shims[0].tokenizer for layer in layers if layer.name == "doc_tokenizer")


@pytest.mark.parametrize("factory", ["deberta", "tok2vec", "deberta_sequence_classifier"])
@pytest.mark.parametrize(("setting", "unknown"), [("bytes", 0), ("unk", 1), (None, 0)])
def test_a_pipeline_keeps_it(tiny_config, tiny_vocabulary, factory, setting, unknown, tmp_path):
    scratch = {**tiny_config, "vocabulary": str(tiny_vocabulary)}
    scratch.pop("vocab_size", None)
    settings = {"name": None, "from_scratch": scratch, "unknown_characters": setting}
    nlp = add_encoder(spacy.blank("en"), factory, settings)
    nlp.initialize()
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    copied = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for pipeline in (nlp, loaded, copied):
        tokenizer = tokenizer_of(pipeline)
        assert tokenizer.unknown_characters == (setting or "bytes")
        ids = tokenizer.encode_batch([TEXT]).ids.tolist()
        assert ids.count(tokenizer.unk_token_id) == unknown
    other = "bytes" if setting == "unk" else "unk"
    changed = spacy.load(tmp_path, config={"components.encoder.model.unknown_characters": other})
    assert tokenizer_of(changed).unknown_characters == other


def test_other_values(tiny_config, tiny_vocabulary):
    for value in ("drop", "", "UNK"):
        with pytest.raises(ValueError, match=r"E207.*unknown_characters.*'bytes', 'unk'"):
            add_encoder(spacy.blank("en"), "deberta", {"unknown_characters": value})


@pytest.mark.slow
@pytest.mark.parametrize("cls", [DebertaV2Tokenizer, DebertaV2TokenizerFast])
@pytest.mark.parametrize("setting", ["bytes", "unk", None])
def test_ids_are_those_of_the_tokenizer_of_each_choice(
    cls, setting, v3_vocabulary, shared_data, tmp_path
):
    """As SentencePiece spells them, and as the fast tokenizer of transformers 4 has them."""
    DebertaV2Tokenizer(v3_vocabulary).save_pretrained(tmp_path / "a")
    tokenizer = cls.from_pretrained(tmp_path / "a", unknown_characters=setting)
    tokenizer.save_pretrained(tmp_path / "b")
    edges = json.loads((shared_data / "gliner" / "edges.json").read_text(encoding="utf8"))["v3"]
    # The fast tokenizer makes a piece of nothing but a space of no width.
    del edges["\u200b"]
    kind = "transformers4" if setting == "unk" else "sentencepiece"
    for read in (tokenizer, cls.from_pretrained(tmp_path / "b")):
        for text, expected in edges.items():
            assert read.encode_batch([text]).ids.tolist() == expected[kind], text
