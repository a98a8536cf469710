"""Vocabularies of the tokenizers library, as in three kinds of checkpoints."""

import json
import warnings

import pytest

from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.tokenization.texts import english

KINDS = ("version 4", "version 5", "wordpiece")


def fast_tokenizer(vocabulary):
    """Hugging Face's fast tokenizer of version 4: with the charsmap, without bytes."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("google.protobuf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return transformers.DebertaV2TokenizerFast(vocab_file=str(vocabulary))


def as_version_5(pipeline: str) -> str:
    """The same vocabulary with the normalizer that transformers 5 writes."""
    values = json.loads(pipeline)
    values["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Replace", "pattern": {"Regex": "\\s{2,}|[\\n\\r\\t]"}, "content": " "},
            {"type": "NFC"},
            {"type": "Strip", "strip_left": False, "strip_right": True},
        ],
    }
    return json.dumps(values)


def word_pieces() -> list[str]:
    """A vocabulary of WordPiece: letters, and words of the made-up sentences."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = sorted({w.strip(",.").lower() for line in english(200) for w in line.split()})
    marks = [*"0123456789.,;:!?'()[]/<>#@-", "漢", "ß", "é", "½"]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return [*special, *letters, *(f"##{c}" for c in letters), *words, *marks]


@pytest.fixture(scope="session")
def folders(tmp_path_factory, small_vocabulary):
    """A folder of each kind, by name."""
    root = tmp_path_factory.mktemp("pipelines")
    fast = fast_tokenizer(small_vocabulary)
    fast.save_pretrained(root / "version 4")
    (root / "version 4" / "spm.model").unlink()
    fast.save_pretrained(root / "version 5")
    (root / "version 5" / "spm.model").unlink()
    file = root / "version 5" / "tokenizer.json"
    file.write_text(as_version_5(file.read_text()))
    folder = root / "wordpiece"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(word_pieces()), encoding="utf8")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return {kind: root / kind for kind in KINDS}


@pytest.fixture(scope="session", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def folder(folders, kind):
    return folders[kind]


@pytest.fixture(scope="session")
def tokenizer(folder) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_directory(folder)


@pytest.fixture(scope="session")
def theirs(folder):
    """Hugging Face's fast tokenizer of the folder, which encodes control tokens as text."""
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(folder, split_special_tokens=True)
