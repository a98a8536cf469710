"""Inference in forked processes, such as those of `nlp.pipe(n_process=2)`."""

import os

import torch

_process = os.getpid()


def use_one_thread_after_fork() -> None:
    """In a forked process, limit PyTorch to one thread.

    A forked process has none of its parent's OpenMP threads, but the state of the OpenMP library
    still counts them: the first parallel computation crashes or deadlocks. Several processes
    already use several cores, so one thread for each is also fast.
    """
    global _process
    if os.getpid() != _process:
        torch.set_num_threads(1)
        _process = os.getpid()
