r"""Speed and memory of GLiNER: ours against the package gliner and gliner-spacy.

    python -m benchmarks.gliner --vocabulary spm.model --documents test.conllu \
        --python .venv-gliner/bin/python

All load the same random checkpoint in base shape. The others run in processes of their own, with
their own environment. Contenders take turns, and each figure is a median of CPU seconds: all have
one thread, so that on an idle machine these are the seconds that pass.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.measures.machine import peak_memory
from benchmarks.saving import BASE

PROCESS = Path(__file__).parent / "peers" / "gliner_process.py"
HEAD = {"hidden_size": 512, "max_width": 12, "num_rnn_layers": 1, "span_mode": "markerV0"}
LABELS = [
    *("person", "organization", "location", "date", "product", "event", "work of art", "law"),
    *("language", "currency", "means of transport", "animal", "plant", "food", "disease"),
    *("medicine", "weapon", "sport", "award", "phone number", "email address", "title"),
    *("nationality", "religion", "time of day"),
]
PRECISIONS = ("fp32", "auto", "int8")
PARAGRAPH = 127


class Process:
    """A contender in a process of its own, which answers requests.

    Args:
        python: The interpreter of its environment.
    """

    def __init__(self, python: Path) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            # Without the folder of the script, whose modules have names of packages.
            [python, "-I", PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Send a request, and wait for its answer.

        Raises:
            RuntimeError: The process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{PROCESS.name} ended at {what!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.stdin and self.process.stdin.close()
        self.process.wait()


def make_checkpoint(folder: Path, vocabulary: Path) -> None:
    """Write a GLiNER with random weights in base shape."""
    import torch

    from spacy_deberta.checkpoints import add_markers, new_gliner_config, save_gliner
    from spacy_deberta.models import DebertaV2ForGLiNER
    from spacy_deberta.nn import DebertaV2Config
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    torch.manual_seed(0)
    tokenizer = add_markers(DebertaV2Tokenizer(vocab_file=vocabulary))
    encoder = DebertaV2Config.from_dict(BASE)
    # gliner-spacy takes the vocabulary from there.
    config = new_gliner_config(encoder, tokenizer, name=str(folder), sizes=HEAD)
    model = DebertaV2ForGLiNER(config)
    model.reset_head()
    save_gliner(folder, config=config, weights=model.state_dict(), tokenizer=tokenizer)


def load_ours(folder: str, precision: str) -> Any:
    """Our pipeline."""
    import spacy

    nlp = spacy.blank("en")
    model = {"name": folder, "precision": precision}
    nlp.add_pipe("deberta_gliner", config={"model": model, "labels": LABELS})
    nlp.initialize()
    return nlp


def find(nlp: Any, texts: Sequence[str], labels: Sequence[str], batch_size: int) -> float:
    """Seconds of our pipeline for texts."""
    nlp.get_pipe("deberta_gliner").labels = labels
    start = time.process_time()
    for _ in nlp.pipe(texts, batch_size=batch_size):
        pass
    return time.process_time() - start


def train(nlp: Any, examples: Sequence[dict[str, Any]], steps: int) -> float:
    """Seconds of a step of ours, with the labels that gliner gets."""
    from spacy.tokens import Doc, Span
    from spacy.training import Example

    pipe = nlp.get_pipe("deberta_gliner")
    # So many negatives that every label is read with every text.
    pipe.cfg["training"] = {"negatives": 10**6, "max_labels": len(examples[0]["ner_labels"])}
    made = []
    for example in examples:
        doc = Doc(nlp.vocab, words=example["tokenized_text"])
        doc.ents = [Span(doc, first, last + 1, label=x) for first, last, x in example["ner"]]
        doc._.lacking_labels = example["ner_labels"]
        made.append(Example(Doc(nlp.vocab, words=example["tokenized_text"]), doc))
    optimizer = nlp.create_optimizer()
    nlp.update(made, sgd=optimizer)
    start = time.process_time()
    for _ in range(steps):
        nlp.update(made, sgd=optimizer)
    return (time.process_time() - start) / steps


def read_sentences(path: Path) -> list[str]:
    """The sentences of a CoNLL-U file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]


def join_paragraphs(sentences: Sequence[str]) -> list[str]:
    """Texts of about `PARAGRAPH` words."""
    texts: list[str] = []
    words: list[str] = []
    for sentence in sentences:
        words += sentence.split()
        if len(words) >= PARAGRAPH:
            texts.append(" ".join(words))
            words = []
    return texts


def take_words(texts: Sequence[str], count: int) -> list[str]:
    """The first texts with so many words."""
    taken: list[str] = []
    for text in texts:
        if sum(len(x.split()) for x in taken) >= count:
            break
        taken.append(text)
    return taken


def make_training(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Eight examples with an entity in each, and eight labels."""
    return [
        {
            "tokenized_text": [word for word in text.split() if word.isalnum()],
            "ner": [[0, 1, LABELS[0]]],
            "ner_labels": LABELS[:8],
        }
        for text in texts[:8]
    ]


def speeds(
    ours: dict[str, Any], peers: dict[str, Process], sentences: list[str], words: int, repeats: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Median seconds of each contender, by what is measured."""
    paragraphs = join_paragraphs(sentences)
    cases = {
        f"{kind}, {count} labels": (take_words(texts, words), LABELS[:count], 8)
        for kind, texts in (("sentences", sentences), ("paragraphs", paragraphs))
        for count in (8, 25)
    }
    cases["one short text, 25 labels"] = ([sentences[5]], LABELS, 1)
    for name, (texts, labels, size) in cases.items():
        seconds: dict[str, list[float]] = {}
        for nlp in ours.values():  # the first run prepares the weights
            find(nlp, texts[:1], labels, 1)
        for _ in range(repeats):
            for precision, nlp in ours.items():
                seconds.setdefault(precision, []).append(find(nlp, texts, labels, 128))
            for peer, process in peers.items():
                found = process.ask("find", texts=texts, labels=labels, batch_size=size)
                seconds.setdefault(peer, []).append(found["seconds"])
        total = sum(len(text.split()) for text in texts)
        yield (
            f"{name}, {total} words",
            {key: statistics.median(values) for key, values in seconds.items()},
        )
    examples = make_training(paragraphs)
    steps: dict[str, list[float]] = {}
    for _ in range(repeats):
        for precision in ("fp32", "auto"):
            steps.setdefault(precision, []).append(train(ours[precision], examples, 1))
        if "gliner" in peers:
            answer = peers["gliner"].ask("train", examples=examples, steps=1)
            steps.setdefault("gliner", []).append(answer["seconds"])
    yield "training step, 8 paragraphs", {k: statistics.median(v) for k, v in steps.items()}


def memory_of_ours(folder: str, texts: Sequence[str], precision: str) -> float:
    """Peak memory of this process after prediction, in MiB. Run it in a new one."""
    nlp = load_ours(folder, precision)
    find(nlp, texts, LABELS[:8], 32)
    return peak_memory() * 1024


def memory(folder: str, texts: Sequence[str], python: Path) -> dict[str, float]:
    """Peak memory at batch 32, each in a process of its own, in MiB."""
    found = {}
    for precision in PRECISIONS:
        code = (
            "import json, sys; from benchmarks.gliner import memory_of_ours; "
            "print(memory_of_ours(*json.load(sys.stdin)))"
        )
        arguments = json.dumps([folder, list(texts), precision])
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, input=arguments, capture_output=True, text=True, check=True)
        found[precision] = float(run.stdout.split()[-1])
    peer = Process(python)
    peer.ask("load", folder=folder)
    peer.ask("find", texts=list(texts), labels=LABELS[:8], batch_size=32)
    found["gliner"] = peer.ask("memory")["mib"]
    peer.close()
    return found


def main(
    vocabulary: Annotated[Path, typer.Option(help="The SentencePiece model of v3", exists=True)],
    documents: Annotated[Path, typer.Option(help="A CoNLL-U file", exists=True)],
    python: Annotated[Path, typer.Option(help="Python with gliner 0.2.29", exists=True)],
    spacy_python: Annotated[Path | None, typer.Option(help="Python with gliner-spacy")] = None,
    words: Annotated[int, typer.Option(help="Words of each measurement")] = 800,
    repeats: Annotated[int, typer.Option(help="How often each figure is taken")] = 3,
) -> None:
    """Measure prediction, latency, memory and training."""
    import torch

    torch.set_num_threads(1)
    sentences = read_sentences(documents)
    with tempfile.TemporaryDirectory() as temporary:
        folder = str(Path(temporary) / "gliner")
        make_checkpoint(Path(folder), vocabulary)
        peers = {"gliner": Process(python)}
        peers["gliner"].ask("load", folder=folder)
        if spacy_python is not None:
            peers["gliner-spacy"] = Process(spacy_python)
            peers["gliner-spacy"].ask("load", folder=folder, component=True)
        ours = {precision: load_ours(folder, precision) for precision in PRECISIONS}
        print(f"load of the machine: {os.getloadavg()}; CPU seconds, and times as fast as gliner")
        for name, seconds in speeds(ours, peers, sentences, words, repeats):
            base = seconds["gliner"]
            show(name, {key: f"{x:.2f} s ({base / x:.2f})" for key, x in seconds.items()})
        for process in peers.values():
            process.close()
        texts = take_words(join_paragraphs(sentences), 5 * words)
        used = memory(folder, texts, python)
        show("peak memory at batch 32", {key: f"{x:.0f} MiB" for key, x in used.items()})


def show(name: str, figures: dict[str, str]) -> None:
    """Print a line as soon as it is measured."""
    print(f"{name}: {', '.join(f'{key} {value}' for key, value in figures.items())}", flush=True)


if __name__ == "__main__":
    typer.run(main)
