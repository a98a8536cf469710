"""Distances, buckets and slots."""

import math

import pytest
import torch

from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.nn.relative_positions import position_slots, slot_table

V3 = DebertaV2Config(relative_attention=True, position_buckets=256)
CPU = torch.device("cpu")

# Values of the authors' function, by distance.
KNOWN = {0: 0, 1: 1, 127: 127, 128: 128, 129: 129, 131: 131, 160: 149, 200: 169, 256: 192}
KNOWN |= {300: 207, 400: 233, 500: 254, 506: 255, 511: 255}


@pytest.mark.parametrize(("distance", "bucket"), KNOWN.items())
def test_known_buckets(distance, bucket):
    slots = position_slots(512, V3)
    assert int(slots[511 + distance]) == 256 + bucket
    assert int(slots[511 - distance]) == 256 - bucket


def _plain_bucket(distance, buckets, max_distance):
    """The formula for one distance, implemented independently."""
    middle, far = buckets // 2, abs(distance)
    if far <= middle:
        return distance
    steps = math.log(far / middle) / math.log((max_distance - 1) / middle) * (middle - 1)
    return int(math.copysign(math.ceil(steps) + middle, distance))


@pytest.mark.parametrize(("buckets", "max_distance"), [(256, 512), (32, 512), (16, 64), (7, 20)])
@pytest.mark.parametrize("far", ["microsoft", "huggingface"])
def test_every_slot(buckets, max_distance, far):
    config = DebertaV2Config(
        relative_attention=True,
        position_buckets=buckets,
        max_position_embeddings=max_distance,
        far_positions=far,
    )
    length = 2 * max_distance
    expected = []
    for distance in range(1 - length, length):
        if far == "microsoft":
            distance = max(1 - max_distance, min(max_distance - 1, distance))
        slot = _plain_bucket(distance, buckets, max_distance) + buckets
        expected.append(max(0, min(2 * buckets - 1, slot)))
    assert position_slots(length, config).tolist() == expected


def test_far_positions():
    theirs = DebertaV2Config(
        relative_attention=True, position_buckets=256, far_positions="huggingface"
    )
    assert torch.equal(position_slots(512, V3), position_slots(512, theirs))
    assert int(position_slots(600, theirs)[0]) == 0
    assert int(position_slots(600, V3)[0]) == 1
    assert int(position_slots(600, V3)[-1]) == int(position_slots(600, theirs)[-1]) == 511


def test_without_buckets():
    config = DebertaV2Config(relative_attention=True, max_relative_positions=4)
    assert position_slots(6, config).tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7]


@pytest.mark.parametrize("length", [1, 2, 32, 129, 384, 512, 700])
def test_reachable_slots_are_a_slice(length):
    slots, table = position_slots(length, V3), slot_table(length, V3, CPU)
    assert torch.equal(table.rows + table.start, slots)
    assert set(slots.tolist()) == set(range(table.start, table.stop))
    assert len(slots) == 2 * length - 1


def test_as_many_slots_as_known():
    reachable = {32: 63, 64: 127, 128: 255, 129: 257, 256: 385, 384: 459, 512: 511}
    for length, count in reachable.items():
        table = slot_table(length, V3, CPU)
        assert table.stop - table.start == count


def test_made_in_inference_mode_used_in_training():
    config = DebertaV2Config(relative_attention=True, position_buckets=250)
    with torch.inference_mode():
        table = slot_table(77, config, CPU)
    assert not table.rows.is_inference()
    assert not position_slots(77, config).is_inference()


def test_lengths_share_one_table():
    kept = {position_slots(length, V3).untyped_storage().data_ptr() for length in range(65, 129)}
    assert len(kept) == 1
