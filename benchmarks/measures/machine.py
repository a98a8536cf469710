"""The machine and the versions of a benchmark, and what the machine cannot measure."""

import os
import platform
import resource
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from spacy_deberta.nn import has_bf16

PACKAGES = (
    "torch",
    "triton",
    "spacy",
    "thinc",
    "spacy-transformers",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "onnx",
    "flashdeberta",
    "disentangled-flash",
)
# Instructions for bf16 products, fastest first: Linux's names, and those that users know. bf16 is
# emulated without them.
BF16_FLAGS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
GIB = 2**30


def describe_machine(threads: int) -> dict[str, Any]:
    """The hardware that the figures depend on, without the name of the machine."""
    flags = cpu_flags()
    return {
        "processor": _cpu_name(),
        "instructions": [flag for flag in ("avx2", "avx512f", *BF16_FLAGS) if flag in flags],
        "cores": os.cpu_count(),
        "threads": threads,
        "memory, GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def describe_versions() -> dict[str, str]:
    """Versions of Python and of all contenders, and the commit of this package."""
    versions = {"python": platform.python_version(), "spacy-deberta": commit()}
    installed = {found.name.lower(): found.version for found in distributions()}
    return versions | {name: installed[name] for name in PACKAGES if name in installed}


def commit() -> str:
    """The checked-out commit, with a + if tracked files are modified."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def cpu_flags() -> set[str]:
    """The processor's features, by Linux's names; empty on other systems."""
    for line in _cpuinfo():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()


def why_no_bf16() -> str:
    """Why bf16 cannot be measured on the processor; empty if it can."""
    if cpu_flags() & set(BF16_FLAGS):
        return ""
    return f"the processor has neither of {', '.join(BF16_FLAGS)}"


def why_auto_is_fp32() -> str:
    """Why `precision = "auto"` is fp32 on the processor; empty if it is bf16."""
    return "" if has_bf16() else f'{why_no_bf16()}, without which "auto" is fp32'


def why_no_gpu() -> str:
    """Why nothing can be measured on a GPU; empty if it can."""
    return "" if torch.cuda.is_available() else "there is no CUDA device"


def reset_peak_memory() -> None:
    """Reset the peak memory of this process, if the operating system supports that."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def peak_memory() -> float:
    """Peak memory of this process since `reset_peak_memory`, or since its start, in GiB.

    On Linux, `ru_maxrss` includes the memory before `exec`, `/proc/self/status` does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory() -> float:
    """Resident memory of this process, in MiB.

    Raises:
        OSError: The operating system has no `/proc`.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def available_memory() -> float:
    """Available memory without swapping, in GiB; infinite if it is unknown."""
    path = Path("/proc/meminfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 2**20
    return float("inf")


def _cpu_name() -> str:
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
