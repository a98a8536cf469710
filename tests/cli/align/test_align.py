import json
import re

import pytest
import spacy

from spacy_deberta.cli.align import align
from spacy_deberta.cli.align.table import format_table
from spacy_deberta.layers import align_pieces
from tests.cli.texts import TEXTS
from tests.pipeline.pipelines import encoder_config

texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def reference(text, tokenizer):
    """The alignment of the encoder: for every token the rows of its pieces."""
    doc = spacy.blank("en").make_doc(text)
    aligned = align_pieces([doc], tokenizer.encode_batch([text]))
    rows = iter(aligned.aligned.tolist())
    return doc, aligned.pieces, [[next(rows) for _ in range(n)] for n in aligned.aligned_lengths]


@texts
def test_json_is_the_alignment_of_the_encoder(text, spacy_cli, tiny_vocabulary, tiny_tokenizer):
    result = spacy_cli("deberta", "align", "-j", "-m", tiny_vocabulary, "--", text)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    doc, pieces, rows = reference(text, tiny_tokenizer)
    assert found["text"] == text
    assert found["lang"] == "en"
    assert found["model"] == str(tiny_vocabulary)
    assert [(t["text"], t["start"], t["end"]) for t in found["tokens"]] == [
        (token.text, token.idx, token.idx + len(token)) for token in doc
    ]
    assert [token["pieces"] for token in found["tokens"]] == rows
    assert [(p["id"], p["start"], p["end"]) for p in found["pieces"]] == list(
        zip(pieces.ids.tolist(), pieces.starts.tolist(), pieces.ends.tolist(), strict=True)
    )
    assert [p["piece"] for p in found["pieces"]] == tiny_tokenizer.tokenize(text)
    for i, piece in enumerate(found["pieces"]):
        assert piece["text"] == text[piece["start"] : piece["end"]]
        assert piece["tokens"] == [token for token, own in enumerate(rows) if i in own]


@texts
def test_pairs_have_every_token_and_piece(text, tiny_vocabulary):
    alignment = align(text, model=tiny_vocabulary)
    pairs = list(alignment.pairs())
    connected = [(t, p) for t, p in pairs if t is not None and p is not None]
    assert connected == [(t, p) for t, own in enumerate(alignment.tokens) for p in own.pieces]
    assert [t for t, p in pairs if p is None] == alignment.bare_tokens
    alone = [p for t, p in pairs if t is None]
    assert alone == [p for p, own in enumerate(alignment.pieces) if not own.tokens]
    # In the order of the text.
    shown = [p for _, p in pairs if p is not None]
    assert shown == sorted(shown)


def rows_of(table):
    """The cells of a table's rows, by column."""
    lines = table.splitlines()
    rule = next(line for line in lines if re.fullmatch(r"[- ]*--[- ]*", line))
    spans = [match.span() for match in re.finditer(r"-+", rule)]
    for line in lines[lines.index(rule) + 1 :]:
        if not line:
            return
        yield [line[start:end].strip() for start, end in spans]


def test_table_lists_exactly_the_pieces_of_each_token(spacy_cli, tiny_vocabulary, tiny_tokenizer):
    text = "Mira left Rotterdam  without Photosynthesis."
    result = spacy_cli("deberta", "align", text, "--model", tiny_vocabulary)
    assert result.exit_code == 0, result.output
    doc, pieces, rows = reference(text, tiny_tokenizer)
    strings = tiny_tokenizer.tokenize(text)
    expected = []
    for token, own in zip(doc, rows, strict=True):
        cells = [str(token.i), token.text, f"{token.idx}:{token.idx + len(token)}"]
        if not own:
            expected.append([str(token.i), "␣", cells[2], "-", "", "", "", "no piece"])
        for row in own:
            start, end = int(pieces.starts[row]), int(pieces.ends[row])
            shown = [strings[row], text[start:end], str(pieces.ids[row]), f"{start}:{end}"]
            expected.append([*cells, *shown, ""])
            cells = ["", "", ""]
    shown = list(rows_of(result.stdout))
    assert [row for row in shown if row[-1] != "no token"] == expected
    assert [int(row[5]) for row in shown if row[5]] == pieces.ids.tolist()
    assert "7 tokens" in result.stdout
    assert "\x1b" not in result.stdout, "colours are for terminals"


def test_columns_are_as_wide_as_the_terminal_shows_them(v3_vocabulary):
    table = format_table(align("字 🙂 ae\u0301 ok", model=v3_vocabulary), colored=False)
    # Ideographs and emoji take two columns, and a combining accent none.
    width = {"字": 2, "🙂": 2, "\u0301": 0}
    starts = {
        sum(width.get(char, 1) for char in line[: re.search(r"\d+:\d+", line).start()])
        for line in table.splitlines()
        if re.match(r"\d", line)
    }
    assert len(starts) == 1


def test_a_shared_piece_is_marked_on_both_tokens(spacy_cli, v3_vocabulary):
    result = spacy_cli("deberta", "align", "They can't.", "-m", v3_vocabulary)
    rows = list(rows_of(result.stdout))
    notes = {row[1]: row[-1] for row in rows if row[3] == "▁can"}
    assert notes == {"ca": "shared with #2 n't", "n't": "shared with #1 ca"}
    assert "2 tokens sharing a piece" in result.stdout


def test_bytes_of_an_unknown_character_are_its_own(spacy_cli, v3_vocabulary):
    result = spacy_cli("deberta", "align", "ok 𓀀", "-m", v3_vocabulary, "-j")
    token = json.loads(result.stdout)["tokens"][1]
    pieces = json.loads(result.stdout)["pieces"]
    own = [pieces[i] for i in token["pieces"]]
    assert [piece["piece"] for piece in own] == ["<0xF0>", "<0x93>", "<0x80>", "<0x80>"]
    assert {piece["text"] for piece in own} == {"𓀀"}
    table = spacy_cli("deberta", "align", "ok 𓀀", "-m", v3_vocabulary).stdout
    assert "no token" in table, "the space before it is a piece that covers nothing"


def test_special_tokens_in_the_text_are_text(spacy_cli, tiny_vocabulary, tiny_tokenizer):
    result = spacy_cli("deberta", "align", "the [SEP] soup", "-m", tiny_vocabulary, "-j")
    pieces = json.loads(result.stdout)["pieces"]
    assert tiny_tokenizer.sep_token_id not in [piece["id"] for piece in pieces]
    assert "".join(piece["text"] for piece in pieces) == "the[SEP]soup"


def test_text_of_whitespace_has_tokens_without_pieces(spacy_cli, tiny_vocabulary):
    result = spacy_cli("deberta", "align", " \n ", "-m", tiny_vocabulary)
    assert result.exit_code == 0, result.output
    assert [row[1] for row in rows_of(result.stdout)] == ["␣⏎␣"]
    assert "1 token, 0 pieces, 0 tokens sharing a piece, 1 token without a piece" in result.stdout


def test_nothing_in_a_text_reaches_the_terminal_unescaped(spacy_cli, tiny_vocabulary):
    text = TEXTS["control characters"] + TEXTS["right to left"]
    result = spacy_cli("deberta", "align", text, "-m", tiny_vocabulary)
    assert result.exit_code == 0, result.output
    assert not set(result.stdout) & set("\x1b\x07\u200b\ufeff\u202e\u202c")
    assert "\\x1b" in result.stdout


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_text_from_stdin(ending, spacy_cli, tiny_vocabulary):
    text = "the café\nin Porto"
    args = ("deberta", "align", "-", "-j", "-m", tiny_vocabulary)
    result = spacy_cli(*args, stdin=(text + ending).encode())
    assert json.loads(result.stdout)["text"] == text


@pytest.mark.parametrize("what", ["vocabulary", "tokenizer folder", "checkpoint"])
def test_models(what, request, tmp_path, tiny_tokenizer):
    if what == "vocabulary":
        model = request.getfixturevalue("tiny_vocabulary")
    elif what == "checkpoint":
        model = request.getfixturevalue("tiny_checkpoint")
    else:
        model = tmp_path
        tiny_tokenizer.save_pretrained(model)
    text = "Prices rose in March"
    found = align(text, model=model)
    assert [piece.piece for piece in found.pieces] == tiny_tokenizer.tokenize(text)


@pytest.mark.parametrize("factory", ["transformer", "deberta", "tagger"])
def test_pipeline_folder_brings_its_own_tokenizer(factory, tmp_path, tiny_checkpoint, spacy_cli):
    nlp = spacy.blank("de")
    nlp.tokenizer.add_special_case("Halden Freight", [{"ORTH": "Halden Freight"}])
    encoder = {
        "name": str(tiny_checkpoint),
        "get_spans": {"@span_getters": "spacy-deberta.piece_windows.v1"},
    }
    nlp.add_pipe("sentencizer")
    if factory == "tagger":
        tok2vec = {
            **encoder,
            "@architectures": "spacy-deberta.DebertaV2Tok2Vec.v1",
            "pooling": {"@layers": "reduce_mean.v1"},
        }
        tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
        nlp.add_pipe("tagger", config={"model": tagger}).add_label("NN")
    else:
        architecture = {"@architectures": "spacy-deberta.DebertaV2Model.v1"}
        model = {**encoder, **architecture}
        nlp.add_pipe(factory, name="transformer", config={"model": model})
    nlp.initialize()
    nlp.to_disk(tmp_path / "pipeline")
    text = "Mira left Halden Freight."
    result = spacy_cli("deberta", "align", text, "-j", "-m", tmp_path / "pipeline")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["lang"] == "de"
    assert [token["text"] for token in found["tokens"]] == [t.text for t in nlp.make_doc(text)]
    assert found["pieces"] == align_to_json(text, tiny_checkpoint, found)


def test_pipeline_that_splits_each_token_on_its_own(tiny_checkpoint, tmp_path):
    nlp = spacy.blank("en")
    config = encoder_config(tiny_checkpoint, is_split_into_words=True)
    nlp.add_pipe("deberta", name="transformer", config=config)
    nlp.initialize()
    nlp.to_disk(tmp_path)
    text = "He can't pay $5,000."
    data = nlp(text)._.trf_data
    found = align(text, model=tmp_path)
    assert [piece.piece for piece in found.pieces] == data.wordpieces.strings[0][1:-1]
    assert [len(token.pieces) for token in found.tokens] == data.align.lengths.tolist()
    assert found.pieces != align(text, model=tiny_checkpoint).pieces


def align_to_json(text, checkpoint, found):
    """The pieces of the checkpoint, with the tokens as found: those are compared elsewhere."""
    pieces = align(text, model=checkpoint).to_dict()["pieces"]
    return [
        {**piece, "tokens": own["tokens"]}
        for piece, own in zip(json.loads(json.dumps(pieces)), found["pieces"], strict=True)
    ]


def test_language(spacy_cli, tiny_vocabulary):
    text = "Prices rose z.B. heute"
    args = ("deberta", "align", text, "-j", "-m", tiny_vocabulary, "--lang", "de")
    tokens = json.loads(spacy_cli(*args).stdout)["tokens"]
    assert [token["text"] for token in tokens] == [t.text for t in spacy.blank("de")(text)]


def test_wrong_input_is_one_message_with_a_code(fails, tmp_path, tiny_vocabulary, tiny_checkpoint):
    def message(*args, **kwargs):
        return fails("deberta", "align", *args, **kwargs)

    assert "E301" in message("text", "-m", tmp_path / "missing")
    assert "E201" in message("text", "-m", tmp_path / "missing.model")
    (tmp_path / "damaged.model").write_bytes(b"no vocabulary")
    assert "E202" in message("text", "-m", tmp_path / "damaged.model")
    (tmp_path / "folder").mkdir()
    assert "E304" in message("text", "-m", tmp_path / "folder")
    assert "E502" in message("text", "-m", tiny_vocabulary, "-l", "klingon")
    assert "E504" in message("-", "-m", tiny_vocabulary, stdin=b"caf\xe9")
    assert "E504" in message("caf\udce9", "-m", tiny_vocabulary)


def test_wrong_pipelines_are_one_message_with_a_code(fails, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    message = fails("deberta", "align", "text", "-m", tmp_path)
    assert "E507" in message
    assert "sentencizer" in message
    assert "E505" in fails("deberta", "align", "text", "-m", tmp_path, "-l", "en")
    config = (tmp_path / "config.cfg").read_text().replace("sentencizer", "no_such_factory")
    (tmp_path / "config.cfg").write_text(config)
    assert "E506" in fails("deberta", "align", "text", "-m", tmp_path)
