import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import spacy
import srsly
import torch
from safetensors import safe_open

from spacy_deberta.checkpoints import saving
from spacy_deberta.layers.encoder import encoder_bytes
from tests.pipeline.pipelines import (
    FACTORIES,
    TRAIN_DATA,
    encoder_of,
    make_examples,
    make_pipeline,
    make_trained,
    rows,
)

TEXTS = [text for text, _ in TRAIN_DATA]


def assert_same_rows(one, other, *, atol=0.0):
    for first, second in zip(rows(one, TEXTS), rows(other, TEXTS), strict=True):
        np.testing.assert_allclose(first, second, atol=atol)


@pytest.fixture
def own_checkpoint(tiny_checkpoint, tmp_path):
    """A copy of the checkpoint, which a test may take away."""
    return shutil.copytree(tiny_checkpoint, tmp_path / "checkpoint")


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_saved_pipeline_loads_without_its_checkpoint(factory, own_checkpoint, tmp_path):
    nlp = make_trained(own_checkpoint, factory=factory)
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(own_checkpoint)
    loaded = spacy.load(tmp_path / "pipeline")
    assert_same_rows(nlp, loaded)
    assert [d.to_json()["ents"] for d in nlp.pipe(TEXTS)] == [
        d.to_json()["ents"] for d in loaded.pipe(TEXTS)
    ]
    # And again to the folder that it was loaded from, while the file is mapped.
    loaded.to_disk(tmp_path / "pipeline")
    assert_same_rows(nlp, spacy.load(tmp_path / "pipeline"))
    assert_same_rows(nlp, loaded)


@pytest.mark.parametrize("factory", FACTORIES)
def test_bytes_round_trip(factory, tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, factory=factory)
    other = make_pipeline(tiny_checkpoint, factory=factory)
    other.from_bytes(nlp.to_bytes())
    assert_same_rows(nlp, other)
    # Bytes of a pipeline without `initialize` stay uninitialized.
    blank = make_pipeline(tiny_checkpoint, factory=factory, heads=())
    make_pipeline(tiny_checkpoint, factory=factory, heads=()).from_bytes(blank.to_bytes())


def test_hugging_face_opens_the_saved_component(tiny_checkpoint, tmp_path):
    transformers = pytest.importorskip("transformers")
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    folder = tmp_path / "transformer" / "model"
    model, info = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)
    # Lists or sets, as the release of transformers has it.
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = "Mira Okafor left Halden Freight."
    with torch.no_grad():
        expected = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
    np.testing.assert_allclose(rows(nlp, [text])[0], expected.numpy(), atol=1e-5)


@pytest.mark.stock
def test_the_component_of_one_factory_loads_into_the_other(tiny_checkpoint, tmp_path):
    stock = make_trained(tiny_checkpoint, factory="transformer")
    stock.to_disk(tmp_path)
    ours = make_pipeline(tiny_checkpoint, factory="deberta")
    ours.get_pipe("transformer").from_disk(tmp_path / "transformer", exclude=["vocab"])
    assert_same_rows(stock, ours)


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize(("precision", "dtype"), [("fp16", "F16"), ("bf16", "BF16")])
def test_half_precision_storage(factory, precision, dtype, tiny_checkpoint, tmp_path):
    nlp = make_trained(tiny_checkpoint, factory=factory, storage_precision=precision)
    nlp.to_disk(tmp_path / "half")
    make_trained(tiny_checkpoint, factory=factory).to_disk(tmp_path / "full")

    def size(name):
        return sum(p.stat().st_size for p in (tmp_path / name / "transformer").rglob("*model*"))

    full, half = size("full"), size("half")
    weights = sum(p.numel() for p in encoder_parameters(nlp)) * 4
    assert half < full - 0.45 * weights
    loaded = spacy.load(tmp_path / "half")
    assert all(parameter.dtype == torch.float32 for parameter in encoder_parameters(loaded))
    assert_same_rows(nlp, loaded, atol=0.1)
    if factory == "deberta":
        folder = tmp_path / "half" / "transformer" / "model"
        with safe_open(folder / "model.safetensors", "pt") as file:
            assert {file.get_slice(key).get_dtype() for key in file.keys()} == {dtype}  # noqa: SIM118
        assert (
            srsly.read_json(folder / "config.json")["torch_dtype"]
            == {
                "F16": "float16",
                "BF16": "bfloat16",
            }[dtype]
        )


def encoder_parameters(nlp):
    return list(encoder_of(nlp).parameters())


@pytest.mark.stock
def test_models_above_the_limit_of_one_bytes_object(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_bytes, "MAX_BYTES_OBJECT", 1000)
    nlp = make_trained(tiny_checkpoint, factory="transformer")
    shim = nlp.get_pipe("transformer").model.layers[1].shims[0]
    parts = srsly.msgpack_loads(shim.to_bytes())["weights"]
    assert len(parts) > 10
    assert max(map(len, parts)) <= 1000
    nlp.to_disk(tmp_path)
    assert_same_rows(nlp, spacy.load(tmp_path))


@pytest.mark.stock
def test_models_above_the_limit_of_one_file(tiny_checkpoint, tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers")
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    folder = tmp_path / "transformer" / "model"
    assert (folder / "model.safetensors").is_file()
    monkeypatch.setattr(
        saving.save_checkpoint,
        "__kwdefaults__",
        {
            **saving.save_checkpoint.__kwdefaults__,
            "max_shard_bytes": 20_000,
        },
    )
    nlp.to_disk(tmp_path)
    assert not (folder / "model.safetensors").exists()
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    assert_same_rows(nlp, spacy.load(tmp_path))
    transformers.AutoModel.from_pretrained(folder)


def test_weights_are_mapped_not_copied(tiny_checkpoint, tmp_path, map_small_files):
    make_trained(tiny_checkpoint).to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    weights = tmp_path / "transformer" / "model" / "model.safetensors"
    addresses = []
    with open("/proc/self/maps") as maps:  # noqa: PTH123
        for line in maps:
            if line.rstrip().endswith(str(weights)):
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                addresses.append((start, end))
    assert all(
        any(start <= parameter.data_ptr() < end for start, end in addresses)
        for parameter in encoder_parameters(loaded)
    )


@pytest.mark.parametrize("point", ["save_file", "_write_json"])
def test_an_interrupted_save_leaves_the_old_model(point, tiny_checkpoint, tmp_path, monkeypatch):
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    files = sorted((tmp_path / "transformer" / "model").iterdir())
    changed = make_trained(tiny_checkpoint, steps=6)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(saving, point, fail)
        with pytest.raises(OSError, match="disk full"):
            changed.get_pipe("transformer").to_disk(tmp_path / "transformer")
    assert sorted((tmp_path / "transformer" / "model").iterdir()) == files
    assert_same_rows(nlp, spacy.load(tmp_path))


def test_a_killed_save_keeps_the_old_model_and_its_files_are_removed(tiny_checkpoint, tmp_path):
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    folder = tmp_path / "transformer" / "model"
    # The files of a killed process.
    leftover = folder / ".saving-killed"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")
    assert_same_rows(nlp, spacy.load(tmp_path))
    nlp.to_disk(tmp_path)
    assert not leftover.exists()


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_model_of_a_newer_release_is_refused(factory, tiny_checkpoint, tmp_path, monkeypatch):
    nlp = make_trained(tiny_checkpoint, factory=factory)
    with monkeypatch.context() as patch:
        patch.setattr(encoder_bytes, "FORMAT", 99)
        if factory == "deberta":
            nlp.get_pipe("transformer").cfg["format"] = 99
        nlp.to_disk(tmp_path)
    with pytest.raises(ValueError, match="E406.*99"):
        spacy.load(tmp_path)


def test_damaged_models_are_refused(tiny_checkpoint, tmp_path):
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path)
    folder = tmp_path / "transformer" / "model"
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(OSError, match="E305"):
        spacy.load(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="E304"):
        spacy.load(tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="E415"):
        spacy.load(tmp_path)


def test_damaged_bytes_are_refused(tiny_checkpoint):
    shim = make_trained(tiny_checkpoint).get_pipe("transformer").model.layers[1].shims[0]
    with pytest.raises(ValueError, match="E407"):
        shim.from_bytes(b"\x93no")
    message = srsly.msgpack_loads(shim.to_bytes())
    message["weights"] = [b"".join(message["weights"])[:-50]]
    with pytest.raises(ValueError, match="E407"):
        shim.from_bytes(srsly.msgpack_dumps(message))


def test_a_replaced_listener_is_saved_with_its_component(tiny_checkpoint, tmp_path):
    nlp = make_trained(tiny_checkpoint, heads=("ner",))
    expected = [doc.to_json()["ents"] for doc in nlp.pipe(TEXTS)]
    nlp.replace_listeners("transformer", "ner", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    tok2vec = nlp.config["components"]["ner"]["model"]["tok2vec"]
    assert tok2vec["@architectures"] == "spacy-deberta.DebertaV2Tok2Vec.v1"
    assert [doc.to_json()["ents"] for doc in nlp.pipe(TEXTS)] == expected
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert [doc.to_json()["ents"] for doc in loaded.pipe(TEXTS)] == expected
    optimizer = loaded.resume_training()
    losses = loaded.update(make_examples(loaded), sgd=optimizer, losses={})
    assert losses["ner"] > 0


@pytest.mark.slow
def test_spacy_package_gives_an_installable_model(tiny_checkpoint, tmp_path):
    nlp = make_trained(tiny_checkpoint)
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "packages").mkdir()
    run = [sys.executable, "-m", "spacy", "package", "pipeline", "packages", "--name", "tiny"]
    subprocess.run([*run, "--build", "none"], cwd=tmp_path, check=True, capture_output=True)
    (package,) = (tmp_path / "packages").iterdir()
    meta = json.loads((package / "meta.json").read_text())
    assert any(line.startswith("spacy-deberta") for line in meta["requirements"])
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            tmp_path / "wheels",
            package,
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "wheels").iterdir()
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "import en_tiny; nlp = en_tiny.load(); "
        "print(len(nlp('Mira left.')._.trf_data.align.lengths))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "site", check=True, capture_output=True
    )
    assert done.stdout.decode().strip() == "3"
