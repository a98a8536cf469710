"""`deberta_fill_mask`, compared with Hugging Face and our module; training and bad input."""

import math
from dataclasses import asdict

import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training import Example

import spacy_deberta
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pipeline.fill_mask import FillMask
from spacy_deberta.pipeline.fill_mask.random_masks import mask_at_random
from tests.conftest import SENTENCES

TEXTS = (
    "Mira Okafor left [MASK] in Rotterdam.",
    "[MASK] expected the [MASK] team from Porto[MASK]",
    "Nobody asks.",
    "",
    "[MASK]",
    "  é [MASK]\n[SEP] the [CLS] bank [MASK] [PAD]",
)
LONG = " ".join(f"{sentence} The [MASK] of {i}." for i, sentence in enumerate(SENTENCES * 4))


def make_folder(path, config, tokenizer, layout):
    config = DebertaV2Config.from_dict(config)
    model = spacy_deberta.DebertaV2ForMaskedLM(config, layout=layout)
    model.init_weights(torch.Generator().manual_seed(3))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_config, tiny_tokenizer):
    """A checkpoint of each layout, random weights."""
    folder = tmp_path_factory.mktemp("fill_mask")
    return {
        layout: make_folder(folder / layout, tiny_config, tiny_tokenizer, layout)
        for layout in ("emd", "legacy")
    }


def make_pipeline(name=None, *, settings=None, **model):
    nlp = spacy.blank("en")
    model = {"name": None if name is None else str(name), **model}
    nlp.add_pipe("deberta_fill_mask", name="fill", config={"model": model, **(settings or {})})
    return nlp


def initialized(name, **settings):
    nlp = make_pipeline(name, settings=settings)
    nlp.initialize()
    return nlp


@pytest.fixture(scope="module")
def pipelines(folders):
    return {layout: initialized(folder) for layout, folder in folders.items()}


@pytest.fixture(scope="module")
def nlp(pipelines):
    return pipelines["emd"]


def hugging_face(folder):
    transformers = pytest.importorskip("transformers")
    return transformers.pipeline(
        "fill-mask",
        model=transformers.DebertaV2ForMaskedLM.from_pretrained(folder),
        tokenizer=transformers.DebertaV2Tokenizer.from_pretrained(folder),
        device="cpu",
    )


def their_fillings(pipe, text, k):
    found = pipe(text, top_k=k)
    return found if isinstance(found[0], list) else [found]


def assert_same(ours, theirs):
    assert [[filling.id for filling in of_mask] for of_mask in ours] == [
        [filling["token"] for filling in of_mask] for of_mask in theirs
    ]
    for of_mask, expected in zip(ours, theirs, strict=True):
        for filling, other in zip(of_mask, expected, strict=True):
            assert filling.score == pytest.approx(other["score"], abs=1e-5)
            assert filling.text == other["token_str"]


@pytest.mark.parametrize("k", [1, 5, 30])
def test_fillings_are_those_of_hugging_face(pipelines, folders, k):
    theirs = hugging_face(folders["legacy"])
    for text in TEXTS[:2] + TEXTS[4:5]:
        assert_same(
            pipelines["legacy"].make_doc(text)._.fill_mask(k=k), their_fillings(theirs, text, k)
        )


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_fillings_are_those_of_the_module(pipelines, folders, tiny_tokenizer, layout):
    model = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folders[layout]).eval()
    assert model.layout == layout
    for text in TEXTS:
        ids = [tiny_tokenizer.cls_token_id]
        for i, part in enumerate(text.split("[MASK]")):
            ids += [tiny_tokenizer.mask_token_id] * (i > 0)
            ids += tiny_tokenizer.encode_batch([part]).ids.tolist() if part else []
        ids = torch.tensor([[*ids, tiny_tokenizer.sep_token_id]])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[ids == tiny_tokenizer.mask_token_id]
        scores, pieces = logits.softmax(-1).topk(4)
        found = pipelines[layout].make_doc(text)._.fill_mask(k=4)
        assert [[f.id for f in of_mask] for of_mask in found] == pieces.tolist()
        flat = [filling.score for of_mask in found for filling in of_mask]
        assert flat == pytest.approx(scores.flatten().tolist(), abs=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_fillings_stand_where_the_masks_are(nlp, tiny_tokenizer, text):
    found = nlp.make_doc(text)._.fill_mask()
    assert len(found) == text.count("[MASK]")
    places = [{(filling.start_char, filling.end_char) for filling in of_mask} for of_mask in found]
    position = 0
    for of_mask in places:
        ((start, end),) = of_mask
        assert start == text.index("[MASK]", position)
        assert text[start:end] == "[MASK]"
        position = end
    for of_mask in found:
        assert len(of_mask) == 5
        assert [f.score for f in of_mask] == sorted((f.score for f in of_mask), reverse=True)
        assert [tiny_tokenizer.convert_ids_to_tokens(f.id) for f in of_mask] == [
            f.piece for f in of_mask
        ]


def test_more_pieces_than_there_are(nlp):
    (of_mask,) = nlp.make_doc("The [MASK].")._.fill_mask(k=10_000)
    assert len(of_mask) == 450
    assert sum(filling.score for filling in of_mask) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ValueError, match="E413.*'k'"):
        nlp.make_doc("The [MASK].")._.fill_mask(k=0)


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_a_mask_of_a_long_text_is_read_with_the_most_context(folders, tiny_tokenizer, layout):
    nlp = initialized(folders[layout], max_length=64, overlap=30)
    model = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folders[layout]).eval()
    pieces = tiny_tokenizer.encode_batch([LONG], special_tokens_in_text=["[MASK]"])
    ids = pieces.ids.tolist()
    room, overlap = 62, 30
    count = math.ceil((len(ids) - overlap) / (room - overlap))
    length = math.ceil((len(ids) + (count - 1) * overlap) / count)
    starts = [i * (len(ids) - length) // (count - 1) for i in range(count)]
    masks = [i for i, piece in enumerate(ids) if piece == tiny_tokenizer.mask_token_id]
    found = nlp.make_doc(LONG)._.fill_mask(k=3)
    assert len(found) == len(masks) == 40
    for place, of_mask in zip(masks, found, strict=True):
        windows = [start for start in starts if start <= place < start + length]
        start = max(windows, key=lambda start: min(place - start, start + length - 1 - place))
        window = tiny_tokenizer.build_inputs_with_special_tokens(ids[start : start + length])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([window])).logits[0, 1 + place - start]
        scores, expected = logits.softmax(-1).topk(3)
        assert [filling.id for filling in of_mask] == expected.tolist()
        assert [filling.score for filling in of_mask] == pytest.approx(scores.tolist(), abs=1e-5)


def test_batches_of_many_masks_and_sub_batches_give_the_same_scores(folders):
    whole = initialized(folders["emd"], max_length=64, overlap=30)
    parted = make_pipeline(
        folders["emd"], settings={"max_length": 64, "overlap": 30}, max_batch_pieces=100
    )
    parted.initialize()
    texts = [*TEXTS, "[MASK] " * 300, LONG, *TEXTS]
    together = [
        pipe.get_pipe("fill").fill(map(pipe.make_doc, texts), 3) for pipe in (whole, parted)
    ]
    alone = [whole.make_doc(text)._.fill_mask(3) for text in texts]
    for found in together:
        assert [len(of_doc) for of_doc in found] == [text.count("[MASK]") for text in texts]
        for of_doc, expected in zip(found, alone, strict=True):
            for of_mask, others in zip(of_doc, expected, strict=True):
                for filling, other in zip(of_mask, others, strict=True):
                    assert filling.score == pytest.approx(other.score, abs=1e-5)
                    assert filling.start_char == other.start_char


def test_only_masks_are_decoded(nlp, monkeypatch):
    component = nlp.get_pipe("fill")
    rows = []
    forward = component.model._func

    def counting(model, sequences, is_train):
        scores, backprop = forward(model, sequences, is_train)
        rows.append(len(scores))
        return scores, backprop

    monkeypatch.setattr(component.model, "_func", counting)
    component.fill([nlp.make_doc(text) for text in TEXTS])
    assert rows == [sum(text.count("[MASK]") for text in TEXTS)]
    component.fill([nlp.make_doc("Nobody asks.")])
    assert len(rows) == 1


def test_streaming_sets_plain_values(folders):
    nlp = initialized(folders["emd"], top_k=2)
    docs = list(nlp.pipe(TEXTS, batch_size=4))
    for doc in docs:
        expected = [
            [asdict(f) for f in of_mask] for of_mask in nlp.make_doc(doc.text)._.fill_mask(2)
        ]
        assert [[f["id"] for f in of_mask] for of_mask in doc._.fillings] == [
            [f["id"] for f in of_mask] for of_mask in expected
        ]
    assert docs[2]._.fillings == docs[3]._.fillings == []
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    for doc, other in zip(docs, DocBin().from_bytes(data).get_docs(nlp.vocab), strict=True):
        assert [list(of_mask) for of_mask in other._.fillings] == doc._.fillings
    assert nlp.get_pipe("fill").predict([]) == []


def make_examples(nlp, texts):
    return [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts]


SCRATCH = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 96,
}
# The missing piece is determined by its neighbours.
EASY = ["the bank in " * 7 + "the bank", "bank in the " * 6 + "bank"]


@pytest.fixture(scope="module", params=[False, True], ids=["emd", "legacy"])
def trained(request, tiny_vocabulary):
    spacy.util.fix_random_seed(0)
    scratch = {"vocabulary": str(tiny_vocabulary), "legacy": request.param, **SCRATCH}
    nlp = make_pipeline(from_scratch=scratch)
    nlp.config["initialize"]["components"] = {"fill": {"new_head": True}}
    examples = make_examples(nlp, EASY * 6)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.003
    losses = [nlp.update(examples, sgd=optimizer, losses={})["fill"] for _ in range(130)]
    return nlp, losses


@pytest.mark.slow
def test_training_from_scratch_beats_chance(trained):
    nlp, losses = trained
    assert losses[-1] < 0.5 * losses[0]
    scores = nlp.evaluate(make_examples(nlp, EASY))
    assert scores["mask_acc"] > 0.6  # every fifth piece is "in"
    assert scores["mask_perplexity"] < 3
    (of_mask,) = nlp.make_doc("the bank in the bank [MASK] the bank in the")._.fill_mask()
    assert of_mask[0].text == "in"


@pytest.mark.slow
def test_saving_and_loading(trained, tmp_path):
    nlp, _ = trained
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    from_bytes = make_pipeline()
    from_bytes.from_bytes(nlp.to_bytes())
    for text in TEXTS:
        expected = nlp.make_doc(text)._.fill_mask(3)
        for other in (again, from_bytes):
            found = other.make_doc(text)._.fill_mask(3)
            assert [[f.id for f in of_mask] for of_mask in found] == [
                [f.id for f in of_mask] for of_mask in expected
            ]
    folder = tmp_path / "pipeline" / "fill" / "model"
    if spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folder).layout == "legacy":
        theirs = their_fillings(hugging_face(folder), TEXTS[1], 3)
        assert_same(nlp.make_doc(TEXTS[1])._.fill_mask(3), theirs)


def test_the_score_masks_every_seventh_piece(nlp, folders, tiny_tokenizer):
    texts = ["", *SENTENCES]
    model = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(folders["emd"]).eval()
    position, right, losses = 0, 0, []
    for text in texts:
        gold = tiny_tokenizer.encode_batch([text]).ids.tolist()
        masked = [i for i in range(len(gold)) if (position + i) % 7 == 3]
        position += len(gold)
        ids = [
            tiny_tokenizer.mask_token_id if i in masked else piece for i, piece in enumerate(gold)
        ]
        ids = torch.tensor([tiny_tokenizer.build_inputs_with_special_tokens(ids)])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, 1:-1]
        for i in masked:
            right += int(logits[i].argmax()) == gold[i]
            losses.append(-float(logits[i].log_softmax(-1)[gold[i]]))
    scores = nlp.evaluate(make_examples(nlp, texts))
    assert scores["mask_acc"] == right / len(losses)
    expected = math.exp(sum(losses) / len(losses))
    assert scores["mask_perplexity"] == pytest.approx(expected, rel=1e-4)
    assert nlp.evaluate(make_examples(nlp, [""]))["mask_acc"] is None


def test_the_loss_is_that_of_the_hidden_pieces(nlp, folders):
    """The cross entropy of the masked pieces only, computed with Hugging Face's model."""
    component = nlp.get_pipe("fill")
    spacy.util.fix_random_seed(1)
    batch = component.training_batch(make_examples(nlp, SENTENCES))
    logits = torch.from_numpy(component.model.predict(batch.sequences))
    spacy.util.fix_random_seed(1)
    again = component.training_batch(make_examples(nlp, SENTENCES))
    assert again.sequences.input_ids.tolist() == batch.sequences.input_ids.tolist()
    assert again.sequences.decoded.tolist() == batch.sequences.decoded.tolist()
    other = component.training_batch(make_examples(nlp, SENTENCES))
    assert other.sequences.decoded.tolist() != batch.sequences.decoded.tolist()

    tokenizer = component.model.layers[0].shims[0].tokenizer
    gold = [
        piece
        for text in SENTENCES
        for piece in tokenizer.build_inputs_with_special_tokens(
            tokenizer.encode_batch([text]).ids.tolist()
        )
    ]
    targets = torch.tensor(gold)[batch.sequences.decoded]
    expected = -logits.log_softmax(-1).gather(1, targets.unsqueeze(1)).mean()
    assert float(batch.loss(logits)) == pytest.approx(float(expected), abs=1e-5)


def test_the_masks_of_training(tiny_tokenizer):
    spacy.util.fix_random_seed(0)
    ids = torch.randint(5, 400, (100_000,)).numpy()
    masked = mask_at_random(ids, probability=0.15, mask_token_id=444, vocab_size=400)
    assert len(masked.chosen) / len(ids) == pytest.approx(0.15, abs=0.005)
    seen, gold = masked.ids[masked.chosen], ids[masked.chosen]
    assert (seen == 444).mean() == pytest.approx(0.8, abs=0.015)
    assert (seen == gold).mean() == pytest.approx(0.1, abs=0.015)
    rest = ids.copy()
    rest[masked.chosen] = masked.ids[masked.chosen]
    assert (rest == masked.ids).all()


def test_texts_without_loss(nlp):
    component = nlp.get_pipe("fill")
    assert component.training_batch(make_examples(nlp, ["", ""])) is None
    assert component.update(make_examples(nlp, [""])) == {"fill": 0.0}


def test_long_texts_are_learned_from_in_windows(folders):
    nlp = initialized(folders["emd"], max_length=40, overlap=8, mask_probability=1.0)
    text = LONG.replace("[MASK]", "end")
    batch = nlp.get_pipe("fill").training_batch(make_examples(nlp, [text]))
    lengths = batch.sequences.lengths
    assert lengths.max() <= 40
    pieces = nlp.get_pipe("fill").model.layers[0].shims[0].tokenizer.encode_batch([text])
    decoded = batch.sequences.decoded
    assert len(decoded) == int(lengths.sum()) - 2 * len(lengths)
    # Windows of equal length: neighbours share at most one piece.
    assert len(pieces.ids) <= len(decoded) < len(pieces.ids) + len(lengths)


def test_an_owner_without_positions_can_not_share_its_encoder(folders, tiny_checkpoint):
    def share(fill_from, owner):
        nlp = spacy.blank("en")
        config = {"model": {"@architectures": "spacy-deberta.DebertaV2Model.v1"}}
        config["model"]["name"] = str(owner)
        config["model"]["get_spans"] = {
            "@span_getters": "spacy-deberta.piece_windows.v1",
            "window": 510,
            "overlap": 64,
        }
        nlp.add_pipe("deberta", name="transformer", config=config)
        model = {"name": str(fill_from), "shared_encoder": "transformer"}
        nlp.add_pipe("deberta_fill_mask", name="fill", config={"model": model})
        nlp.initialize()
        return nlp

    with pytest.raises(ValueError, match=r"E604.*position embeddings"):
        share(folders["emd"], folders["emd"])
    nlp = share(folders["legacy"], folders["legacy"])
    alone = initialized(folders["legacy"])
    expected = alone.make_doc(TEXTS[1])._.fill_mask(2)
    found = nlp.make_doc(TEXTS[1])._.fill_mask(2)
    assert [[f.id for f in m] for m in found] == [[f.id for f in m] for m in expected]


def test_its_own_positions_can_be_shared(folders, tiny_vocabulary):
    nlp = make_pipeline(folders["emd"])
    nlp.add_pipe(
        "deberta_fill_mask",
        name="second",
        config={"model": {"name": str(folders["emd"]), "shared_encoder": "fill"}},
    )
    nlp.initialize()
    doc = nlp.make_doc(TEXTS[0])
    with pytest.raises(ValueError, match="E608"):
        doc._.fill_mask()
    first, second = (doc._.fill_mask(component=name) for name in ("fill", "second"))
    assert first == second


def test_a_checkpoint_without_the_head_is_not_filled_by_chance(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    with pytest.raises(ValueError, match=r"E602.*masked lm.*new_head = true.*\.components\.fill"):
        nlp.initialize(lambda: make_examples(nlp, EASY))
    nlp.config["initialize"]["components"] = {"fill": {"new_head": True}}
    nlp.initialize(lambda: make_examples(nlp, EASY))
    assert len(nlp.make_doc("The [MASK].")._.fill_mask()) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {"top_k": 0},
        {"mask_probability": 0.0},
        {"mask_probability": 1.5},
        {"max_length": 2},
        {"overlap": 510},
    ],
)
def test_settings_that_can_not_be(nlp, setting):
    with pytest.raises(ValueError, match=f"E413.*{next(iter(setting))}"):
        FillMask(nlp.vocab, nlp.get_pipe("fill").model, **setting)


def test_a_scorer_is_refused_as_the_component_scores_by_itself(nlp):
    filler = nlp.get_pipe("fill")
    with pytest.raises(TypeError, match="scorer"):
        FillMask(nlp.vocab, filler.model, scorer=lambda examples, **kwargs: {})


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_a_checkpoint_without_an_embedding_for_the_mask(
    layout, tmp_path, tiny_config, tiny_tokenizer
):
    """Like checkpoints with 128,000 rows, one for each piece of the vocabulary."""
    config = {**tiny_config, "vocab_size": tiny_tokenizer.vocab_size}
    folder = make_folder(tmp_path / "rows", config, tiny_tokenizer, layout)
    with pytest.raises(ValueError, match=r"E319.*\[MASK\].*Everything else works"):
        initialized(folder)
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config={"model": {"name": str(folder)}})
    nlp.initialize()
    assert nlp(TEXTS[0])._.trf_data.tensors[0].shape[-1] == 32
    nlp.to_disk(tmp_path / "pipeline")
    assert len(spacy.load(tmp_path / "pipeline")(TEXTS[0])) == len(nlp(TEXTS[0]))
