"""The inputs of the run: small parts of real corpora, and a vocabulary."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from benchmarks.measures.corpora import read_texts

ROOT = Path(__file__).parents[2]
TASKS = ("ner", "textcat", "spancat")
# Documents of each training and evaluation corpus, and texts of `nlp.pipe`.
TRAIN, DEV, TEXTS = 2000, 300, 400


@dataclass(frozen=True)
class Inputs:
    """The files of the folder that `write_inputs` writes.

    Args:
        folder: The folder.
    """

    folder: Path

    @property
    def vocabulary(self) -> Path:
        """A SentencePiece model."""
        return self.folder / "spm.model"

    @property
    def texts(self) -> Path:
        """Documents of mixed length, one a line."""
        return self.folder / "documents.txt"

    def corpus(self, task: str, split: str) -> Path:
        """The corpus of a task, "train" or "dev"."""
        return self.folder / task / f"{split}.spacy"

    def check(self) -> None:
        """Exit if a file is missing."""
        files = [self.corpus(task, split) for task in TASKS for split in ("train", "dev")]
        missing = [path for path in (self.vocabulary, self.texts, *files) if not path.exists()]
        if missing:
            pack = "python -m benchmarks.gpu.pack"
            raise SystemExit(f"{missing[0]} is missing: {pack} writes it")


def write_inputs(
    folder: Path,
    *,
    vocabulary: Path,
    documents: Path,
    entities: tuple[Path, Path],
    questions: tuple[Path, Path],
    slots: tuple[Path, Path],
) -> Inputs:
    """Convert corpora with the scripts of the projects, and cut them to a few hundred documents.

    Args:
        folder: Where to write.
        vocabulary: A SentencePiece model.
        documents: As in `read_texts`.
        entities: Training and development files of `projects/ner_wnut17`.
        questions: Training and test files of `projects/textcat_banking77`.
        slots: Training and test files of `projects/spancat_restaurant8k`.
    """
    inputs = Inputs(folder)
    folder.mkdir(parents=True, exist_ok=True)
    inputs.vocabulary.write_bytes(vocabulary.read_bytes())
    texts = (text.replace("\n", " ") for text in read_texts(documents, TEXTS))
    inputs.texts.write_text("\n".join(texts) + "\n", encoding="utf-8")
    for split, path in zip(("train", "dev"), entities, strict=True):
        _convert("ner_wnut17", path, inputs.corpus("ner", split))
    _convert("textcat_banking77", *questions, folder / "textcat")
    _convert("spancat_restaurant8k", *slots, folder / "spancat")
    for task in TASKS:
        for split, count in (("train", TRAIN), ("dev", DEV)):
            _cut(inputs.corpus(task, split), count)
        (folder / task / "test.spacy").unlink(missing_ok=True)
    return inputs


def _convert(project: str, *arguments: Path) -> None:
    script = ROOT / "projects" / project / "scripts" / "convert.py"
    subprocess.run([sys.executable, str(script), *map(str, arguments)], check=True)


def _cut(path: Path, count: int) -> None:
    """Keep documents from the whole file, so that all labels are there."""
    docs = list(DocBin(store_user_data=True).from_disk(path).get_docs(Vocab()))
    step = max(1, len(docs) // count)
    DocBin(docs=docs[::step][:count]).to_disk(path)
