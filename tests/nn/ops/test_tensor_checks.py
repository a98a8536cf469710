"""Inputs of models that are not tensors, or not of integers."""

import numpy as np
import pytest
import torch

import spacy_deberta
from spacy_deberta.nn import DebertaV2Config, PackedPieces

IDS = torch.tensor([[1, 2]])
BAD_IDS = {
    "list": [[1, 2]],
    "numpy": np.array([[1, 2]]),
    "text": "x",
    "float": IDS.float(),
    "bool": IDS.bool(),
    "complex": IDS.to(torch.complex64),
}
HEADS = ("Model", "ForSequenceClassification", "ForMultipleChoice", "ForReplacedTokenDetection")


def make(head, tiny_config):
    config = DebertaV2Config.from_dict({**tiny_config, "num_hidden_layers": 1})
    return getattr(spacy_deberta, f"DebertaV2{head}")(config).eval()


@pytest.mark.parametrize("values", BAD_IDS.values(), ids=BAD_IDS)
@pytest.mark.parametrize("head", HEADS)
def test_ids_are_tensors_of_integers(head, values, tiny_config):
    model = make(head, tiny_config)
    with pytest.raises(ValueError, match="E413.*'input_ids'.*a tensor of integers"):
        model(input_ids=values)


@pytest.mark.parametrize("name", ["token_type_ids", "position_ids"])
@pytest.mark.parametrize("values", BAD_IDS.values(), ids=BAD_IDS)
def test_other_ids_are_tensors_of_integers(name, values, tiny_config):
    with pytest.raises(ValueError, match=f"E413.*'{name}'"):
        make("Model", tiny_config)(input_ids=IDS, **{name: values})
    with pytest.raises(ValueError, match=f"E413.*'{name}'"):
        PackedPieces.from_lengths(IDS[0], [2], **{name: values})


@pytest.mark.parametrize("mask", [[[1, 1]], "x", np.ones((1, 2))], ids=["list", "text", "numpy"])
def test_a_mask_is_a_tensor(mask, tiny_config):
    with pytest.raises(ValueError, match="E413.*'attention_mask'"):
        make("Model", tiny_config)(input_ids=IDS, attention_mask=mask)


def test_embeddings_are_floating_point_numbers(tiny_config):
    model = make("Model", tiny_config)
    for rows in (torch.ones(1, 2, 32, dtype=torch.long), [[[0.0] * 32]]):
        with pytest.raises(ValueError, match="E413.*'inputs_embeds'.*floating-point"):
            model(inputs_embeds=rows)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_integers_are_ids(dtype, tiny_config):
    model = make("Model", tiny_config)
    with torch.no_grad():
        expected = model(input_ids=IDS).last_hidden_state
        found = model(input_ids=IDS.to(dtype)).last_hidden_state
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("ForSequenceClassification", ["labels"]),
        ("ForTokenClassification", ["labels"]),
        ("ForMaskedLM", ["labels"]),
        ("ForQuestionAnswering", ["start_positions", "end_positions"]),
    ],
)
def test_labels_are_tensors(head, names, tiny_config):
    model = make(head, tiny_config)
    with pytest.raises(ValueError, match=f"E413.*'{names[0]}'"):
        model(input_ids=IDS, **{name: [[0, 1]] for name in names})
