"""Runs in the environment of the package gliner: answers requests of `benchmarks.peers.gliner`.

It knows nothing of this package. A request is a line of JSON on the standard input, an answer one
on the standard output: `load` a checkpoint, `find` entities, `train` a step, and `memory`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")


class Peer:
    """gliner, or with `gliner_spacy` the component of that name."""

    def load(self, folder: str, component: bool, threads: int) -> dict:
        """Load a checkpoint."""
        import torch
        from gliner import GLiNER

        torch.set_num_threads(threads)
        self.nlp = None
        self.optimizer: Any = None
        if component:
            import gliner_spacy.pipeline  # noqa: F401 (registers the factory)
            import spacy

            nlp = spacy.blank("en")
            self.component: Any = nlp.add_pipe("gliner_spacy", config={"gliner_model": folder})
            self.nlp = nlp
        else:
            self.model = GLiNER.from_pretrained(folder, local_files_only=True).eval()
        return {}

    def find(self, texts: list[str], labels: list[str], batch_size: int) -> dict:
        """Find entities; texts are sorted by length, which is its fastest."""
        if self.nlp is not None:
            self.component.labels = labels
            found = sum(len(doc.ents) for doc in self.nlp.pipe(texts, batch_size=batch_size))
        else:
            texts = sorted(texts, key=len)
            answers = self.model.inference(texts, labels, threshold=0.5, batch_size=batch_size)
            found = sum(map(len, answers))
        return {"found": found}

    def train(self, examples: list[dict]) -> dict:
        """Train a step."""
        import torch

        if self.optimizer is None:
            self.collator = self.model._create_data_collator()
            self.module = self.model.model.train()
            self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=1e-6)
        batch = self.collator([dict(example) for example in examples])
        batch.pop("token_type_ids", None)
        self.module(**batch, alpha=0.75, gamma=2.0).loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {}

    def memory(self) -> dict:
        """Peak memory of the process, in GiB."""
        # `ru_maxrss` begins with the memory of the process that started this one.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return {"gib": int(peak.split()[1]) / 2**20}


def main() -> None:
    """Answer requests until the input ends."""
    peer = Peer()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(peer, request.pop("do"))(**request)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
