import gzip
import json
import lzma

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from spacy_deberta.cli import train_tokenizer
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.tokenization.texts import english

SIZE = 400


@pytest.fixture(scope="module")
def lines():
    return english(400)


@pytest.fixture
def texts(lines, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf8")
    return path


def test_all_texts_are_trained_on_again(spacy_cli, lines, texts, tmp_path):
    folder = tmp_path / "tokenizer"
    arguments = ("deberta", "train-tokenizer", texts, folder, "--vocab-size", SIZE)
    assert spacy_cli(*arguments).exit_code == 0
    assert "E318" in spacy_cli(*arguments, "--all-texts").stderr
    result = spacy_cli(*arguments, "--all-texts", "--force")
    assert result.exit_code == 0, result.output
    assert "all were trained on" in result.stdout
    vocabulary = train_vocabulary(lines, tmp_path / "spm.model", vocab_size=SIZE)
    assert (folder / "spm.model").read_bytes() == vocabulary.read_bytes()


def test_a_folder_that_opens(spacy_cli, texts, tmp_path):
    target = tmp_path / "new" / "tokenizer"
    result = spacy_cli("deberta", "train-tokenizer", texts, target, "--vocab-size", SIZE)
    assert result.exit_code == 0, result.output
    assert "Measured on 4 texts" in result.stdout
    assert "held out of the training" in result.stdout
    assert f"Saved a tokenizer with {SIZE} pieces" in result.stdout
    assert result.stdout.rstrip().endswith(str(target))
    tokenizer = DebertaV2Tokenizer.from_pretrained(target)
    assert (tokenizer.vocab_size, tokenizer.mask_token_id) == (SIZE, SIZE)
    assert not tokenizer.do_lower_case
    assert not list(tmp_path.rglob(".saving-*"))


def test_all_kinds_of_files_give_the_same_vocabulary(lines, texts, tmp_path):
    rows = [{"text": line} for line in lines]
    srsly.write_jsonl(tmp_path / "texts.jsonl", rows)
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(line) for line in lines]).to_disk(tmp_path / "texts.spacy")
    (tmp_path / "texts.txt.xz").write_bytes(lzma.compress(texts.read_bytes()))
    (tmp_path / "texts.jsonl.gz").write_bytes(
        gzip.compress((tmp_path / "texts.jsonl").read_bytes())
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("\n".join(lines[:150]), encoding="utf8")
    srsly.write_jsonl(tmp_path / "folder" / "b.jsonl", rows[150:])
    several = [tmp_path / "folder" / "a.txt", tmp_path / "folder" / "b.jsonl"]
    names = ("texts.jsonl", "texts.spacy", "texts.txt.xz", "texts.jsonl.gz", "folder")
    expected = train_tokenizer([texts], tmp_path / "expected", vocab_size=SIZE)
    for number, paths in enumerate([*([tmp_path / name] for name in names), several]):
        found = train_tokenizer(paths, tmp_path / f"new{number}", vocab_size=SIZE)
        assert found.tokenizer.model_proto == expected.tokenizer.model_proto, paths
        assert found.sample == expected.sample


def test_several_texts_on_the_command_line(spacy_cli, lines, texts, tmp_path):
    more = tmp_path / "more.txt"
    more.write_text("Ωμέγα άλφα\n" * 50, encoding="utf8")
    target = tmp_path / "new"
    result = spacy_cli("deberta", "train-tokenizer", texts, more, target, "-n", 450)
    assert result.exit_code == 0, result.output
    tokenizer = DebertaV2Tokenizer.from_pretrained(target)
    assert "Ω" in "".join(tokenizer.tokenize("Ωμέγα"))


def test_json_and_options(spacy_cli, texts, tmp_path):
    options = ["-n", 200, "--no-byte-fallback", "--lowercase", "--max-lines", 300, "--seed", 3]
    result = spacy_cli("deberta", "train-tokenizer", texts, tmp_path / "new", *options, "--json")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["folder"] == str(tmp_path / "new")
    assert (values["held_out"], values["texts"]) == (True, 4)
    tokenizer = DebertaV2Tokenizer.from_pretrained(tmp_path / "new")
    assert tokenizer.do_lower_case
    assert "<0x41>" not in tokenizer.convert_ids_to_tokens(range(200))
    same = train_tokenizer(
        [texts],
        tmp_path / "same",
        vocab_size=200,
        byte_fallback=False,
        max_lines=300,
        seed=3,
        lowercase=True,
    )
    assert tokenizer.model_proto == same.tokenizer.model_proto
    assert values["vocabularies"] == json.loads(json.dumps({"new": same.report.to_dict()}))


def test_another_vocabulary_beside_it(spacy_cli, texts, tiny_vocabulary, tmp_path):
    arguments = ["deberta", "train-tokenizer", texts, tmp_path / "new", "-n", 350]
    result = spacy_cli(*arguments, "--compare", tiny_vocabulary, "--json")
    assert result.exit_code == 0, result.output
    reports = json.loads(result.stdout)["vocabularies"]
    sizes = {name: report["vocab_size"] for name, report in reports.items()}
    assert sizes == {"new": 350, str(tiny_vocabulary): 400}
    assert reports["new"]["words"] == reports[str(tiny_vocabulary)]["words"]


def test_marks_without_a_piece_are_named(spacy_cli, texts, tmp_path):
    with texts.open("a", encoding="utf8") as file:
        file.write("@home\n")
    lines = texts.read_text(encoding="utf8").splitlines()
    lines[99] = "mail me @home"
    texts.write_text("\n".join(lines), encoding="utf8")
    arguments = ["deberta", "train-tokenizer", texts, tmp_path / "new", "-n", SIZE]
    result = spacy_cli(*arguments, "--character-coverage", "0.99")
    assert result.exit_code == 0, result.output
    (warning,) = (line for line in result.stdout.splitlines() if "No pieces" in line)
    assert "@" in warning.split()
    assert "--character-coverage" in result.stdout


def test_the_table_has_a_column_for_each(spacy_cli, texts, tiny_vocabulary, tmp_path):
    arguments = ["deberta", "train-tokenizer", texts, tmp_path / "new", "-n", SIZE]
    result = spacy_cli(*arguments, "--compare", tiny_vocabulary)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    (header,) = (line for line in lines if line.endswith(str(tiny_vocabulary)))
    (pieces,) = (line for line in lines if line.startswith("Pieces   "))
    assert pieces.split() == ["Pieces", "400", "400"]
    assert len(pieces) == len(header)


def test_few_texts_are_said_to_be_few(spacy_cli, lines, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(lines[:90]), encoding="utf8")
    result = spacy_cli("deberta", "train-tokenizer", path, tmp_path / "new", "-n", 350)
    assert result.exit_code == 0, result.output
    assert "of the training: there are too few" in result.stdout


def test_wrong_input_is_one_message_with_a_code(fails, texts, tmp_path):
    def message(source, *options, target=tmp_path / "new"):
        text = fails("deberta", "train-tokenizer", source, target, *options)
        assert not (tmp_path / "new").exists()
        assert not list(tmp_path.glob(".saving-*"))
        return text

    assert "E701" in message(tmp_path / "missing.txt")
    assert "E210" in message(texts, "-n", 100_000)
    assert "E740" in message(texts, "-n", 0)
    assert "E740" in message(texts, "--character-coverage", 2)
    assert "E740" in message(texts, "--max-lines", 0)
    assert "E201" in message(texts, "--compare", tmp_path / "missing.model")
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("mine")
    assert "E318" in message(texts, "-n", SIZE, target=full)
    assert [path.name for path in full.iterdir()] == ["file"]
