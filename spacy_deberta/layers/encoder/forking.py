"""Encoding in forked processes, such as those of `nlp.pipe(n_process=2)`."""

import os

import torch

_process = os.getpid()


def use_one_thread_after_fork() -> None:
    """In a forked process, make PyTorch compute in one thread.

    A fork has none of its parent's OpenMP threads, but their library believes that it does: the
    first parallel computation crashes or never ends. Several processes are there to use several
    cores, so one thread for each is also what is fast.
    """
    global _process
    if os.getpid() != _process:
        torch.set_num_threads(1)
        _process = os.getpid()
