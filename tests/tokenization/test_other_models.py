"""Vocabularies with other options than DeBERTa's, as old or foreign checkpoints have them."""

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
    if name in ("spaces kept", "no space in front", "space behind", "identity"):
        # What the rules ask about a character out of its context is of no use here.
        rules.vanishes = lambda character: rules.normalize(character).strip("▁") == ""
    for text, (ids, starts, ends) in zip(texts, tokenizer.encode_batch(texts), strict=True):
        assert ids.tolist() == rules.processor.EncodeAsIds(text)
        rules.check(text, ids, starts, ends)
