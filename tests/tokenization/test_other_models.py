"""Vocabularies with other options than DeBERTa's, as in some third-party checkpoints."""

import io

import pytest
import sentencepiece

from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.tokenization.rules import OffsetRules
from tests.tokenization.texts import english

OPTIONS = {
    "bpe": {"model_type": "bpe"},
    "identity": {"normalization_rule_name": "identity"},
    "case folding": {"normalization_rule_name": "nmt_nfkc_cf"},
    "no space in front": {"add_dummy_prefix": False},
    "spaces kept": {"remove_extra_whitespaces": False},
    "space behind": {"treat_whitespace_as_suffix": True},
    "spaces kept, none in front": {"add_dummy_prefix": False, "remove_extra_whitespaces": False},
    "symbols": {"user_defined_symbols": ["½½", "#tag", "e\u0301"]},
    "no bytes": {"byte_fallback": False},
}


@pytest.fixture(scope="module", params=OPTIONS)
def model(request):
    stream = io.BytesIO()
    options = {"vocab_size": 420, "byte_fallback": True, **OPTIONS[request.param]}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(english(1000)),
        model_writer=stream,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    return request.param, stream.getvalue()


def test_ids_and_offsets(model, strange_texts):
    name, proto = model
    tokenizer = DebertaV2Tokenizer(model_proto=proto)
    rules = OffsetRules(tokenizer)
    texts = strange_texts[:1500]
    if name in ("identity", "no space in front", "space behind") or name.startswith("spaces kept"):
        # The rules, which normalize characters out of context, do not apply here.
        rules.vanishes = lambda character: rules.normalize(character).strip("▁") == ""
    for text, (ids, starts, ends) in zip(texts, tokenizer.encode_batch(texts), strict=True):
        assert ids.tolist() == rules.processor.EncodeAsIds(text)
        rules.check(text, ids, starts, ends)


def change(proto, change_model):
    """The same model with a changed proto."""
    pytest.importorskip("google.protobuf")
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto.FromString(proto)
    change_model(model)
    return model.SerializeToString()


def spell_spaces(model):
    for piece in model.pieces:
        piece.piece = piece.piece.replace("▁", "_")


def keep_spaces(model):
    model.normalizer_spec.escape_whitespaces = False


@pytest.mark.parametrize("change_model", [spell_spaces, keep_spaces])
def test_a_space_that_is_spelled_in_bytes_covers_no_character(small, change_model):
    """Its offsets are at the start of the next word, like those of a space piece."""
    tokenizer = DebertaV2Tokenizer(model_proto=change(small.model_proto, change_model))
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model_proto)
    for text in ("ba do", " é  ba½", "ba", "\ue000 \ue000"):
        ids, starts, ends = next(iter(tokenizer.encode_batch([text])))
        assert ids.tolist() == processor.EncodeAsIds(text)
        covered = [text[start:end] for start, end in zip(starts, ends, strict=True) if end > start]
        assert dict.fromkeys("".join(covered)) == dict.fromkeys(text.replace(" ", ""))
        assert (ends == starts).any()


def without_unknown(model):
    for piece in model.pieces:
        if piece.piece == "[UNK]":
            piece.type = piece.NORMAL


def test_a_vocabulary_without_an_unknown_piece(small):
    with pytest.raises(ValueError, match="E220"):
        DebertaV2Tokenizer(model_proto=change(small.model_proto, without_unknown))


@pytest.mark.parametrize("piece_id", [1, 3, 300, 499])
def test_a_piece_that_is_no_text(small, piece_id):
    piece = small.convert_ids_to_tokens(piece_id).encode()
    # In the encoding of the proto: field 1, a string, and its length.
    field = b"\x0a" + bytes([len(piece)])
    assert small.model_proto.count(field + piece) == 1
    proto = small.model_proto.replace(field + piece, field + b"\xff" * len(piece))
    with pytest.raises(ValueError, match=f"E221.*{piece_id}"):
        DebertaV2Tokenizer(model_proto=proto)


def test_what_is_wrong_with_a_vocabulary_may_be_no_text(small):
    """SentencePiece's message contains a duplicate piece, which may be invalid UTF-8."""
    twice = [small.convert_ids_to_tokens(i).encode() for i in (495, 496)]
    assert all(len(piece) == 1 for piece in twice)
    proto = small.model_proto
    for piece in twice:
        assert proto.count(b"\x0a\x01" + piece) == 1
        proto = proto.replace(b"\x0a\x01" + piece, b"\x0a\x01\xff")
    with pytest.raises(ValueError, match="E202"):
        DebertaV2Tokenizer(model_proto=proto)
