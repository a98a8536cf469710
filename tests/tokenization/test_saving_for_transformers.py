"""Folders that we save, read by transformers: in version 4 as in 5, ids are ours.

Runs in both environments, see `make test-transformers5`.
"""

import json
import warnings
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, DebertaV2TokenizerFast
from tests.tokenization.texts import PROBES, english

transformers = pytest.importorskip("transformers")
IS_VERSION_4 = transformers.__version__.startswith("4.")

ADDED = [
    "<a>",
    "remdesivir",
    AddedToken(content="[E1]", special=True),
    AddedToken(content="<b>", special=True, lstrip=True),
    AddedToken(content="<c>", single_word=True, rstrip=True, normalized=True),
]
VARIANTS = {
    "plain": {},
    "lower": {"do_lower_case": True},
    "punctuation": {"split_by_punct": True},
    "roles": {"cls_token": "[SEP]"},
    "limit": {"model_max_length": 512},
    "unknown": {"unknown_characters": "unk"},
    "added": {"added_tokens": ADDED},
    "added and lower": {"added_tokens": ADDED, "do_lower_case": True},
    # As after a token was taken away again.
    "gap": {
        "added_tokens": [AddedToken(content="[MASK]", id=503), AddedToken(content="<a>", id=507)]
    },
}


def composes(text):
    """Whether characters become one, which the two libraries do not do in the same places."""
    return normalize("NFKC", text) != "".join(normalize("NFKC", character) for character in text)


TEXTS = [
    *english(50),
    *(text for text in PROBES if text.isprintable() and "<0x" not in text and not composes(text)),
    "½ ﬁne 🦣🦤 漢字 Ａｂｃ…",
    "ba <a> do <b>be <c> bo [E1]remdesivir, [SEP] x[MASK]",
]

READERS = ["AutoTokenizer"]
if IS_VERSION_4:
    READERS += ["AutoTokenizer, slow", "DebertaV2Tokenizer", "DebertaV2TokenizerFast"]


def read(reader, folder):
    """The tokenizer of a folder, as people load it."""
    name, _, slow = reader.partition(", ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"use_fast": False} if slow else {}
        return getattr(transformers, name).from_pretrained(folder, **options)


def ids_of(theirs, texts):
    return [theirs(text)["input_ids"] for text in texts]


def our_ids(tokenizer, texts):
    return tokenizer(texts, special_tokens_in_text=True)["input_ids"]


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def saved(variant, small_vocabulary, tmp_path_factory):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, **VARIANTS[variant])
    folder = tmp_path_factory.mktemp("saved")
    tokenizer.save_pretrained(folder)
    return tokenizer, folder


@pytest.fixture(scope="module")
def texts(variant):
    """With `split_by_punct`, the libraries cut "…" before and after it becomes three characters."""
    if variant == "punctuation":
        return [text for text in TEXTS if normalize("NFKC", text) == text]
    return TEXTS


@pytest.mark.parametrize("reader", READERS)
def test_ids_are_ours_also_after_they_save_them(saved, variant, texts, reader, tmp_path):
    ours, folder = saved
    theirs = read(reader, folder)
    if (variant, reader) == ("unknown", "DebertaV2Tokenizer"):
        # It reads spm.model, and knows bytes only.
        ours = DebertaV2Tokenizer(model_proto=ours.model_proto)
        assert ids_of(theirs, texts) == our_ids(ours, texts)
        return
    assert len(theirs) >= len(ours)
    assert sorted(set(theirs.all_special_ids)) == list(ours.all_special_ids)
    expected = our_ids(ours, texts)
    assert ids_of(theirs, texts) == expected
    theirs.save_pretrained(tmp_path)
    again = DebertaV2Tokenizer.from_directory(tmp_path)
    assert our_ids(again, texts) == expected
    assert again.unknown_characters == ours.unknown_characters
    if (tmp_path / "tokenizer.json").exists():
        assert ids_of(read("AutoTokenizer", tmp_path), texts) == expected


def test_what_a_model_is_given_is_the_same(saved):
    ours, folder = saved
    theirs = read("AutoTokenizer", folder)
    assert dict(theirs("bada do", "ba")) == ours("bada do", "ba")
    limit = ours.model_max_length
    assert limit is None or theirs.model_max_length == limit


def test_ours_uses_the_spm_model(saved, texts, recwarn):
    ours, folder = saved
    again = DebertaV2Tokenizer.from_directory(folder)
    assert again.engine == "sentencepiece"
    assert our_ids(again, texts) == our_ids(ours, texts)
    assert not recwarn.list
    fast = DebertaV2TokenizerFast.from_directory(folder)
    assert fast.engine == "tokenizers"
    assert our_ids(fast, texts) == our_ids(ours, texts)


@pytest.fixture(scope="module")
def with_added(small_vocabulary, tmp_path_factory):
    # Between which characters a single word stands is another question in each version.
    added = [*ADDED[:-1], AddedToken(content="<c>", rstrip=True, normalized=True)]
    ours = DebertaV2Tokenizer(small_vocabulary, added_tokens=added)
    folder = tmp_path_factory.mktemp("saved")
    ours.save_pretrained(folder)
    return ours, [read(reader, folder) for reader in READERS]


CONTENTS = ["<a>", "<b>", "<c>", "[E1]", "remdesivir", "[SEP]", "[CLS]", "[MASK]", "＜a＞"]
WORDS = [" ", "  ", "\n", "\xa0", "bada", "do,", "½", "é", "🦣", "漢", "x", "\u200b"]
parts = st.sampled_from([*CONTENTS, *WORDS])


@settings(max_examples=200)
@given(text=st.lists(parts, max_size=12).map("".join))
def test_any_text_with_added_tokens(with_added, text):
    ours, theirs = with_added
    expected = ours(text, special_tokens_in_text=True)["input_ids"]
    assert [tokenizer(text)["input_ids"] for tokenizer in theirs] == [expected] * len(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_real_texts(v3, real_texts, reader, tmp_path):
    v3.save_pretrained(tmp_path / "ours")
    theirs = read(reader, tmp_path / "ours")
    expected = our_ids(v3, real_texts)
    found = theirs(real_texts)["input_ids"]
    differing = [(a, b) for a, b in zip(found, expected, strict=True) if a != b]
    # SentencePiece adds up scores in float32, whose rounding decides between two cuts of
    # "sooooooooooooo" of the same score.
    assert len(differing) <= (0 if reader == "DebertaV2Tokenizer" else 2)
    model = SentencePieceProcessor(model_proto=v3.model_proto)
    for ids, others in differing:
        scores = [sum(map(model.GetScore, row)) for row in (ids, others)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    theirs.save_pretrained(tmp_path / "theirs")
    again = our_ids(DebertaV2Tokenizer.from_directory(tmp_path / "theirs"), real_texts)
    assert sum(a != b for a, b in zip(again, expected, strict=True)) <= len(differing)


def test_without_tokenizer_json(small, tmp_path):
    small.save_pretrained(tmp_path)
    small.save_pretrained(tmp_path, tokenizer_json=False)
    assert not (tmp_path / "tokenizer.json").exists()
    assert DebertaV2Tokenizer.from_directory(tmp_path).to_bytes() == small.to_bytes()
    if IS_VERSION_4:
        slow = read("AutoTokenizer, slow", tmp_path)
        assert type(slow) is transformers.DebertaV2Tokenizer
        assert ids_of(slow, TEXTS) == our_ids(small, TEXTS)


def test_a_changed_tokenizer_json_is_looked_at(small, tmp_path):
    small.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    values = json.loads(file.read_text(encoding="utf8"))
    # The same tokenizer, as the library itself writes it.
    file.write_text(json.dumps(values, indent=2), encoding="utf8")
    assert DebertaV2Tokenizer.from_directory(tmp_path).engine == "sentencepiece"
    values["model"]["byte_fallback"] = False
    file.write_text(json.dumps(values), encoding="utf8")
    with pytest.warns(UserWarning, match="W202"):
        assert DebertaV2Tokenizer.from_directory(tmp_path).engine == "tokenizers"


@pytest.mark.parametrize("options", [{}, {"unknown_characters": "unk"}])
def test_the_tokenizers_engine(small_vocabulary, small, options, tmp_path):
    fast = DebertaV2TokenizerFast(small_vocabulary, **options)
    fast.save_pretrained(tmp_path)
    expected = our_ids(DebertaV2Tokenizer(small_vocabulary, **options), TEXTS)
    assert our_ids(fast, TEXTS) == expected
    assert ids_of(read("AutoTokenizer", tmp_path), TEXTS) == expected


def test_a_class_that_would_make_another_pipeline_is_not_kept(small, tmp_path):
    """Version 4 wrote `DebertaV2Tokenizer` beside a charsmap that version 5 drops by this name."""
    fast = DebertaV2TokenizerFast(model_proto=small.model_proto)
    fast.save_pretrained(tmp_path / "from")
    file = tmp_path / "from" / "tokenizer_config.json"
    config = json.loads(file.read_text())
    changed = {**config, "tokenizer_class": "DebertaV2Tokenizer", "auto_map": {"AutoTokenizer": []}}
    file.write_text(json.dumps(changed))
    DebertaV2Tokenizer.from_directory(tmp_path / "from").save_pretrained(tmp_path / "to")
    # What AutoTokenizer reads first in a checkpoint.
    (tmp_path / "to" / "config.json").write_text(json.dumps({"model_type": "deberta-v2"}))
    assert ids_of(read("AutoTokenizer", tmp_path / "to"), TEXTS) == our_ids(small, TEXTS)


@pytest.mark.parametrize("name", ["sequence_classifier", "added_tokens", "wordpiece"])
def test_folders_of_version_5(shared_data, name, tmp_path):
    """Version 4 takes no list as `extra_special_tokens`, the name that version 5 writes."""
    source = shared_data / "transformers5" / name
    ours = DebertaV2Tokenizer.from_directory(source)
    ours.save_pretrained(tmp_path)
    theirs = read("AutoTokenizer", tmp_path)
    assert ids_of(theirs, TEXTS) == our_ids(ours, TEXTS)
    assert sorted(theirs.all_special_ids) == list(ours.all_special_ids)
    again = DebertaV2Tokenizer.from_directory(tmp_path)
    assert again.all_special_ids == ours.all_special_ids


def test_named_special_tokens_and_those_of_an_old_file(small, tmp_path):
    fast = DebertaV2TokenizerFast(
        model_proto=small.model_proto,
        added_tokens=[AddedToken(content=c, special=True) for c in ("<image>", "[E1]")],
    )
    fast.save_pretrained(tmp_path / "from")
    file = tmp_path / "from" / "tokenizer_config.json"
    config = json.loads(file.read_text())
    config.pop("additional_special_tokens")
    file.write_text(json.dumps(config | {"extra_special_tokens": {"image_token": "<image>"}}))
    listed = {"additional_special_tokens": ["[E1]"]}
    (tmp_path / "from" / "special_tokens_map.json").write_text(json.dumps(listed))
    ours = DebertaV2Tokenizer.from_directory(tmp_path / "from")
    ours.save_pretrained(tmp_path / "to")
    theirs = read("AutoTokenizer", tmp_path / "to")
    assert theirs.image_token == "<image>"
    text = "ba [E1] <image>"
    assert ids_of(theirs, [text]) == our_ids(ours, [text])
    if IS_VERSION_4:
        assert sorted(set(theirs.all_special_ids)) == sorted({*fast.all_special_ids})


def test_a_checkpoint_with_its_config(small, tmp_path):
    small.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "deberta-v2"}))
    assert ids_of(read("AutoTokenizer", tmp_path), TEXTS) == our_ids(small, TEXTS)
