"""Special tokens: around texts, within texts, beyond the vocabulary."""

import json

import pytest

from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, DebertaV2TokenizerFast

IN_TEXT = [
    "bada [SEP] bado",
    "bada[SEP]bado",
    "[CLS]bada  [MASK]  bado[SEP]",
    "[MASK][MASK] [MASK]",
    " [SEP] ",
    "[sep] [Mask] [SEP",
    "[[SEP]]",
    "bada [UNK] [PAD]",
    "",
]


def slow_ids(slow, text):
    return slow.convert_tokens_to_ids(slow.tokenize(text))


def our_ids(tokenizer, text):
    return tokenizer.encode_batch([text], special_tokens_in_text=True).ids.tolist()


@pytest.mark.parametrize("text", IN_TEXT)
@pytest.mark.parametrize("options", [{}, {"do_lower_case": True}, {"split_by_punct": True}])
def test_special_tokens_in_text(small_vocabulary, text, options):
    transformers = pytest.importorskip("transformers")
    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary), **options)
    ours = DebertaV2Tokenizer(small_vocabulary, **options)
    assert our_ids(ours, text) == slow_ids(slow, text)


def test_special_tokens_in_strange_texts(small, slow_small, strange_texts):
    texts = [text + "[MASK]" + text for text in strange_texts[:500]]
    batch = small.encode_batch(texts, special_tokens_in_text=True)
    for text, (ids, _, _) in zip(texts, batch, strict=True):
        assert ids.tolist() == slow_ids(slow_small, text)


def test_offsets_of_special_tokens_in_text(small):
    text = "b [SEP] d[MASK]½"
    pieces = small.encode_batch(["", text, "b"], special_tokens_in_text=True)
    _, (ids, starts, ends), _ = pieces
    spans = dict(zip(ids.tolist(), zip(starts.tolist(), ends.tolist(), strict=True), strict=True))
    assert spans[small.sep_token_id] == (2, 7)
    assert spans[small.mask_token_id] == (9, 15)
    assert (starts[1:] >= starts[:-1]).all()
    assert ends[-1] == 16


@pytest.mark.parametrize("text", IN_TEXT)
def test_special_tokens_are_text_unless_asked_for(small, text):
    ids = small.encode_batch([text]).ids.tolist()
    assert not {small.cls_token_id, small.sep_token_id, small.mask_token_id} & set(ids)


@pytest.mark.parametrize("text", IN_TEXT)
@pytest.mark.parametrize("options", [{}, {"do_lower_case": True}, {"split_by_punct": True}])
def test_only_some_tokens_are_found_in_text(small_vocabulary, text, options):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, **options)
    pieces = tokenizer.encode_batch([text], special_tokens_in_text=["[MASK]"])
    masks = pieces.ids == tokenizer.mask_token_id
    assert [text[a:b] for a, b in zip(pieces.starts[masks], pieces.ends[masks], strict=True)] == [
        "[MASK]"
    ] * text.count("[MASK]")
    assert not {tokenizer.cls_token_id, tokenizer.sep_token_id} & set(pieces.ids.tolist())
    # Other tokens are encoded as text, the same as without the option.
    parts = [part for part in text.split("[MASK]") if part]
    expected = tokenizer.encode_batch(parts)
    assert pieces.ids[~masks].tolist() == expected.ids.tolist()


def test_of_tokens_that_are_none_nothing_is_found(small):
    text = "bada [SEP] bado"
    found = small.encode_batch([text], special_tokens_in_text=["[NONE]"])
    assert found.ids.tolist() == small.encode_batch([text]).ids.tolist()


@pytest.mark.parametrize(
    "flags", [{}, {"lstrip": True}, {"rstrip": True}, {"single_word": True}, {"special": True}]
)
@pytest.mark.parametrize("lower", [False, True])
def test_added_tokens(small_vocabulary, flags, lower):
    transformers = pytest.importorskip("transformers")
    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary), do_lower_case=lower)
    normalized = not flags.get("special", False)
    slow.add_tokens([transformers.AddedToken("<Ent>", normalized=normalized, **flags)])
    ours = DebertaV2Tokenizer(
        small_vocabulary,
        do_lower_case=lower,
        added_tokens=[AddedToken(content="<Ent>", normalized=normalized, **flags)],
    )
    assert len(ours) == len(slow)
    for text in ("ba <Ent> do", "ba  <Ent>  do", "ba<Ent>do", "<Ent>", "ba <ENT> do", "<ent> Do"):
        assert our_ids(ours, text) == slow_ids(slow, text), text


def test_ids_beyond_the_vocabulary(small_vocabulary, small):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, added_tokens=["<a>", "<b>"])
    assert tokenizer.mask_token_id == small.vocab_size
    assert tokenizer.convert_tokens_to_ids(["<a>", "<b>"]) == [501, 502]
    assert tokenizer.convert_ids_to_tokens([500, 501, 502]) == ["[MASK]", "<a>", "<b>"]
    assert len(tokenizer) == 503


def test_names_can_be_changed(small_vocabulary):
    tokenizer = DebertaV2Tokenizer(small_vocabulary, cls_token="[SEP]", mask_token="[UNK]")
    assert tokenizer.cls_token_id == tokenizer.sep_token_id
    assert tokenizer.mask_token_id == tokenizer.unk_token_id


def test_missing_special_token(small_vocabulary):
    with pytest.raises(ValueError, match=r"E204.*<s>.*cls_token"):
        DebertaV2Tokenizer(small_vocabulary, cls_token="<s>")
    tokenizer = DebertaV2Tokenizer(small_vocabulary, cls_token="<s>", added_tokens=["<s>"])
    assert tokenizer.cls_token_id == tokenizer.vocab_size


def test_two_tokens_for_one_id(small_vocabulary):
    with pytest.raises(ValueError, match="E218"):
        DebertaV2Tokenizer(small_vocabulary, added_tokens=[AddedToken(content="<a>", id=7)])


@pytest.mark.parametrize("cls", [DebertaV2Tokenizer, DebertaV2TokenizerFast])
@pytest.mark.parametrize("pair", [None, [7, 8], []])
def test_helpers(small_vocabulary, slow_small, cls, pair):
    small = cls(small_vocabulary)
    for name in (
        "build_inputs_with_special_tokens",
        "create_token_type_ids_from_sequences",
        "get_special_tokens_mask",
    ):
        assert getattr(small, name)([4, 5, 6], pair) == getattr(slow_small, name)([4, 5, 6], pair)
    whole = small.build_inputs_with_special_tokens([4, 3, 6], pair)
    ours = small.get_special_tokens_mask(whole, already_has_special_tokens=True)
    assert ours == slow_small.get_special_tokens_mask(whole, already_has_special_tokens=True)


ROLES = {
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


@pytest.fixture
def other_roles(tmp_path):
    """A vocabulary of WordPiece with control tokens as in RoBERTa, and without `bos_token`."""
    pieces = [*ROLES.values(), "ba", "do", "##do"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces), encoding="utf8")
    config = {"tokenizer_class": "BertTokenizer", **ROLES}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.mark.parametrize("kept", ["vocab.txt", "tokenizer.json"])
def test_roles_that_deberta_does_not_use(other_roles, kept, tmp_path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(other_roles)
    folder = other_roles
    if kept == "tokenizer.json":
        folder = tmp_path / "saved"
        theirs.save_pretrained(folder)
        (folder / "vocab.txt").unlink()
    ours = DebertaV2Tokenizer.from_directory(folder)
    text = "ba bado <s> <mask> x"
    expected = theirs(text)["input_ids"]
    assert ours(text, special_tokens_in_text=True)["input_ids"] == expected
    assert list(ours.all_special_ids) == sorted(theirs.all_special_ids)
    assert (ours.bos_token_id, ours.eos_token_id) == (theirs.cls_token_id, theirs.sep_token_id)
    ours.save_pretrained(tmp_path / "again")
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again(text)["input_ids"] == expected


@pytest.mark.parametrize("kind", [DebertaV2Tokenizer, DebertaV2TokenizerFast])
def test_roles_of_a_vocabulary_by_its_path(other_roles, kind):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(other_roles)
    ours = kind(other_roles / "vocab.txt", do_lower_case=True, **ROLES)
    text = "ba bado x"
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    with pytest.raises(ValueError, match=r"E204.*\[CLS\].*bos_token"):
        kind(other_roles / "vocab.txt", bos_token="[CLS]", **ROLES)
