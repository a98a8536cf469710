"""The component: annotation, settings, long texts, saving, and input that it refuses."""

import json
import re
from itertools import pairwise

import pytest
import spacy
from safetensors.torch import load_file, save_file
from spacy.tokens import Doc
from spacy.training import Example

from spacy_deberta.layers import score_labelled_texts
from spacy_deberta.pipeline.gliner import finding

from .gliners import copy_folder, edit_config, make_bare, make_pipeline

LABELS = ["person", "organization", "location", "date"]
TEXT = "Mira Okafor left Halden Freight in Rotterdam on 3 March 2021."


@pytest.fixture(scope="module")
def loaded(folder):
    return make_pipeline(folder, labels=LABELS)


@pytest.fixture
def nlp(loaded):
    pipe = loaded.get_pipe("deberta_gliner")
    before = dict(pipe.cfg)
    yield loaded
    pipe.cfg.clear()
    pipe.cfg.update(before)


def answer_of(expected, threshold, *, flat=True, multi=False):
    (answer,) = (
        answer
        for answer in expected["cases"][0]["predictions"]
        if (answer["threshold"], answer["flat_ner"], answer["multi_label"])
        == (threshold, flat, multi)
    )
    return answer["entities"]


def as_listed(spans):
    return [[span.start_char, span.end_char, span.label_] for span in spans]


def test_entities_and_their_scores(nlp, expected):
    doc = nlp(TEXT)
    wanted = answer_of(expected, 0.5)
    assert as_listed(doc.ents) == [entity[:3] for entity in wanted]
    scores = [entity[3] for entity in wanted]
    assert [span._.score for span in doc.ents] == pytest.approx(scores, abs=1e-4)
    assert [as_listed(d.ents) for d in nlp.pipe([TEXT, "", TEXT], batch_size=2)] == [
        as_listed(doc.ents),
        [],
        as_listed(doc.ents),
    ]


def test_spans_may_be_nested_and_have_several_labels(folder, expected):
    settings = {"annotate": "spans", "spans_key": "names", "nested": True, "multi_label": True}
    nlp = make_pipeline(folder, labels=LABELS, threshold=0.3, **settings)
    doc = nlp(TEXT)
    wanted = answer_of(expected, 0.3, flat=False, multi=True)
    assert as_listed(doc.spans["names"]) == [entity[:3] for entity in wanted]
    scores = [entity[3] for entity in wanted]
    assert doc.spans["names"].attrs["scores"].tolist() == pytest.approx(scores, abs=1e-4)
    assert doc.ents == ()


def test_labels_of_one_call(nlp, expected):
    case = expected["descriptions"]
    doc = nlp.make_doc(case["text"])
    found = doc._.find_entities(case["labels"])
    assert as_listed(s.span for s in found) == [entity[:3] for entity in case["entities"]]
    assert doc.ents == ()
    nested = doc._.find_entities(LABELS, threshold=0.3, nested=True, multi_label=True)
    wanted = answer_of(expected, 0.3, flat=False, multi=True)
    assert as_listed(s.span for s in nested) == [entity[:3] for entity in wanted]
    assert doc._.find_entities([]) == []
    pipe = nlp.get_pipe("deberta_gliner")
    assert list(pipe.labels) == LABELS


def test_labels_change_at_any_time_and_have_thresholds(nlp, expected):
    pipe = nlp.get_pipe("deberta_gliner")
    pipe.labels = list(reversed(LABELS))
    (case,) = (c for c in expected["cases"][1:2])
    assert case["labels"] == list(pipe.labels)
    wanted = next(a["entities"] for a in case["predictions"] if a["threshold"] == 0.5)
    assert as_listed(nlp(TEXT).ents) == [entity[:3] for entity in wanted]
    pipe.labels = LABELS
    pipe.cfg["threshold"] = 1.0
    assert nlp(TEXT).ents == ()
    pipe.cfg["thresholds"] = dict.fromkeys(LABELS, 0.5)
    assert as_listed(nlp(TEXT).ents) == [entity[:3] for entity in answer_of(expected, 0.5)]
    pipe.cfg["thresholds"] = {"date": 0.5}
    assert {span.label_ for span in nlp(TEXT).ents} == {"date"}


def test_what_does_not_end_with_a_token_follows_the_alignment_mode(nlp, expected):
    # The first entity ends within the second token.
    start, end = answer_of(expected, 0.5)[0][:2]
    bounds = [0, start + 1, end + 1, len(TEXT)]
    words = [TEXT[a:b] for a, b in pairwise(bounds)]
    pipe = nlp.get_pipe("deberta_gliner")
    docs = {}
    for mode in ("expand", "contract", "strict"):
        doc = Doc(nlp.vocab, words=words, spaces=[False] * len(words))
        assert doc.text == TEXT
        pipe.cfg["alignment_mode"] = mode
        if mode == "expand":
            with pytest.warns(UserWarning, match="W361.*share a token"):
                pipe(doc)
        else:
            with pytest.warns(UserWarning, match=rf'W360.*"{mode}"'):
                pipe(doc)
        docs[mode] = [span.text for span in doc.ents]
    assert docs["expand"] == [TEXT] or "".join(docs["expand"]) in TEXT
    assert docs["strict"] == []


def test_long_texts_are_not_truncated(nlp, monkeypatch):
    """Entities beyond `max_len` words, where gliner truncates."""
    monkeypatch.setattr(finding, "MAX_ROWS", 100)
    pipe = nlp.get_pipe("deberta_gliner")
    pipe.cfg["max_words"], pipe.cfg["overlap"] = 40, 12
    batches = []

    def score(model, texts):
        batches.append(texts)
        return score_labelled_texts(model, texts)

    monkeypatch.setattr(finding, "score_labelled_texts", score)
    text = " ".join([TEXT] * 40)
    doc = nlp(text)
    assert max(sum(x.words) + sum(x.labels) for x in batches) <= 100
    assert max(n for x in batches for n in x.words) <= 40
    assert doc.ents[-1].end_char > len(text) - 2 * len(TEXT)
    assert doc.ents[0].start_char < len(TEXT)
    gaps = [b.start_char - a.end_char for a, b in pairwise(doc.ents)]
    assert max(gaps) < 2 * len(TEXT)


def test_labels_of_several_prompts_have_the_scores_of_single_calls(nlp):
    pipe = nlp.get_pipe("deberta_gliner")
    pipe.cfg["labels_per_prompt"] = 2
    together = _scores(nlp.make_doc(TEXT)._.find_entities(nested=True, multi_label=True))
    pipe.cfg["labels_per_prompt"] = None
    apart = {}
    for labels in (LABELS[:2], LABELS[2:]):
        doc = nlp.make_doc(TEXT)
        apart |= _scores(doc._.find_entities(labels, nested=True, multi_label=True))
    # Of different prompts, spans can exclude each other.
    shared = together.keys() & apart.keys()
    assert {label for *_, label in shared} == {label for *_, label in apart}
    assert [together[key] for key in shared] == pytest.approx(
        [apart[key] for key in shared], abs=1e-5
    )
    assert max(apart, key=apart.get) in together


def _scores(found):
    return {tuple(as_listed([s.span])[0]): s.score for s in found}


def test_saved_pipelines_give_the_same(nlp, folder, tmp_path):
    before = nlp(TEXT)
    nlp.to_disk(tmp_path / "saved")
    from_disk = spacy.load(tmp_path / "saved")
    from_bytes = spacy.blank("en")
    from_bytes.add_pipe("deberta_gliner", config={"labels": LABELS})
    from_bytes.from_bytes(nlp.to_bytes())
    model = tmp_path / "saved" / "deberta_gliner" / "model"
    again = make_pipeline(model, labels=LABELS)
    for other in (from_disk, from_bytes, again):
        doc = other(TEXT)
        assert as_listed(doc.ents) == as_listed(before.ents)
        assert [span._.score for span in doc.ents] == [span._.score for span in before.ents]
    # The files are those of the folder that it was loaded from.
    written, read = load_file(model / "model.safetensors"), load_file(folder / "model.safetensors")
    assert written.keys() == read.keys()
    assert all(written[key].equal(read[key].float()) for key in read)
    old = json.loads((folder / "gliner_config.json").read_text())
    new = json.loads((model / "gliner_config.json").read_text())
    assert {k: v for k, v in new.items() if k in old} | {"encoder_config": 0} == {
        **old,
        "encoder_config": 0,
    }
    assert old["encoder_config"].items() <= new["encoder_config"].items()


def test_control_tokens_are_text(nlp):
    doc = nlp("It says <<SEP>> and [SEP] and <<ENT>> here.")
    assert doc.ents is not None
    found = doc._.find_entities(["<<ENT>> person <<SEP>>", "[CLS]"], threshold=0.0)
    assert {s.span.label_ for s in found} <= {"<<ENT>> person <<SEP>>", "[CLS]"}


def test_five_hundred_labels(nlp):
    labels = [f"kind {i}" for i in range(500)]
    found = nlp.make_doc(TEXT)._.find_entities(labels, threshold=0.0)
    assert found
    assert {s.span.label_ for s in found} <= set(labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": ["a", "a"]}, "E625"),
        ({"labels": ["a", " "]}, "E627.*' '"),
        ({"labels": ["a"], "descriptions": {"a": ""}}, "E366"),
        ({"labels": ["a"], "descriptions": {"b": "text"}}, "E368.*descriptions.*'b'"),
        ({"labels": ["a"], "thresholds": {"b": 0.5}}, "E368.*thresholds.*'b'"),
        ({"labels": ["a"], "thresholds": {"a": 1.5}}, r"E413.*thresholds\.a"),
        ({"threshold": -0.1}, "E413.*threshold"),
        ({"nested": True}, "E413.*nested.*doc.ents"),
        ({"annotate": "tag"}, "E413.*annotate"),
        ({"max_words": 0}, "E413.*max_words"),
        ({"labels_per_prompt": 0}, "E413.*labels_per_prompt"),
        ({"model": {"shared_encoder": "deberta"}}, "E413.*shared_encoder"),
        ({"model": {"head": "token_classification"}}, "E605"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        spacy.blank("en").add_pipe("deberta_gliner", config=settings)


def test_labels_that_are_refused_later(nlp):
    pipe = nlp.get_pipe("deberta_gliner")
    for labels, message in (("person", "E624"), (["a", "a"], "E625"), ([""], "E627")):
        with pytest.raises(ValueError, match=message):
            pipe.labels = labels
        with pytest.raises(ValueError, match=message):
            nlp.make_doc(TEXT)._.find_entities(labels)
    pipe.cfg["max_words"] = 23
    with pytest.raises(ValueError, match="E367.*23 words.*12 words.*24"):
        nlp(TEXT)


def test_labels_of_the_data_are_used_if_there_are_none(folder):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_gliner", config={"model": {"name": str(folder)}})
    gold = {"entities": [(0, 11, "person"), (35, 44, "city")]}
    example = Example.from_dict(nlp.make_doc(TEXT), gold)
    with pytest.raises(ValueError, match="E403"):
        nlp(TEXT)
    nlp.initialize(lambda: [example])
    assert pipe.labels == ("person", "city")


KINDS = {
    "labels_encoder": ("microsoft/deberta-v3-small", "E362.*bi-encoder"),
    "labels_decoder": ("gpt2", "E362.*generative"),
    "relations_layer": ("biaffine", "E362.*relations"),
    "fuse_layers": (True, "E362.*mixes all layers"),
    "span_mode": ("conv_max", "E362.*'span_mode' is 'conv_max'"),
    "words_splitter_type": ("jieba", "E362.*'jieba'"),
    "subtoken_pooling": ("median", "E362.*'median'"),
    "max_width": ("12", "E361.*'max_width'"),
    "hidden_size": (48, "E307"),
    "class_token_index": (20000, "E370.*20000.*10002"),
}


@pytest.mark.parametrize("field", KINDS)
def test_folders_that_are_refused(field, folder, tmp_path):
    value, message = KINDS[field]
    with pytest.raises((ValueError, OSError), match=message):
        make_pipeline(copy_folder(folder, tmp_path / "other", **{field: value}), labels=LABELS)


def test_damaged_folders(folder, tmp_path, tiny_checkpoint):
    with pytest.raises(FileNotFoundError, match="E360.*gliner_config.json"):
        make_pipeline(tiny_checkpoint, labels=LABELS)
    other = copy_folder(folder, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    lacking = {k: v for k, v in weights.items() if not k.startswith("prompt_rep_layer")}
    save_file(lacking, other / "model.safetensors")
    with pytest.raises(ValueError, match="E364.*prompt_rep_layer"):
        make_pipeline(other, labels=LABELS)
    name = "prompt_rep_layer.3.weight"
    save_file({k: v for k, v in weights.items() if k != name}, other / "model.safetensors")
    with pytest.raises(ValueError, match=re.escape(name)):
        make_pipeline(other, labels=LABELS)
    whole = (folder / "model.safetensors").read_bytes()
    (other / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(OSError, match="E305"):
        make_pipeline(other, labels=LABELS)
    (other / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="E304"):
        make_pipeline(other, labels=LABELS)
    edit_config(other, span_mode="token_level")
    (other / "model.safetensors").write_bytes(whole)
    with pytest.raises(ValueError, match="E364.*scorer"):
        make_pipeline(other, labels=LABELS)
    (other / "gliner_config.json").write_text("{")
    with pytest.raises(ValueError, match="E308"):
        make_pipeline(other, labels=LABELS)


def test_encoder_loading_points_to_this_component(folder, tmp_path):
    bare = make_bare(folder, tmp_path / "bare", tmp_path / "encoder")
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config={"model": {"name": str(bare)}})
    with pytest.raises(FileNotFoundError, match="E338.*deberta_gliner"):
        nlp.initialize()
