"""The process group and the barrier."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch.distributed

from spacy_deberta.distributed import Processes
from spacy_deberta.distributed.barrier import Barrier


def test_an_error_destroys_the_process_group(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1
    )
    processes = Processes(rank=0, count=2, device=torch.device("cpu"))
    with pytest.raises(ValueError, match="corpus"), processes:
        raise ValueError("corpus")
    assert not torch.distributed.is_initialized()


def test_a_single_process_has_no_process_group(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with Processes.join(gpu=-1) as processes:
        assert (processes.rank, processes.count) == (0, 1)
        assert not torch.distributed.is_initialized()


def test_no_process_leaves_the_barrier_before_all_have_reached_it():
    store, events = torch.distributed.HashStore(), []

    def work(seconds):
        barrier = Barrier(store, count=2)
        for number in range(3):
            time.sleep(seconds)
            events.append(("comes", number))
            barrier.wait()
            events.append(("leaves", number))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0.0, 0.05)))
    for number in range(3):
        last = max(place for place, event in enumerate(events) if event == ("comes", number))
        assert last < events.index(("leaves", number))
    # The keys of earlier calls are deleted.
    assert store.num_keys() <= 2
