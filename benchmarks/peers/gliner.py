"""GLiNER: our component, and gliner and gliner-spacy in an environment of their own."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.measures.timing import CannotMeasureError

PROCESS = Path(__file__).parent / "gliner_process.py"
HEAD = {"hidden_size": 512, "max_width": 12, "num_rnn_layers": 1, "span_mode": "markerV0"}
# The fastest of gliner on a CPU; it is given texts that are sorted by length.
PEER_BATCH = 8


class GLiNERProcess:
    """gliner or gliner-spacy with a loaded checkpoint, in a process that answers requests.

    Args:
        python: The interpreter of its environment.
        folder: The checkpoint.
        component: Whether to run gliner-spacy.
        threads: Number of CPU threads.

    Raises:
        CannotMeasureError: The environment lacks the package.
    """

    def __init__(self, python: Path, folder: Path, *, component: bool, threads: int) -> None:
        self.process = subprocess.Popen(
            # Without the folder of the script, whose modules have names of packages.
            [python, "-I", PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        self.ask("load", folder=str(folder), component=component, threads=threads)

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Send a request, and wait for its answer.

        Raises:
            CannotMeasureError: The process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = ""
        try:
            self.process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            pass
        if not line:
            raise CannotMeasureError(f"its process ended at {what!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def make_checkpoint(folder: Path, vocabulary: Path, sizes: Mapping[str, Any]) -> None:
    """Write a GLiNER with random weights, whose encoder has the sizes of a `config.json`."""
    from spacy_deberta.checkpoints import add_markers, new_gliner_config, save_gliner
    from spacy_deberta.models import DebertaV2ForGLiNER
    from spacy_deberta.nn import DebertaV2Config
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    torch.manual_seed(0)
    tokenizer = add_markers(DebertaV2Tokenizer(vocab_file=vocabulary))
    encoder = DebertaV2Config.from_dict(dict(sizes))
    # gliner-spacy takes the vocabulary from there.
    config = new_gliner_config(encoder, tokenizer, name=str(folder), sizes=HEAD)
    model = DebertaV2ForGLiNER(config)
    model.reset_head()
    save_gliner(folder, config=config, weights=model.state_dict(), tokenizer=tokenizer)


def make_pipeline(folder: Path, precision: str, labels: Sequence[str]) -> Any:
    """A pipeline of our component alone."""
    import spacy

    nlp = spacy.blank("en")
    model = {"name": str(folder), "precision": precision}
    nlp.add_pipe("deberta_gliner", config={"model": model, "labels": list(labels)})
    nlp.initialize()
    nlp.batch_size = 128
    return nlp


def make_training(nlp: Any, examples: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Training examples of ours, in which every label is read with every text as in gliner.

    Args:
        nlp: The pipeline.
        examples: In the form of gliner: `tokenized_text`, `ner` and `ner_labels`.
    """
    from spacy.tokens import Doc, Span
    from spacy.training import Example

    most = max(len(example["ner_labels"]) for example in examples)
    nlp.get_pipe("deberta_gliner").cfg["training"] = {"negatives": 10**6, "max_labels": most}
    made = []
    for example in examples:
        doc = Doc(nlp.vocab, words=example["tokenized_text"])
        doc.ents = [Span(doc, first, last + 1, label=x) for first, last, x in example["ner"]]
        doc._.lacking_labels = example["ner_labels"]
        made.append(Example(Doc(nlp.vocab, words=example["tokenized_text"]), doc))
    return made
