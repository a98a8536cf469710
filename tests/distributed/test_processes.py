"""Processes meet, and part whatever happens."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch.distributed

from spacy_deberta.distributed import Processes
from spacy_deberta.distributed.meeting import Meeting


def test_an_error_parts_from_the_other_processes(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1
    )
    processes = Processes(rank=0, count=2, device=torch.device("cpu"))
    with pytest.raises(ValueError, match="corpus"), processes:
        raise ValueError("corpus")
    assert not torch.distributed.is_initialized()


def test_alone_there_is_nobody_to_part_from(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with Processes.join(gpu=-1) as processes:
        assert (processes.rank, processes.count) == (0, 1)
        assert not torch.distributed.is_initialized()


def test_nobody_leaves_a_meeting_before_all_have_come():
    store, events = torch.distributed.HashStore(), []

    def work(seconds):
        meeting = Meeting(store, count=2)
        for number in range(3):
            time.sleep(seconds)
            events.append(("comes", number))
            meeting.wait()
            events.append(("leaves", number))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0.0, 0.05)))
    for number in range(3):
        last = max(place for place, event in enumerate(events) if event == ("comes", number))
        assert last < events.index(("leaves", number))
    # What earlier meetings needed is not there any more.
    assert store.num_keys() <= 2
