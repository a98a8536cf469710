"""The encoder on a CUDA device: the same numbers as on the CPU."""

import pytest
import torch

from spacy_deberta.nn import DebertaV2Config, DebertaV2Model, PackedPieces

pytestmark = pytest.mark.gpu
LENGTHS = [3, 130, 64, 1, 300]


@pytest.fixture
def model(tiny_config):
    model = DebertaV2Model(DebertaV2Config.from_dict(tiny_config))
    model.init_weights(torch.Generator().manual_seed(0))
    return model.eval()


@pytest.fixture
def pieces():
    ids = torch.randint(4, 400, (sum(LENGTHS),), generator=torch.Generator().manual_seed(1))
    return PackedPieces.from_lengths(ids, LENGTHS)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
def test_rows_are_those_of_the_cpu(model, pieces, dtype, bound):
    with torch.no_grad():
        expected = model.forward_packed(pieces).last_hidden_state
        model.to("cuda")
        with torch.autocast("cuda", dtype=dtype, enabled=dtype != torch.float32):
            found = model.forward_packed(pieces.to("cuda")).last_hidden_state
    torch.testing.assert_close(found.float().cpu(), expected, rtol=0, atol=bound)


def test_gradients_are_those_of_the_cpu(model, pieces):
    gradients = []
    for device in ("cpu", "cuda"):
        model.zero_grad()
        model.to(device)
        model.forward_packed(pieces.to(device)).last_hidden_state.square().sum().backward()
        gradients.append({k: p.grad.cpu() for k, p in model.named_parameters()})
    for key, expected in gradients[0].items():
        bound = 1e-3 * expected.abs().max().item()
        torch.testing.assert_close(gradients[1][key], expected, rtol=0, atol=bound)
