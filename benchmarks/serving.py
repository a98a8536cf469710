"""Throughput of `spacy deberta serve`: many clients at once against one request at a time.

    python -m benchmarks.serving --documents en_ewt-ud-test.conllu

The service runs in a process of its own, with an entity recognizer on the embedded model. Each
client sends the next sentence when it has its answer. The turns of one client and of many are
interleaved; each figure is the median of the repeats.
"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from wasabi import msg

from benchmarks.measures.corpora import read_file

TARGET = 2.0
MODEL = "deberta-v3-mini-en"
EXAMPLES = (
    (
        "Lena Brandt joined Siemens in Munich.",
        [(0, 11, "PERSON"), (19, 26, "ORG"), (30, 36, "GPE")],
    ),
    ("The bank in Frankfurt raised prices.", [(12, 21, "GPE")]),
)


def read_sentences(path: Path, count: int) -> list[str]:
    """The first sentences of a `.conllu` file, or lines of a text file."""
    text = read_file(path)
    if ".conllu" in path.name:
        lines = [line for line in text.splitlines() if line.startswith("# text = ")]
        return [line.removeprefix("# text = ") for line in lines[:count]]
    return [line for line in text.splitlines() if line.strip()][:count]


def save_pipeline(folder: Path, model: str = MODEL) -> None:
    """Save a pipeline with an entity recognizer whose labels are learned from two sentences."""
    import spacy
    from spacy.training import Example

    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", name="transformer", config={"model": {"name": model}})
    listener = {"@architectures": "spacy-deberta.TransformerListener.v1", "grad_factor": 1.0}
    pooling = {"@layers": "reduce_mean.v1"}
    ner = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "tok2vec": {**listener, "pooling": pooling},
    }
    nlp.add_pipe("ner", config={"model": ner})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": entities}) for text, entities in EXAMPLES
    ]
    nlp.initialize(lambda: examples)
    nlp.to_disk(folder)


@contextmanager
def serving(pipeline: Path, *options: str) -> Iterator[tuple[str, int]]:
    """A service in a process of its own, which is ready."""
    command = [sys.executable, "-m", "spacy", "deberta", "serve", str(pipeline), "--port", "0"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = urlsplit(process.stdout.readline().strip())
        assert url.hostname, "the service does not start"
        assert url.port
        address = (url.hostname, url.port)
        while not is_ready(*address):
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def is_ready(host: str, port: int) -> bool:
    """Whether the service has annotated its first text."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def measure_turn(address: tuple[str, int], sentences: Sequence[str], *, clients: int) -> float:
    """Seconds until all sentences are annotated."""
    left = iter(sentences)
    lock = threading.Lock()
    failures: list[int] = []

    def work() -> None:
        connection = http.client.HTTPConnection(*address, timeout=120)
        while True:
            with lock:
                text = next(left, None)
            if text is None:
                break
            body = json.dumps({"text": text})
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/annotate", body, headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                failures.append(response.status)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    assert not failures, f"statuses {sorted(set(failures))}"
    return seconds


def main(
    documents: Annotated[Path, typer.Option(help="Sentences: .conllu, or lines", exists=True)],
    pipeline: Annotated[
        Path | None, typer.Option(help="A trained pipeline; one on the embedded model if none")
    ] = None,
    clients: Annotated[int, typer.Option(help="Clients at once")] = 16,
    sentences: Annotated[int, typer.Option(help="Sentences of a turn")] = 800,
    repeats: Annotated[int, typer.Option(help="Turns of each")] = 5,
    threads: Annotated[int, typer.Option(help="Threads of PyTorch; 0 for its default")] = 0,
    batch_wait: Annotated[float, typer.Option(help="As in the service, in milliseconds")] = 2.0,
    check: Annotated[bool, typer.Option("--check", help="Fail where the target is missed")] = False,
) -> None:
    """Measure, and print requests per second."""
    texts = read_sentences(documents, sentences)
    seconds: dict[int, list[float]] = {1: [], clients: []}
    options = ("--threads", str(threads), "--batch-wait", str(batch_wait))
    with tempfile.TemporaryDirectory() as folder:
        if pipeline is None:
            pipeline = Path(folder) / "pipeline"
            save_pipeline(pipeline)
        with serving(pipeline, *options) as address:
            for number in seconds:
                measure_turn(address, texts[:50], clients=number)
            for _ in range(repeats):
                for number, own in seconds.items():
                    own.append(measure_turn(address, texts, clients=number))
    rates = {number: len(texts) / statistics.median(own) for number, own in seconds.items()}
    rows = [
        (f"{number}", f"{rate:.0f}", f"{1000 * number / rate:.1f}")
        for number, rate in rates.items()
    ]
    msg.table(rows, header=("clients", "requests/s", "ms each"), divider=True)
    ratio = rates[clients] / rates[1]
    print(f"{clients} clients: {ratio:.2f} times the requests/s of one (target {TARGET:g})")
    if check and ratio < TARGET:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
