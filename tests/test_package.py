"""The wheel is complete, and works without the repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import spacy_deberta

ROOT = Path(spacy_deberta.__file__).parents[1]
NO_BYTECODE = shutil.ignore_patterns("__pycache__")
SMOKE = """
import spacy, spacy_deberta, sys
assert spacy_deberta.__file__.startswith(sys.argv[1]), spacy_deberta.__file__
nlp = spacy.blank("en")
size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
nlp.add_pipe("deberta", name="transformer", config={"model": {
    "@architectures": "spacy-deberta.DebertaV2Model.v1",
    "get_spans": {"@span_getters": "spacy-deberta.piece_windows.v1"},
    "name": None, "from_scratch": {"vocabulary": sys.argv[2], **size}}})
nlp.initialize()
nlp.to_disk(sys.argv[3])
doc = spacy.load(sys.argv[3])("Mira left.")
assert doc._.trf_data.model_output.last_hidden_state.shape[-1] == 16
from spacy_deberta import DebertaV2Model
assert DebertaV2Model.from_pretrained("deberta-v3-mini-en").config.hidden_size == 256
"""


@pytest.mark.slow
def test_the_wheel_is_complete_and_works(tmp_path, tiny_vocabulary):
    if not (ROOT / "setup.cfg").is_file():
        pytest.skip("the package is installed without its source")
    # A copy: setuptools leaves its metadata beside the sources, where it hides what is installed.
    source = tmp_path / "source"
    shutil.copytree(ROOT / "spacy_deberta", source / "spacy_deberta", ignore=NO_BYTECODE)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", tmp_path, source),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packaged = {name for name in names if name.startswith("spacy_deberta/")}
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "spacy_deberta").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packaged == sources
    assert any(name.endswith("LICENSE") for name in names)
    assert not any(name.startswith(("tests", "benchmarks", "projects")) for name in names)
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    subprocess.run(
        [sys.executable, "-c", SMOKE, str(site), str(tiny_vocabulary), str(tmp_path / "pipeline")],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
