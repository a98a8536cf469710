"""`spacy deberta migrate-config` on configs with null, variables and other types anywhere."""

import re
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli.init_config import init_config
from thinc.api import Config

from spacy_deberta.cli.migration import migrate
from tests.cli.test_migrate_config import HAND_MADE, parse

CODED = re.compile(r"\[spacy-deberta E514\]")
VARIABLES = {"null": None, "number": 5, "text": "x", "section": {"name": "x"}, "self": None}
VALUES = [
    *(None, 5, 0.5, True, "", "x", [], [1], {}, {"name": 5}, {"@architectures": None}),
    *(f"${{vars.{name}}}" for name in VARIABLES),
    *("${vars}", "${vars:section}", "${nowhere.x}", '"${vars.text}/y"', "${components.trf}"),
]


def places(values, path=()):
    """The paths of all values of a config, sections included."""
    for key, value in values.items():
        if path:  # in a file, what is at the top is a section
            yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def replace(config, path, value):
    *parents, key = path
    for parent in parents:
        config = config.get(parent) if isinstance(config, dict) else None
    if isinstance(config, dict):
        config[key] = deepcopy(value)


def migrate_or_refuse(config):
    """The migrated config, or None if it is refused with the error for values of other types."""
    config["vars"] = {**VARIABLES, "self": "${vars.self}"}
    before = deepcopy(dict(config))
    try:
        migrated = migrate(config).config
    except ValueError as error:
        if not CODED.match(str(error)):
            raise
        migrated = None
    assert dict(config) == before
    return migrated


def try_all(config):
    migrated = refused = 0
    for path in places(config):
        for value in VALUES:
            changed = config.copy()
            replace(changed, path, value)
            if migrate_or_refuse(changed) is None:
                refused += 1
            else:
                migrated += 1
    assert migrated > refused > 0


@pytest.mark.parametrize("name", HAND_MADE)
def test_any_value_of_hand_made_configs(name):
    try_all(parse(HAND_MADE[name]))


# Without spacy-transformers, `spacy init config --gpu` writes no transformer.
@pytest.mark.stock
def test_any_value_of_a_generated_config():
    try_all(init_config(lang="en", pipeline=["tagger"], gpu=True, silent=True))


@given(data=st.data())
def test_several_values_at_once(data):
    config = parse(HAND_MADE[data.draw(st.sampled_from(sorted(HAND_MADE)))])
    paths = st.sampled_from(list(places(config)))
    for path, value in data.draw(st.lists(st.tuples(paths, st.sampled_from(VALUES)), min_size=2)):
        replace(config, path, value)
    if (migrated := migrate_or_refuse(config)) is not None:
        # thinc writes it, and reads it again.
        assert Config().from_str(migrated.to_str(interpolate=False), interpolate=False)


BLOCK = """
[vars]
factory = "transformer"
architecture = "spacy-transformers.TransformerModel.v3"
options = {"output_hidden_states":true}
getter = "spacy-transformers.sent_spans.v1"

[blocks]

[blocks.spans]
@span_getters = ${vars.getter}

[blocks.model]
@architectures = ${vars.architecture}
name = "microsoft/deberta-v3-small"
transformer_config = ${vars.options}
get_spans = ${blocks.spans}

[nlp]
lang = "en"
pipeline = ["trf"]

[components.trf]
factory = ${vars.factory}
model = ${blocks.model}
"""


def test_what_variables_refer_to_is_migrated(tiny_checkpoint):
    """thinc interpolates both, and finds the same as in the config without variables."""
    config = parse(BLOCK)
    plain = migrate(config.interpolate(), encoder=str(tiny_checkpoint)).config
    migrated = migrate(config, encoder=str(tiny_checkpoint)).config.interpolate()
    assert migrated["components"] == plain["components"]
    trf = migrated["components"]["trf"]
    assert trf["factory"] == "deberta"
    assert trf["model"]["output_hidden_states"] is True
    assert trf["model"]["get_spans"] == {"@span_getters": "spacy-deberta.sent_spans.v1"}


def test_sections_that_are_null_are_empty():
    text = HAND_MADE["no model"]
    config = parse(text)
    config["initialize"]["components"] = None
    config["components"]["trf"]["model"] = None
    assert migrate(config).config["components"] == migrate(parse(text)).config["components"]


@pytest.mark.parametrize(
    ("old", "code"),
    [
        (b'[nlp]\nlang = "caf\xe9"\n', "E525.*utf-8"),
        (b"[nlp]\nlang = 1\nlang = 2\n", "E525.*already exists"),
        (b"[nlp]\n[nlp]\n", "E525.*already exists"),
        (b'[nlp]\n\n[components]\ntrf = "x"\n', "E514.*components.trf.*'x'.*section"),
        (b'[components]\n\n[components.trf]\nfactory = "transformer"\nmodel = 5\n', "E514.*model"),
    ],
)
def test_unusable_files_are_coded_errors(old, code, spacy_cli, tmp_path):
    (tmp_path / "old.cfg").write_bytes(old)
    done = spacy_cli("deberta", "migrate-config", tmp_path / "old.cfg", tmp_path / "new.cfg")
    assert done.exit_code == 1
    assert re.search(code, " ".join(done.stderr.split()))
    assert not (tmp_path / "new.cfg").exists()


@pytest.mark.parametrize("encoder", ["", "  "])
def test_an_empty_name_is_refused(encoder, spacy_cli, tmp_path):
    (tmp_path / "old.cfg").write_text(parse(HAND_MADE["no model"]).to_str(), encoding="utf-8")
    paths = (tmp_path / "old.cfg", tmp_path / "new.cfg")
    done = spacy_cli("deberta", "migrate-config", *paths, "-e", encoder)
    assert done.exit_code == 1
    assert "E515" in done.stderr


def test_where_a_config_cannot_be_written(spacy_cli, tmp_path):
    old = tmp_path / "old.cfg"
    old.write_text(parse(HAND_MADE["no model"]).to_str(), encoding="utf-8")
    for new in (tmp_path / "missing" / "new.cfg", tmp_path):
        done = spacy_cli("deberta", "migrate-config", old, new)
        message = " ".join(done.stderr.split())
        assert done.exit_code == 1
        assert "E516" in message
        assert "read" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["old.cfg"]


def test_a_config_stays_if_the_disk_is_full(spacy_cli, tmp_path, monkeypatch):
    old = tmp_path / "old.cfg"
    old.write_text(parse(HAND_MADE["no model"]).to_str(), encoding="utf-8")
    before = old.read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    done = spacy_cli("deberta", "migrate-config", old, old)
    assert "No space left" in " ".join(done.stderr.split())
    assert old.read_bytes() == before
