"""Missing files and refused requests, with a local server as hub."""

import shutil
import time

import pytest

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.models import DebertaV2Model, describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer

NAME = "somebody/tiny-deberta"
LOADERS = [
    DebertaV2Model.from_pretrained,
    DebertaV2Tokenizer.from_pretrained,
    describe_checkpoint,
    find_checkpoint,
]


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ((401, "GatedRepo"), "gated"),
        ((403, "GatedRepo"), "gated"),
        ((401, "RepoNotFound"), "private or gated"),
        ((401, ""), "log in"),
        ((403, "DisabledRepo"), "log in.*403"),
        ((403, ""), "log in.*403"),
    ],
)
def test_repositories_that_are_not_open(load, refused, said, hub, cache, make_checkpoint):
    hub.add(NAME, make_checkpoint()).refused = refused
    with pytest.raises(OSError, match=f"E302.*{said}") as error:
        load(NAME, cache_dir=cache)
    assert "\n" not in str(error.value)


def test_a_hub_in_trouble(hub, cache, make_checkpoint, monkeypatch):
    """The hub answers without files, so the cache is used."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.add(NAME, make_checkpoint()).refused = (503, "")
    with pytest.raises(OSError, match="E303.*503"):
        find_checkpoint(NAME, cache_dir=cache)
    hub.repositories[NAME].refused = None
    files = find_checkpoint(NAME, cache_dir=cache)
    hub.repositories[NAME].refused = (503, "")
    assert find_checkpoint(NAME, cache_dir=cache) == files


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("name", [NAME, "tiny", "-no-name-", "a--b", "somebody/tiny.git"])
def test_unknown_names(load, name, hub, cache):
    with pytest.raises(OSError, match=f"E302.*{name}.*spelling"):
        load(name, cache_dir=cache)


def test_repositories_without_a_file(hub, cache, make_checkpoint):
    hub.add("a/config", make_checkpoint("a", config=None))
    with pytest.raises(FileNotFoundError, match=r"E304.*a/config.*config\.json"):
        find_checkpoint("a/config", cache_dir=cache)
    hub.add("a/weights", make_checkpoint("b", weights=None))
    hub.add("a/shard", folder := make_checkpoint("c", form="safetensors shards"))
    (folder / "model-00002-of-00003.safetensors").unlink()
    hub.add("a/vocabulary", make_checkpoint("d", vocabulary=None))
    for options in ({}, {"local_files_only": True}):
        # The second time the cache knows that it isn't to blame.
        with pytest.raises(FileNotFoundError, match=r"E304.*a/weights.*model\.safetensors or"):
            find_checkpoint("a/weights", cache_dir=cache, **options)
        with pytest.raises(FileNotFoundError, match="E304.*a/shard.*00002-of-00003"):
            find_checkpoint("a/shard", cache_dir=cache, **options)
        with pytest.raises(FileNotFoundError, match="E309.*a/vocabulary"):
            DebertaV2Tokenizer.from_pretrained("a/vocabulary", cache_dir=cache, **options)
        assert not find_checkpoint("a/vocabulary", cache_dir=cache, **options).has_vocabulary


def test_an_index_on_the_hub_can_only_name_files_beside_it(hub, cache, make_checkpoint, tmp_path):
    folder = make_checkpoint(weights=None)
    (folder / "model.safetensors.index.json").write_text(
        '{"weight_map": {"embeddings.LayerNorm.bias": "../../../../outside.safetensors"}}'
    )
    hub.add(NAME, folder)
    with pytest.raises(OSError, match="E305"):
        find_checkpoint(NAME, cache_dir=cache)
    assert not any("outside" in path for _, path in hub.requests)


def test_a_cache_that_cannot_be_written(hub, make_checkpoint, tmp_path):
    hub.add(NAME, make_checkpoint())
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"E314.*config\.json.*cache"):
        find_checkpoint(NAME, cache_dir=tmp_path / "file")


def test_a_folder_has_precedence_over_the_hub(hub, make_checkpoint, tmp_path, monkeypatch):
    folder = make_checkpoint(NAME)
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint(NAME).config.resolve() == folder / "config.json"
    assert not hub.requests


def test_saving_over_a_download_does_not_change_the_cache(hub, cache, make_checkpoint, rows):
    """The files of the cache are links to blobs, which other revisions use too."""
    hub.add(NAME, make_checkpoint())
    files = find_checkpoint(NAME, cache_dir=cache)
    (weights,) = files.weights
    blob = weights.resolve()
    content = blob.read_bytes()
    model = DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    model.save_pretrained(files.folder, precision="fp16")
    assert blob.read_bytes() == content
    copy = shutil.copytree(files.folder, cache / "copy")
    assert rows(DebertaV2Model.from_pretrained(copy)).allclose(rows(model), atol=0.05)
