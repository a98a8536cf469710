"""Names on the hub, with a local server as hub."""

import os
import subprocess
import sys
import time

import pytest

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.models import DebertaV2Model, describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.hub import commit

NAME = "somebody/tiny-deberta"
LOADERS = [
    DebertaV2Model.from_pretrained,
    DebertaV2Tokenizer.from_pretrained,
    describe_checkpoint,
    find_checkpoint,
]


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin", "bin shards"])
def test_download(form, hub, cache, make_checkpoint, rows, expected_rows):
    hub.add(NAME, make_checkpoint(form=form))
    model = DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    assert rows(model).equal(expected_rows)
    sent = hub.downloads()
    assert len(sent) == len(set(sent)), "no file is sent twice"
    stem = "model" if "safetensors" in form else "pytorch_model"
    assert {"config.json", "spm.model"} < set(sent)
    assert sum(name.startswith(stem) for name in sent) == (4 if "shards" in form else 1)


def test_the_default_cache(hub, make_checkpoint, tmp_path):
    hub.add(NAME, make_checkpoint())
    DebertaV2Model.from_pretrained(NAME)
    assert (tmp_path / "default-cache" / "models--somebody--tiny-deberta").is_dir()


@pytest.mark.parametrize("form", ["safetensors", "bin shards"])
def test_the_cache_is_used(form, hub, cache, make_checkpoint):
    hub.add(NAME, make_checkpoint(form=form))
    first = find_checkpoint(NAME, cache_dir=cache)
    hub.requests.clear()
    assert find_checkpoint(NAME, cache_dir=cache) == first
    # Whether the hub answers, and whether the branch has moved. No other requests, not even for
    # files that the repository is known to lack.
    assert [method for method, _ in hub.requests] == ["HEAD", "HEAD"]
    assert all(path.endswith("/main/config.json") for _, path in hub.requests)


@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "bin"])
def test_a_hub_that_is_down(form, hub, cache, make_checkpoint, down, rows, expected_rows, caplog):
    hub.add(NAME, make_checkpoint(form=form))
    DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    down()
    start = time.monotonic()
    for options in ({}, {"local_files_only": True}):
        model = DebertaV2Model.from_pretrained(NAME, cache_dir=cache, **options)
        assert rows(model).equal(expected_rows)
        assert len(DebertaV2Tokenizer.from_pretrained(NAME, cache_dir=cache, **options)) > 100
        assert describe_checkpoint(NAME, cache_dir=cache, **options).pieces > 100
    assert time.monotonic() - start < 5
    assert not caplog.records


@pytest.mark.parametrize("load", LOADERS)
def test_a_hub_that_is_down_and_an_empty_cache(load, hub, cache, down, caplog):
    down()
    start = time.monotonic()
    with pytest.raises(OSError, match=f"E303.*{NAME}.*refused"):
        load(NAME, cache_dir=cache)
    with pytest.raises(OSError, match=f"E303.*{NAME}.*local_files_only"):
        load(NAME, cache_dir=cache, local_files_only=True)
    assert time.monotonic() - start < 5, "nobody waits for half a minute of retries"
    assert not caplog.records


@pytest.mark.parametrize("load", LOADERS)
def test_local_files_only_asks_nobody(load, hub, cache, make_checkpoint):
    hub.add(NAME, make_checkpoint())
    with pytest.raises(OSError, match="E303"):
        load(NAME, cache_dir=cache, local_files_only=True)
    assert not hub.requests


@pytest.mark.slow
def test_offline_by_environment(hub, cache, make_checkpoint):
    hub.add(NAME, make_checkpoint(form="bin"))
    DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    hub.requests.clear()
    script = (
        "import sys; from spacy_deberta.models import DebertaV2Model as Model\n"
        "Model.from_pretrained(sys.argv[1], cache_dir=sys.argv[2])\n"
        "try: Model.from_pretrained('somebody/else', cache_dir=sys.argv[2])\n"
        "except OSError as error: print(error)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": hub.endpoint}
    done = subprocess.run(
        [sys.executable, "-c", script, NAME, cache],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "E303" in done.stdout
    assert "HF_HUB_OFFLINE" in done.stdout
    assert not hub.requests


def test_half_a_cache(hub, cache, make_checkpoint, down):
    """A cache with only the tokenizer does not mean that the repository has no weights."""
    hub.add(NAME, make_checkpoint())
    DebertaV2Tokenizer.from_pretrained(NAME, cache_dir=cache)
    assert "model.safetensors" not in hub.downloads()
    down()
    DebertaV2Tokenizer.from_pretrained(NAME, cache_dir=cache)
    with pytest.raises(OSError, match=r"E303.*config\.json"):
        DebertaV2Model.from_pretrained(NAME, cache_dir=cache)


def test_a_shard_that_is_not_in_the_cache(hub, cache, make_checkpoint):
    hub.add(NAME, make_checkpoint(form="safetensors shards"))
    lost = find_checkpoint(NAME, cache_dir=cache).weights[1]
    lost.unlink()
    with pytest.raises(OSError, match=f"E303.*{lost.name}"):
        find_checkpoint(NAME, cache_dir=cache, local_files_only=True)
    find_checkpoint(NAME, cache_dir=cache)
    assert lost.is_file(), "it was fetched again"


def test_revisions(hub, cache, make_checkpoint, tiny_config):
    main, other = (
        make_checkpoint(name, config={**tiny_config, "revision": name})
        for name in ("main", "other")
    )
    hub.add(NAME, main)
    for revision in ("v1.0", "refs/pr/7"):
        hub.add(NAME, other, revision=revision)

    def load(revision):
        model = DebertaV2Model.from_pretrained(NAME, cache_dir=cache, revision=revision)
        return model.config.extra["revision"]

    assert load(None) == load("main") == load(commit(main)) == "main"
    assert load("v1.0") == load("refs/pr/7") == load(commit(other)) == "other"
    with pytest.raises(OSError, match="E302.*v2.0"):
        load("v2.0")
    find_checkpoint(NAME, cache_dir=cache, revision="v1.0", local_files_only=True)


def test_a_commit_in_the_cache_needs_no_request(hub, cache, make_checkpoint, down):
    folder = make_checkpoint(form="bin")
    hub.add(NAME, folder)
    find_checkpoint(NAME, cache_dir=cache)
    hub.requests.clear()
    find_checkpoint(NAME, cache_dir=cache, revision=commit(folder))
    assert not hub.requests


def test_a_branch_with_a_new_commit(hub, cache, make_checkpoint, weights, rows, expected_rows):
    hub.add(NAME, make_checkpoint("old"))
    old = DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    changed = {key: tensor + 1 for key, tensor in weights.items()}
    hub.add(NAME, make_checkpoint("new", weights=changed, form="bin"))
    new = DebertaV2Model.from_pretrained(NAME, cache_dir=cache)
    # The new commit has no safetensors: those in the cache are of the old one.
    assert not rows(new).allclose(expected_rows)
    assert rows(old).equal(expected_rows)


def test_a_branch_that_changes_during_a_download(
    hub, cache, make_checkpoint, tiny_config, monkeypatch
):
    """The files of one checkpoint are of one commit."""
    old = make_checkpoint("old")
    new = make_checkpoint("new", weights=None)
    repository = hub.add(NAME, old)
    folder_of = repository.folder

    def push_after_the_config(revision):
        if "config.json" in hub.downloads():
            repository.revisions.update(main=new, old=old)
        return folder_of(revision)

    monkeypatch.setattr(repository, "folder", push_after_the_config)
    files = find_checkpoint(NAME, cache_dir=cache)
    assert {path.parent.name for path in (files.config, *files.weights)} == {commit(old)}
    assert hub.repositories[NAME].revisions["main"] == new


def test_a_subfolder(hub, cache, make_checkpoint, tmp_path, rows, expected_rows, down):
    """All of its files are of one commit, as those of a repository are."""
    (tmp_path / "repository").mkdir()
    make_checkpoint("repository/models/small", form="safetensors shards")
    hub.add(NAME, tmp_path / "repository", revision="refs/pr/1")
    place = {"subfolder": "models/small", "revision": "refs/pr/1", "cache_dir": cache}
    files = find_checkpoint(NAME, **place)
    assert files.config.parts[-3:-1] == ("models", "small")
    assert files.config.parents[2].name == commit(tmp_path / "repository")
    assert rows(DebertaV2Model.from_pretrained(NAME, **place)).equal(expected_rows)
    assert len(DebertaV2Tokenizer.from_pretrained(NAME, **place)) > 100
    with pytest.raises(FileNotFoundError, match=rf"E304.*{NAME}.*other/config\.json"):
        find_checkpoint(NAME, **{**place, "subfolder": "other"})
    down()
    assert find_checkpoint(NAME, **place) == files
