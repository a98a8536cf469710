"""Files of weights with small damages, by a seed: the same names and shapes, or a coded error.

A crash would end the whole run. What stands in a tensor has no checksum in any of the formats, so
that only its place, its type and its name can be held against the file.
"""

import json
import random
import struct

import pytest
import torch

from spacy_deberta.checkpoints import BARE_MODEL, find_checkpoint, save_tensorflow_checkpoint
from spacy_deberta.models import DebertaV2Model
from tests.checkpoints.folders import prefixed

pytestmark = pytest.mark.slow

MUTATIONS = 60
FORMS = ["safetensors", "bin", "legacy bin", "h5"]
IDS = torch.tensor([[5, 6, 7]])


def flip_bits(content, draw):
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        changed[structure_place(content, draw)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def set_bytes(content, draw):
    changed = bytearray(content)
    place = structure_place(content, draw)
    changed[place : place + 4] = draw.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(changed)


def cut(content, draw):
    return content[: draw.randrange(len(content))]


def drop(content, draw):
    place = structure_place(content, draw)
    return content[:place] + content[place + draw.randint(1, 16) :]


def insert(content, draw):
    place = structure_place(content, draw)
    return content[:place] + draw.randbytes(draw.randint(1, 16)) + content[place:]


def structure_place(content, draw):
    """Offsets mostly at the start and the end, where formats have headers and directories."""
    edge = min(6_000, len(content))
    start = draw.choice([0, 0, max(0, len(content) - edge), draw.randrange(len(content))])
    return min(start + draw.randrange(edge), len(content) - 1)


def edit_header(content, draw):
    """A value of the header of safetensors; of other formats a number anywhere."""
    (size,) = struct.unpack("<Q", content[:8])
    if size > len(content):
        return set_bytes(content, draw)
    header = json.loads(content[8 : 8 + size])
    entry = header[draw.choice([key for key in header if key != "__metadata__"])]
    field = draw.choice(["dtype", "shape", "data_offsets"])
    entry[field] = draw.choice(
        ["F64", "F16", "F4", "C64", "U16", [], [-1], [2**63], [0, 2**62], [1, 0], None, {}, 7, "?"]
    )
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + content[8 + size :]


MUTATORS = [flip_bits, set_bytes, cut, drop, insert, edit_header]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_tensors_or_a_coded_error(form, make_checkpoint, weights, tiny_config):
    if form == "h5":
        pytest.importorskip("h5py")
        folder = make_checkpoint(weights=None)
        save_tensorflow_checkpoint(
            folder,
            config=tiny_config,
            weights=prefixed(weights),
            architecture="DebertaV2Model",
            keras=BARE_MODEL,
        )
    else:
        folder = make_checkpoint(form=form)
    (path,) = find_checkpoint(folder).weights
    content = path.read_bytes()
    shapes = {key: tensor.shape for key, tensor in weights.items()}
    errors = []
    for seed in range(MUTATIONS):
        draw = random.Random(f"{form}-{seed}")
        path.write_bytes(draw.choice(MUTATORS)(content, draw))
        try:
            with torch.no_grad():
                model = DebertaV2Model.from_pretrained(folder)
                model(IDS)
        except (OSError, ValueError) as error:
            errors.append(str(error))
        else:
            assert {key: t.shape for key, t in model.state_dict().items()} == shapes, seed
    assert all(error.startswith("[spacy-deberta E3") for error in errors)
    assert len(errors) > MUTATIONS / 4, "the mutations do damage"
