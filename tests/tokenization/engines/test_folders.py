"""The vocabulary that is read from a folder, and the files that are written."""

import json
import pickle
import re
import shutil
from functools import partial

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast

TEXT = "Bada do, 12 ½ 🦣 [E1] e\u0301 remdesivir[SEP]"


@pytest.fixture
def both(folders, small_vocabulary, tmp_path):
    """A folder of Hugging Face's fast tokenizer of version 4, with both vocabularies."""
    folder = tmp_path / "both"
    shutil.copytree(folders["version 4"], folder)
    shutil.copy(small_vocabulary, folder / "spm.model")
    return folder


def change(folder, **values):
    """The pipeline with other values; those of its model by their names."""
    path = folder / "tokenizer.json"
    pipeline = json.loads(path.read_text(encoding="utf8"))
    for name, value in values.items():
        target = pipeline if name in pipeline else pipeline["model"]
        target[name] = value
    path.write_text(json.dumps(pipeline), encoding="utf8")


@pytest.mark.filterwarnings("error")
def test_one_vocabulary_is_the_one(folder, small_vocabulary, tmp_path):
    assert DebertaV2Tokenizer.from_directory(folder).engine == "tokenizers"
    shutil.copy(small_vocabulary, tmp_path / "spm.model")
    assert DebertaV2Tokenizer.from_directory(tmp_path).engine == "sentencepiece"


def test_of_two_that_differ_the_one_of_the_training(both):
    with pytest.warns(UserWarning, match=r"W202.*byte_fallback") as caught:
        tokenizer = DebertaV2Tokenizer.from_directory(both)
    assert tokenizer.engine == "tokenizers"
    assert "normalizers" not in str(caught[0].message)
    assert "added tokens" not in str(caught[0].message)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("engine", ["sentencepiece", "tokenizers"])
def test_by_hand(both, engine):
    assert DebertaV2Tokenizer.from_directory(both, tokenizer=engine).engine == engine


@pytest.mark.filterwarnings("error")
def test_of_two_that_agree_sentencepiece(both):
    change(both, byte_fallback=True)
    assert DebertaV2Tokenizer.from_directory(both).engine == "sentencepiece"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"normalizer": {"type": "NFC"}}, "normalizers"),
        (
            {
                "added_tokens": [
                    {"id": 500, "content": "[MASK]", "special": True},
                    {"id": 501, "content": "[E1]", "special": True},
                ]
            },
            r"\[E1\]",
        ),
    ],
)
def test_what_differs_is_said(both, values, said):
    change(both, byte_fallback=True, **values)
    (both / "tokenizer_config.json").unlink()
    with pytest.warns(UserWarning, match=f"W202.*{said}"):
        assert DebertaV2Tokenizer.from_directory(both).engine == "tokenizers"


def ids_as_hugging_face(folder, texts):
    """The engine that is used, whose ids have to be those of `AutoTokenizer`."""
    transformers = pytest.importorskip("transformers")
    ours = DebertaV2Tokenizer.from_directory(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ids = ours(texts, special_tokens_in_text=True)["input_ids"]
    assert ids == [theirs(text)["input_ids"] for text in texts]
    return ours.engine


def test_a_token_that_hugging_face_added_to_our_folder(small, tmp_path):
    transformers = pytest.importorskip("transformers")
    small.save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    theirs.save_pretrained(tmp_path)
    texts = ["ba zzzq do", "bazzzqdo", "zzzq", "Bada (zzzq), do"]
    assert ids_as_hugging_face(tmp_path, texts) == "sentencepiece"
    theirs.add_tokens(["zzzq"])
    theirs.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="W202.*zzzq.*differ"):
        assert ids_as_hugging_face(tmp_path, texts) == "tokenizers"


@pytest.mark.parametrize("options", [{}, {"split_by_punct": True}])
def test_a_vocabulary_without_bytes(no_bytes_vocabulary, options, tmp_path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.DebertaV2TokenizerFast(vocab_file=str(no_bytes_vocabulary), **options)
    if not options:
        theirs.add_tokens(["zzzq"])
    theirs.save_pretrained(tmp_path)
    texts = ["Well... it's, (ok)!", "ba zzzq do", "a🦣b 🦣", "“ba” do – bo"]
    with pytest.warns(UserWarning, match="W202.*differ"):
        assert ids_as_hugging_face(tmp_path, texts) == "tokenizers"


def test_only_some_of_many_added_tokens_are_tried(small, tmp_path):
    """The last ones are, which a script of fine-tuning added."""
    transformers = pytest.importorskip("transformers")
    small.save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for token in [f"q{i:03d}x" for i in range(120)]:
        theirs.add_tokens(transformers.AddedToken(token, normalized=False))
    theirs.add_tokens(["zzzq"])
    theirs.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="W202.*differ"):
        assert ids_as_hugging_face(tmp_path, ["ba zzzq do", "ba q077x do"]) == "tokenizers"


def test_pieces_that_differ_are_counted(both):
    pipeline = json.loads((both / "tokenizer.json").read_text(encoding="utf8"))
    vocab = pipeline["model"]["vocab"]
    vocab[400], vocab[401] = vocab[401], vocab[400]
    change(both, byte_fallback=True, vocab=vocab)
    with pytest.warns(UserWarning, match="W202.*2 pieces differ"):
        DebertaV2Tokenizer.from_directory(both)
    change(both, vocab=vocab[:-1], added_tokens=[])
    with pytest.warns(UserWarning, match=r"W202.*500 pieces, tokenizer\.json has 499"):
        DebertaV2Tokenizer.from_directory(both)


def test_a_stub_of_an_spm_model(both):
    """As in `KoichiYasuoka/deberta-*-japanese-aozora`: one byte."""
    (both / "spm.model").write_bytes(b"\n")
    with pytest.warns(UserWarning, match="W202.*1 bytes"):
        tokenizer = DebertaV2Tokenizer.from_directory(both)
    assert tokenizer.tokenize("ba")
    with pytest.raises(ValueError, match="E202"):
        DebertaV2Tokenizer.from_directory(both, tokenizer="sentencepiece")


def test_what_is_not_there(folders, small_vocabulary, tmp_path):
    with pytest.raises(ValueError, match=r"E212.*nothing"):
        DebertaV2Tokenizer.from_directory(tmp_path / "none")
    shutil.copy(small_vocabulary, tmp_path / "spm.model")
    with pytest.raises(ValueError, match=r"E235.*spm\.model"):
        DebertaV2Tokenizer.from_directory(tmp_path, tokenizer="tokenizers")
    with pytest.raises(ValueError, match=r"E235.*vocab\.txt"):
        DebertaV2Tokenizer.from_directory(folders["wordpiece"], tokenizer="sentencepiece")
    with pytest.raises(ValueError, match="E234.*sentencepiece"):
        DebertaV2Tokenizer.from_directory(tmp_path, tokenizer="fast")
    tokenizer = DebertaV2Tokenizer.from_directory(folders["version 5"])
    with pytest.raises(ValueError, match="E236"):
        _ = tokenizer.model_proto


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"model": 1}', b'{"model": {"type": "Unigram"}}', b"\xff"],
)
def test_files_that_are_not_pipelines(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    for cls in (DebertaV2Tokenizer, DebertaV2TokenizerFast):
        for read in (partial(cls.from_directory, tmp_path), partial(cls, path)):
            with pytest.raises(ValueError, match=f"E232.*{re.escape(str(path))}"):
                read()
    with pytest.raises(ValueError, match="E232"):
        DebertaV2Tokenizer(pipeline=content)


@pytest.mark.parametrize(
    "values",
    [
        {"normalizer": {"type": "Unknown"}},
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}}},
        {"vocab": [["a"]]},
        {"vocab": {"a": -1}},
        {"type": "Other"},
        {"added_tokens": [{"id": -1, "content": "a"}]},
        {"added_tokens": {}},
    ],
)
def test_a_damaged_pipeline(folders, tmp_path, values):
    shutil.copy(folders["version 5"] / "tokenizer.json", tmp_path)
    change(tmp_path, **values)
    with pytest.raises(ValueError, match="E232"):
        DebertaV2Tokenizer.from_directory(tmp_path)


@pytest.mark.parametrize("unknown", [None, -1, 500])
def test_a_pipeline_without_an_unknown_piece(folders, tmp_path, unknown):
    shutil.copy(folders["version 5"] / "tokenizer.json", tmp_path)
    change(tmp_path, unk_id=unknown)
    with pytest.raises(ValueError, match="E233"):
        DebertaV2Tokenizer.from_directory(tmp_path)


@pytest.fixture
def added(folders, tmp_path):
    """A folder whose tokenizer.json has added markers and a word."""
    transformers = pytest.importorskip("transformers")
    fast = transformers.AutoTokenizer.from_pretrained(folders["version 5"])
    fast.add_tokens(["remdesivir"])
    fast.add_special_tokens({"additional_special_tokens": ["[E1]"]})
    fast.save_pretrained(tmp_path / "added")
    return tmp_path / "added"


def test_a_saved_folder_has_the_same_pipeline(added, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer = DebertaV2Tokenizer.from_directory(added)
    shutil.copy(added / "tokenizer.json", tmp_path / "spm.model")  # of an earlier save
    tokenizer.save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (added / "tokenizer.json").read_bytes()
    assert not (tmp_path / "spm.model").exists()
    again = DebertaV2Tokenizer.from_directory(tmp_path)
    assert again.added_tokens == tokenizer.added_tokens
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ours = again(TEXT, special_tokens_in_text=True)["input_ids"]
    assert ours == theirs(TEXT)["input_ids"]
    assert again.convert_tokens_to_ids("[E1]") in again(TEXT)["input_ids"]
    assert again.convert_tokens_to_ids("remdesivir") in again(TEXT)["input_ids"]


@pytest.mark.parametrize("split", [False, True])
def test_special_ones_of_the_added_tokens_can_be_text(added, tmp_path, split):
    tokenizer = DebertaV2Tokenizer.from_directory(added).with_split_special_tokens(split)
    tokenizer.save_pretrained(tmp_path)
    for loaded in (
        DebertaV2Tokenizer.from_directory(tmp_path),
        DebertaV2Tokenizer.from_bytes(tokenizer.to_bytes()),
        pickle.loads(pickle.dumps(tokenizer)),
    ):
        found = set(loaded.encode_batch([TEXT]).ids.tolist())
        assert (loaded.convert_tokens_to_ids("[E1]") in found) is not split
        assert loaded.convert_tokens_to_ids("remdesivir") in found
        assert loaded(TEXT) == tokenizer(TEXT)


def test_word_pieces_are_saved_as_a_pipeline(folders, tmp_path, strange_texts):
    transformers = pytest.importorskip("transformers")
    tokenizer = DebertaV2Tokenizer.from_directory(folders["wordpiece"])
    tokenizer.save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    again = DebertaV2Tokenizer.from_directory(tmp_path)
    for text in strange_texts[:200]:
        ids = again(text, special_tokens_in_text=True)["input_ids"]
        assert ids == tokenizer(text, special_tokens_in_text=True)["input_ids"]
        assert ids == theirs(text)["input_ids"]


def test_files_by_their_paths(folders):
    for file in ("version 4/tokenizer.json", "wordpiece/vocab.txt"):
        path = folders[file.partition("/")[0]].parent / file
        options = {"do_lower_case": True} if file.endswith("txt") else {}
        by_path = DebertaV2Tokenizer(path, **options)
        assert by_path(TEXT) == DebertaV2Tokenizer.from_directory(path.parent)(TEXT)
