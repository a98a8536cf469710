"""Written files have the permissions of the umask."""

import os
import stat

import pytest

import spacy_deberta
from spacy_deberta.models import convert_checkpoint
from spacy_deberta.pages import write_html
from spacy_deberta.pretraining import train_tokenizer
from tests.conftest import SENTENCES
from tests.pipeline.pipelines import make_trained

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture(scope="module")
def nlp(tiny_checkpoint):
    return make_trained(tiny_checkpoint, steps=1)


def save_model(folder, nlp, checkpoint):
    spacy_deberta.DebertaV2Model.from_pretrained(checkpoint).save_pretrained(folder)


def save_shards(folder, nlp, checkpoint):
    model = spacy_deberta.DebertaV2Model.from_pretrained(checkpoint)
    model.save_pretrained(folder, max_shard_bytes=30_000)


def save_tokenizer(folder, nlp, checkpoint):
    spacy_deberta.DebertaV2Tokenizer.from_directory(checkpoint).save_pretrained(folder)


def convert(folder, nlp, checkpoint):
    convert_checkpoint(checkpoint, folder, to="huggingface")


def train_vocabulary(folder, nlp, checkpoint):
    train_tokenizer(SENTENCES * 3, folder, vocab_size=400)


def save_with_spacy(folder, nlp, checkpoint):
    nlp.to_disk(folder)


def save_as_one_change(folder, nlp, checkpoint):
    spacy_deberta.save_pipeline(nlp, folder)


def save_page(folder, nlp, checkpoint):
    folder.mkdir()
    write_html("<p>", folder / "page.html")


@pytest.mark.parametrize(
    "write",
    [
        save_model,
        save_shards,
        save_tokenizer,
        convert,
        train_vocabulary,
        save_with_spacy,
        save_as_one_change,
        save_page,
    ],
)
def test_files_and_folders_get_what_the_umask_gives(write, umask, nlp, tiny_checkpoint, tmp_path):
    write(tmp_path / "saved", nlp, tiny_checkpoint)
    written = [tmp_path / "saved", *(tmp_path / "saved").rglob("*")]
    assert any(path.is_file() for path in written)
    for path in written:
        expected = (0o777 if path.is_dir() else 0o666) & ~umask
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
