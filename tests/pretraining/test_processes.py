"""Processes meet, and part whatever happens."""

import pytest
import torch.distributed

from spacy_deberta.pretraining import Processes


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
