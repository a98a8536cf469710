"""The base class of all models, compared with Hugging Face's class of the same name."""

import copy

import pytest
import torch

import spacy_deberta
from spacy_deberta import DebertaV2PreTrainedModel, models
from spacy_deberta.layers import get_encoder
from tests import huggingface
from tests.nn.common import close, head_pair, padded_batch
from tests.pipeline.pipelines import make_pipeline

CLASSES = ["DebertaV2Model", "DebertaV2ForTokenClassification", "DebertaV2ForMaskedLM"]


def pair(cls, variant="v3"):
    """A new model of Hugging Face, and ours with the same weights."""
    theirs, ours = head_pair(cls, variant)
    return copy.deepcopy(theirs), ours


@pytest.mark.parametrize("spec", models.HEADS.values(), ids=models.HEADS)
def test_there_is_one_class_for_each_name(spec, tiny_checkpoint):
    cls = getattr(spacy_deberta, spec.architecture)
    assert cls is spec.module_class
    model = cls.from_pretrained(tiny_checkpoint)
    assert isinstance(model, DebertaV2PreTrainedModel)
    assert type(model.deberta) is spacy_deberta.DebertaV2Model
    assert model.base_model is model.deberta


def test_pipelines_have_the_class_that_people_import(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.initialize()
    assert isinstance(get_encoder(nlp.get_pipe("transformer").model), spacy_deberta.DebertaV2Model)


@pytest.mark.parametrize("cls", CLASSES)
def test_sizes_and_types(cls):
    theirs, ours = pair(cls)
    for only_trainable in (False, True):
        assert ours.num_parameters(only_trainable) == theirs.num_parameters(only_trainable)
    assert ours.dtype == theirs.dtype
    assert ours.device == theirs.device
    assert ours.half().dtype == torch.float16
    frozen = ours.get_input_embeddings().weight.requires_grad_(False).numel()
    assert ours.num_parameters() - ours.num_parameters(only_trainable=True) == frozen


def test_tables_of_embeddings_can_be_left_out_of_the_count():
    theirs, ours = pair("DebertaV2Model", "token-types")
    assert ours.num_parameters(exclude_embeddings=True) == theirs.num_parameters(
        exclude_embeddings=True
    )


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("count", "multiple"), [(120, None), (50, None), (101, 8), (None, 64)])
def test_resized_embeddings_have_the_shape_of_theirs(cls, count, multiple):
    theirs, ours = pair(cls)
    old = ours.get_input_embeddings().weight.detach().clone()
    made = ours.resize_token_embeddings(count, pad_to_multiple_of=multiple)
    theirs.resize_token_embeddings(count, pad_to_multiple_of=multiple, mean_resizing=False)
    expected = theirs.get_input_embeddings()
    assert made is ours.get_input_embeddings()
    assert made.weight.shape == expected.weight.shape
    assert ours.config.vocab_size == theirs.config.vocab_size == made.num_embeddings
    assert ours.base_model.config.vocab_size == made.num_embeddings
    kept = min(len(old), made.num_embeddings)
    assert made.weight[:kept].equal(old[:kept])
    assert made.padding_idx == expected.padding_idx


def test_a_resized_model_scores_old_pieces_as_before():
    torch.manual_seed(0)
    _, ours = pair("DebertaV2ForMaskedLM")
    ids, mask = padded_batch([7, 4])
    ids = ids.clamp(max=40)
    with torch.no_grad():
        before = ours(ids, mask).logits
        size = before.shape[-1] + 11
        ours.resize_token_embeddings(size)
        after = ours(ids, mask).logits
    assert after.shape[-1] == size
    close(after[..., : before.shape[-1]], before, 1e-6)
    assert after[mask.bool()][:, before.shape[-1] :].abs().max() < before.abs().max()


def test_a_resized_model_is_saved_and_loaded(tmp_path):
    _, ours = pair("DebertaV2ForMaskedLM")
    ours.resize_token_embeddings(160)
    ours.save_pretrained(tmp_path)
    loaded = spacy_deberta.DebertaV2ForMaskedLM.from_pretrained(tmp_path)
    assert loaded.config.vocab_size == 160
    assert all(loaded.state_dict()[key].equal(value) for key, value in ours.state_dict().items())


def test_the_row_of_the_padding_stays():
    config = spacy_deberta.DebertaV2Config.from_dict(huggingface.VARIANTS["v3"])
    model = spacy_deberta.DebertaV2Model(config)
    with pytest.raises(ValueError, match=r"E350.* at least 1"):
        model.resize_token_embeddings(0)
    made = model.resize_token_embeddings(200)
    assert not made.weight[config.pad_token_id].any()
    assert made.weight[150:].std().item() == pytest.approx(config.initializer_range, rel=0.2)


def test_other_embeddings_are_used():
    _, ours = pair("DebertaV2Model")
    ids, mask = padded_batch([5, 3])
    old = ours.get_input_embeddings()
    shifted = torch.nn.Embedding.from_pretrained(old.weight.detach().roll(1, 0))
    with torch.no_grad():
        expected = ours(ids - 1, mask).last_hidden_state
        ours.set_input_embeddings(shifted)
        close(ours(ids, mask).last_hidden_state, expected, 1e-6)
