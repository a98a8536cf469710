"""The data of the tasks in spaCy's format: train, dev for model selection, and test.

WNUT17 has its own three files. banking77 has 10 training questions of each category and 5 others
for model selection, sampled with a fixed seed. UD-EWT is tested on the development file, so every
twentieth document of the training file is held out for model selection.
"""

import importlib.util
import random
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin
from spacy.training.converters import conllu_to_docs
from spacy.vocab import Vocab

from benchmarks.measures.corpora import read_entity_docs, read_file
from spacy_deberta.files import new_folder

PROJECTS = Path(__file__).parents[2] / "projects"
TRAIN_QUESTIONS = 10
DEV_QUESTIONS = 5
DRAW_SEED = 0
HELD_OUT_EVERY = 20
SENTENCES_PER_DOC = 10

Splits = Mapping[str, Iterable[Doc]]


def prepare(task: str, data: Path, folder: Path) -> None:
    """Write train, dev and test of a task, unless they exist.

    Args:
        task: Its name.
        data: A folder with a folder for each corpus, in the upstream formats.
        folder: Where to write the three `.spacy` files.

    Raises:
        FileNotFoundError: `data` has no folder for the task, or a file is missing in it.
    """
    if folder.exists():
        return
    name, read = READERS[task]
    if not (data / name).is_dir():
        raise FileNotFoundError(f"{task} needs the folder {name} in {data}")
    with new_folder(folder) as written:
        for split, docs in read(data / name).items():
            DocBin(docs=docs).to_disk(written / f"{split}.spacy")


def read_wnut17(folder: Path) -> Splits:
    """Sentences with entities."""
    files = {
        "train": "wnut17train.conll",
        "dev": "emerging.dev.conll",
        "test": "emerging.test.annotated",
    }
    return {
        split: read_entity_docs(folder / file, Vocab(), sys.maxsize)
        for split, file in files.items()
    }


def read_banking77(folder: Path) -> Splits:
    """Questions with categories: few for training, and the whole test file."""
    script = load_script("textcat_banking77/scripts/convert.py")
    questions = script.read_questions(folder / "train.csv")
    train, dev = draw_questions(questions, train=TRAIN_QUESTIONS, dev=DEV_QUESTIONS)
    categories = sorted({question.category for question in questions})
    nlp = spacy.blank("en")
    splits = {"train": train, "dev": dev, "test": script.read_questions(folder / "test.csv")}
    return {
        split: [script.make_doc(nlp, question, categories) for question in chosen]
        for split, chosen in splits.items()
    }


def draw_questions(
    questions: Iterable[Any], *, train: int, dev: int
) -> tuple[list[Any], list[Any]]:
    """Sample questions of every category for training, and others for model selection.

    Raises:
        ValueError: A category has too few.
    """
    by_category: defaultdict[str, list[Any]] = defaultdict(list)
    for question in questions:
        by_category[question.category].append(question)
    drawn: tuple[list[Any], list[Any]] = ([], [])
    for category, own in sorted(by_category.items()):
        if len(own) < train + dev:
            raise ValueError(f"{category} has {len(own)} questions, not {train + dev}")
        chosen = random.Random(f"{DRAW_SEED} {category}").sample(own, train + dev)
        drawn[0].extend(chosen[:train])
        drawn[1].extend(chosen[train:])
    return drawn


def read_ud_ewt(folder: Path) -> Splits:
    """Sentences with tags and trees."""
    train, dev = hold_out(_read_conllu(folder, "train"))
    return {
        "train": _convert(train),
        "dev": _convert(dev),
        "test": _convert([_read_conllu(folder, "dev")]),
    }


def hold_out(conllu: str) -> tuple[list[str], list[str]]:
    """Split a CoNLL-U file: every twentieth document is held out."""
    documents = re.split(r"(?m)^(?=# newdoc)", conllu)
    documents = [document for document in documents if document.strip()]
    kept: list[str] = []
    held_out: list[str] = []
    for i, document in enumerate(documents, start=1):
        (kept if i % HELD_OUT_EVERY else held_out).append(document)
    return kept, held_out


READERS: Mapping[str, tuple[str, Callable[[Path], Splits]]] = {
    "wnut17": ("wnut17", read_wnut17),
    "banking77": ("banking77", read_banking77),
    "ud_ewt": ("ud_english_ewt", read_ud_ewt),
}


def _convert(documents: Iterable[str]) -> Iterator[Doc]:
    # Like `spacy convert --n-sents 10` in the project.
    for document in documents:
        yield from conllu_to_docs(document, n_sents=SENTENCES_PER_DOC, no_print=True)


def _read_conllu(folder: Path, split: str) -> str:
    path = folder / f"en_ewt-ud-{split}.conllu"
    return read_file(path if path.exists() else path.with_suffix(".conllu.xz"))


def load_script(path: str) -> ModuleType:
    """A script of a project as a module, by its path in the folder of projects."""
    name = path.removesuffix(".py").replace("/", "_")
    spec = importlib.util.spec_from_file_location(name, PROJECTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
