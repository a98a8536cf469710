import re
import shutil
import socket
import threading
import time

import pytest
import spacy
import srsly
import torch
import uvicorn
from safetensors.torch import save_file
from spacy.cli import init_config
from spacy.cli._util import app
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

import spacy_deberta.cli  # noqa: F401 (adds the commands, as the entry point does)
from spacy_deberta import (
    DebertaV2ForMaskedLM,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
)
from spacy_deberta.checkpoints import save_checkpoint
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config
from tests.conftest import SENTENCES
from tests.docs.pages import ROOT
from tests.pipeline.gliner.gliners import make_random
from tests.pipeline.pipelines import make_examples, make_trained

# Fine-tuned checkpoints on the pages: their class, and their labels if they have labels.
FINE_TUNED = {
    "deepset/deberta-v3-base-squad2": (DebertaV2ForQuestionAnswering, ()),
    "microsoft/deberta-v2-xlarge": (DebertaV2ForMaskedLM, ()),
    "protectai/deberta-v3-base-prompt-injection-v2": (
        DebertaV2ForSequenceClassification,
        ("SAFE", "INJECTION"),
    ),
    "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli": (
        DebertaV2ForSequenceClassification,
        ("entailment", "neutral", "contradiction"),
    ),
    "tner/deberta-v3-large-wnut2017": (
        DebertaV2ForTokenClassification,
        ("B-location", "B-person", "I-location", "I-person", "O"),
    ),
}
SAVED_BY_0_1_0 = ROOT / "tests" / "pipeline" / "saved" / "0.1.0"
GLINER = "urchade/gliner_medium-v2.1"
IN_SUBFOLDERS = "KoichiYasuoka/deberta-base-japanese-aozora-ud-head"
HUB_NAME = re.compile(
    "|".join([GLINER, IN_SUBFOLDERS, r"microsoft/m?deberta-v[23]-[a-z0-9-]+", *FINE_TUNED])
)


@pytest.fixture(scope="session")
def hub_checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    """A small substitute for all checkpoints on the hub, with enough layers for the pages."""
    config = DebertaV2Config.from_dict({**tiny_config, "num_hidden_layers": 6})
    model = DebertaV2Model(config)
    model.init_weights(torch.Generator().manual_seed(7))
    folder = tmp_path_factory.mktemp("hub") / "deberta"
    save_checkpoint(
        folder, config=config.to_dict(), weights=model.state_dict(), tokenizer=tiny_tokenizer
    )
    return folder


@pytest.fixture(scope="session")
def localize(tmp_path_factory, tiny_config, tiny_tokenizer, hub_checkpoint):
    """A function that replaces hub names by paths of small checkpoints."""
    folders = {}
    for number, (name, (module_class, labels)) in enumerate(FINE_TUNED.items()):
        config = DebertaV2Config.from_dict(tiny_config)
        model = module_class(config.with_labels(labels) if labels else config)
        model.init_weights(torch.Generator().manual_seed(7))
        folders[name] = tmp_path_factory.mktemp("hub") / f"fine_tuned_{number}"
        model.save_pretrained(folders[name])
        tiny_tokenizer.save_pretrained(folders[name])
    folders[GLINER] = make_random(
        tmp_path_factory.mktemp("hub") / "gliner", tiny_config, tiny_tokenizer
    )
    folders[IN_SUBFOLDERS] = tmp_path_factory.mktemp("hub") / "in_subfolders"
    shutil.copytree(hub_checkpoint, folders[IN_SUBFOLDERS] / "tagger")
    return lambda text: HUB_NAME.sub(
        lambda match: folders.get(match[0], hub_checkpoint).as_posix(), text
    )


def annotate(doc):
    """Add what components beside the entity recognizer learn from."""
    doc.cats = {"LONG": float(len(doc) > 9), "SHORT": float(len(doc) <= 9)}
    doc.spans["sc"] = [Span(doc, 0, 1, "START"), Span(doc, 1, 3, "REST")]
    for token in doc:
        token.tag_ = "CAP" if token.shape_.startswith("X") else "LOW"
        token.pos_ = "PUNCT" if token.is_punct else "X"
        token.set_morph("Title=Yes" if token.is_title else "Title=No")
        token.head = doc[max(token.i - 1, 0)]
        token.dep_ = "dep" if token.i else "ROOT"
    return doc


def save_adapter(folder, base):
    """Write a LoRA of one projection as PEFT lays it out; `base` is its checkpoint."""
    size = srsly.read_json(base / "config.json")["hidden_size"]
    layer = "base_model.model.encoder.layer.0.attention.self.query_proj"
    folder.mkdir()
    save_file(
        {
            f"{layer}.lora_A.weight": torch.full((2, size), 0.1),
            f"{layer}.lora_B.weight": torch.full((size, 2), 0.1),
        },
        folder / "adapter_model.safetensors",
    )
    settings = {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": "somewhere/else",
        "target_modules": ["query_proj"],
        "layers_to_transform": [0],
        "r": 2,
        "lora_alpha": 4,
        "bias": "none",
    }
    srsly.write_json(folder / "adapter_config.json", settings)


def save_old_pipeline(folder, checkpoint):
    """Save a pipeline with the transformer of spacy-transformers."""
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(checkpoint)}
    nlp.add_pipe("transformer", config={"model": model})
    nlp.initialize()
    nlp.to_disk(folder)


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory, hub_checkpoint, tiny_vocabulary, localize):
    """The files that the pages mention."""
    folder = tmp_path_factory.mktemp("documentation")
    nlp = spacy.blank("en")
    annotated = [annotate(example.reference) for example in make_examples(nlp)]
    docs = [*annotated, *(annotate(nlp.make_doc(text)) for text in SENTENCES)]
    # spaCy's `debug data` refuses fewer than a hundred.
    DocBin(docs=docs * 8).to_disk(folder / "train.spacy")
    DocBin(docs=annotated).to_disk(folder / "dev.spacy")
    # In the format of SQuAD.
    paragraphs = [
        {
            "context": text,
            "qas": [
                {
                    "id": str(i),
                    "question": "What comes first?",
                    "answers": [{"text": text.split()[0], "answer_start": 0}],
                }
            ],
        }
        for i, text in enumerate(SENTENCES * 10)
    ]
    srsly.write_json(folder / "train.json", {"data": [{"paragraphs": paragraphs}]})
    srsly.write_json(folder / "dev.json", {"data": [{"paragraphs": paragraphs[:3]}]})
    # In the columns of CODAH.
    choices = "\t".join(("left", "right", "up", "down"))
    questions = [
        f"o\t{sentence}\t{choices}\t{i % 4}\n" for i, sentence in enumerate(SENTENCES * 10)
    ]
    (folder / "questions.tsv").write_text("".join(questions), encoding="utf-8")
    pairs = [f'"{text}","{text}",{i % 2}' for i, text in enumerate(SENTENCES * 10)]
    pairs_csv = "\n".join(("sentence1,sentence2,score", *pairs))
    (folder / "pairs.csv").write_text(pairs_csv, encoding="utf-8")
    rows = [{"text": text, "entities": [[0, len(text.split()[0]), "FIRST"]]} for text in SENTENCES]
    srsly.write_jsonl(folder / "data.jsonl", rows)
    spans = [{"start": 0, "end": len(text.split()[0]), "label": "FIRST"} for text in SENTENCES]
    answers = [
        {"text": text, "spans": [span], "answer": "accept"}
        for text, span in zip(SENTENCES, spans, strict=True)
    ]
    srsly.write_jsonl(folder / "annotated.jsonl", answers)
    (folder / "data.csv").write_text(
        "text,label\n" + "\n".join(f'"{text}",{len(text) % 2}' for text in SENTENCES),
        encoding="utf-8",
    )
    (folder / "texts.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    shutil.copy(tiny_vocabulary, folder / "spm.model")
    (folder / "configs").mkdir()
    for path in (ROOT / "configs").glob("*.cfg"):
        text = localize(path.read_text(encoding="utf-8"))
        (folder / "configs" / path.name).write_text(text, encoding="utf-8")
    make_trained(hub_checkpoint, heads=("ner",)).to_disk(folder / "my_pipeline")
    shutil.copytree(SAVED_BY_0_1_0, folder / "older_pipeline")
    init_config(pipeline=["ner"], gpu=True, silent=True).to_disk(folder / "old.cfg")
    save_adapter(folder / "my_lora", hub_checkpoint)
    save_old_pipeline(folder / "old_pipeline", hub_checkpoint)
    return folder


@pytest.fixture
def workspace(prepared_folder, tmp_path, monkeypatch):
    """A new current folder with these files, without network."""

    connect = socket.socket.connect

    def refuse(self, address):
        assert address[0] == "127.0.0.1", "the documentation reaches for the network"
        connect(self, address)

    folder = shutil.copytree(prepared_folder, tmp_path / "workspace")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return folder


@pytest.fixture
def service_port(monkeypatch):
    """A port for `spacy deberta serve`, which returns at once: the service runs in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = []

    def stop():
        while running:
            server, thread = running.pop()
            server.should_exit = True
            thread.join(30)

    def run_in_thread(app, opened, *, timeout):
        stop()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        kwargs = {"sockets": [opened.dup()]}  # the caller closes its own
        thread = threading.Thread(target=server.run, kwargs=kwargs, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)

    monkeypatch.setattr("spacy_deberta.service.run_server", run_in_thread)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield port
    stop()


@pytest.fixture
def run_spacy():
    """Run `spacy` with arguments; returns its output, and fails if the command fails."""

    def run(*args):
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        if result.exit_code and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, f"spacy {' '.join(map(str, args))}\n{result.output}"
        return result.stdout

    return run
