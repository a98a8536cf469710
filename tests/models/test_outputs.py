"""Outputs of models support the same access as Hugging Face's outputs."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError

import pytest
import torch

from tests.nn.common import head_pair, padded_batch

IDS, MASK = padded_batch([7, 7, 7])
LABELS: dict[str, dict[str, torch.Tensor]] = {
    "DebertaV2Model": {},
    "DebertaV2ForTokenClassification": {"labels": IDS % 2},
    "DebertaV2ForSequenceClassification": {"labels": torch.tensor([0, 1, 1])},
    "DebertaV2ForMultipleChoice": {"labels": torch.tensor([2])},
    "DebertaV2ForQuestionAnswering": {
        "start_positions": torch.tensor([1, 2, 3]),
        "end_positions": torch.tensor([3, 2, 5]),
    },
    "DebertaV2ForMaskedLM": {"labels": IDS},
}
WANTED = {
    "nothing else": {},
    "hidden states": {"output_hidden_states": True},
    "attentions": {"output_attentions": True},
    "both": {"output_hidden_states": True, "output_attentions": True},
}
# One for each kind of key: by place from both ends, slices, by name.
KEYS = [0, 1, -1, slice(None), slice(1, None), slice(None, 2), slice(0, None, 2)]
NAMES = ["loss", "logits", "start_logits", "last_hidden_state", "hidden_states", "attentions"]


def _outputs(cls, *, labelled, wanted):
    theirs, ours = head_pair(cls)
    batch = {"input_ids": IDS, "attention_mask": MASK}
    if cls == "DebertaV2ForMultipleChoice":
        batch = {name: tensor[None] for name, tensor in batch.items()}
    batch |= LABELS[cls] if labelled else {}
    # With labels, ours would decode only the rows that have one.
    rows = {"rows": "all"} if cls == "DebertaV2ForMaskedLM" else {}
    with torch.no_grad():
        return theirs(**batch, **WANTED[wanted]), ours(**batch, **WANTED[wanted], **rows)


def _read(output, key):
    try:
        return output[key]
    except (KeyError, IndexError) as error:
        return type(error)


def _same(actual, expected):
    """The same tensors in the same nesting, or the same error."""
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0.0)
    elif isinstance(expected, tuple):
        assert isinstance(actual, tuple)
        assert len(actual) == len(expected)
        for mine, theirs in zip(actual, expected, strict=True):
            _same(mine, theirs)
    else:
        assert actual == expected


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("labelled", [False, True], ids=["no labels", "labels"])
@pytest.mark.parametrize("cls", LABELS)
def test_outputs_read_as_hugging_faces(cls, labelled, wanted):
    theirs, ours = _outputs(cls, labelled=labelled, wanted=wanted)
    assert isinstance(ours, Mapping)
    assert list(ours) == list(theirs)
    assert list(ours.keys()) == list(theirs.keys())
    assert len(ours) == len(theirs)
    _same(tuple(ours.values()), tuple(theirs.values()))
    _same(tuple(dict(ours.items()).values()), tuple(dict(theirs.items()).values()))
    assert list({**ours}) == list({**theirs})
    _same(ours.to_tuple(), theirs.to_tuple())
    for key in [*KEYS, *NAMES, 9, "rows", "no_such_field"]:
        _same(_read(ours, key), _read(theirs, key))
    for name in [*NAMES, 0, "no_such_field"]:
        assert (name in ours) is (name in theirs)
        assert (name in ours.keys()) is (name in theirs.keys())  # noqa: SIM118 (as users write it)
        assert (ours.get(name) is None) is (theirs.get(name) is None)


def test_unpacking_an_output_gives_names_as_hugging_faces_does():
    theirs, ours = _outputs("DebertaV2ForTokenClassification", labelled=True, wanted="nothing else")
    assert tuple(ours) == tuple(theirs) == ("loss", "logits")
    loss, logits = ours.to_tuple()
    assert (loss is ours.loss, logits is ours.logits) == (True, True)
    loss, logits = ours[:2]
    assert (loss is ours.loss, logits is ours.logits) == (True, True)


def test_an_output_can_not_be_changed():
    _, output = _outputs("DebertaV2Model", labelled=False, wanted="nothing else")
    with pytest.raises(FrozenInstanceError):
        output.last_hidden_state = None
    with pytest.raises(TypeError):
        output["last_hidden_state"] = None
    with pytest.raises(TypeError):
        del output[0]


def test_outputs_can_be_compared_kept_in_sets_and_copied():
    _, output = _outputs("DebertaV2Model", labelled=False, wanted="hidden states")
    for other in (copy.copy(output), pickle.loads(pickle.dumps(output))):
        assert other != output
        assert len({output, other}) == 2
        _same(other.to_tuple(), output.to_tuple())
    assert output == output
