"""Runs functions that may crash, hang, fill the memory or execute code in child processes."""

import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy_deberta

PACKAGE = str(Path(spacy_deberta.__file__).parent)
# Audit events that opening a file must not cause.
FORBIDDEN_EVENTS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one seed.

    Attributes:
        seed: The seed.
        kind: "accepted", "coded", "foreign" for an error in which no frame of the package is, or a
            failure: "uncoded", "garbage", "escaped", "crashed", "hung".
        detail: The error with its last frames.
    """

    seed: int
    kind: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        return self.kind not in ("accepted", "coded", "foreign")


class Garbage(Exception):  # noqa: N818
    """An accepted input gives results that are not finite."""


def run_seeds(
    run: Callable[[int], None],
    seeds: Iterable[int],
    *,
    writable: Path,
    seconds: float = 20.0,
    memory: int = 2 * 2**30,
    forbidden: Sequence[str] = FORBIDDEN_EVENTS,
) -> list[Outcome]:
    """Run a function on every seed, in child processes that are replaced when they die.

    Args:
        run: Raises, or returns if the input of the seed was accepted and is of use.
        seeds: The seeds.
        writable: The only folder that files may be written to, beside the system's temporary one.
        seconds: A seed that takes longer hangs.
        memory: Bytes that a child may have beyond those that it has at its start.
        forbidden: Events of Python that no seed may cause.

    Returns:
        One outcome for each seed.
    """
    waiting = list(seeds)
    outcomes: list[Outcome] = []
    while waiting:
        done = _run_child(
            run, waiting, writable=writable, seconds=seconds, memory=memory, forbidden=forbidden
        )
        outcomes += done
        waiting = waiting[len(done) :]
    return outcomes


def _run_child(
    run: Callable[[int], None],
    seeds: list[int],
    *,
    writable: Path,
    seconds: float,
    memory: int,
    forbidden: Sequence[str],
) -> list[Outcome]:
    """Fork; the outcomes come through a pipe until the child ends, dies or hangs."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(run, seeds, writer, writable=writable, memory=memory, forbidden=forbidden)
    os.close(writer)
    outcomes: list[Outcome] = []
    text = ""
    hung = False
    started = time.monotonic()
    while len(outcomes) < len(seeds):
        ready, _, _ = select.select(
            [reader], [], [], max(0.0, started + seconds - time.monotonic())
        )
        if not ready:
            hung = True
            break
        received = os.read(reader, 2**16)
        if not received:
            break
        *lines, text = (text + received.decode()).split("\n")
        outcomes += [Outcome(*json.loads(line)) for line in lines]
        started = time.monotonic()
    os.close(reader)
    if hung:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if len(outcomes) < len(seeds):
        kind = "hung" if hung else "crashed"
        outcomes.append(Outcome(seeds[len(outcomes)], kind, f"status {status}"))
    return outcomes


def _work(
    run: Callable[[int], None],
    seeds: list[int],
    writer: int,
    *,
    writable: Path,
    memory: int,
    forbidden: Sequence[str],
) -> None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nothing, stream)
        escapes = _watch(writable, forbidden)
        for seed in seeds:
            outcome = _outcome(run, seed, escapes)
            os.write(
                writer, (json.dumps([outcome.seed, outcome.kind, outcome.detail]) + "\n").encode()
            )
    finally:
        os._exit(0)


def _outcome(run: Callable[[int], None], seed: int, escapes: list[str]) -> Outcome:
    kind, detail = "accepted", ""
    try:
        run(seed)
    except Garbage as error:
        kind, detail = "garbage", str(error)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        detail = f"{type(error).__name__}: {str(error)[:300]}"
        if "[spacy-deberta E" in str(error):
            kind = "coded"
        elif not any(frame.filename.startswith(PACKAGE) for frame in frames):
            kind = "foreign"
        else:
            kind = "uncoded"
            detail += "\n" + "".join(traceback.format_list(frames[-4:]))
    if escapes:
        kind, detail = "escaped", "; ".join(escapes)
        escapes.clear()
    return Outcome(seed, kind, detail)


def _watch(writable: Path, forbidden: Sequence[str]) -> list[str]:
    """A list that collects forbidden audit events."""
    escapes: list[str] = []
    allowed = (str(writable), tempfile.gettempdir(), os.devnull)

    def hook(event: str, args: tuple) -> None:
        if event in forbidden:
            escapes.append(f"{event} {args}")
        elif event == "open" and isinstance(args[0], str) and isinstance(args[2], int):
            path = str(Path(args[0]).absolute())
            if args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not path.startswith(allowed):
                escapes.append(f"writes to {path}")

    sys.addaudithook(hook)
    return escapes
