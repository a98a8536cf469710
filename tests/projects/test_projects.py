"""All commands of each project run, with small settings."""

import hashlib
import lzma
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import srsly
import weasel.cli.run
from packaging.requirements import Requirement

from .short_assets import SHORTEN

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(path.parent for path in ROOT.glob("projects/*/project.yml"))
# Settings for a short run, and the metrics that it must write: for each file, scores from 0 to 1
# that it must have.
SHORT: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "pretrain_mini": (
        shlex.split(
            "--vars.gpu -1 --vars.short_steps 2 --vars.long_steps 2 --vars.batch_pieces 2048"
            " --vars.vocab_size 1000"
        ),
        {"metrics/held_out.json": ["accuracy"]},
    ),
    "ner_wnut17": (
        ["--vars.steps", "2"],
        {
            f"metrics/{name}-{part}.json": ["ents_f"]
            for name in ("deberta", "cnn")
            for part in ("dev", "test")
        },
    ),
    "quickstart": (
        ["--vars.steps", "4"],
        {
            f"metrics/{name}.json": ["ents_f", "cats_micro_f", "cats_macro_f", "spans_sc_f"]
            for name in ("baseline", "test")
        },
    ),
    "textcat_banking77": (
        ["--vars.steps", "2", "--vars.vocab_size", "500"],
        {f"metrics/{part}.json": ["cats_micro_f", "cats_macro_f"] for part in ("dev", "test")},
    ),
    "spancat_restaurant8k": (
        ["--vars.steps", "2", "--vars.vocab_size", "500"],
        {f"metrics/{part}.json": ["spans_sc_f"] for part in ("dev", "test")},
    ),
    "gliner_custom_labels": (
        ["--vars.steps", "2"],
        {"metrics/test.json": ["ents_f", "held_out_f"]},
    ),
    "qa_xquad": (
        ["--vars.steps", "2", "--vars.vocab_size", "1000"],
        {f"metrics/{part}.json": ["qa_exact", "qa_f1"] for part in ("dev", "test")},
    ),
    "parsing_ud_ewt": (
        ["--vars.steps", "2", "--vars.vocab_size", "500"],
        {
            f"metrics/{part}.json": ["tag_acc", "pos_acc", "morph_acc", "dep_uas", "dep_las"]
            for part in ("dev", "test")
        },
    ),
    "multiple_choice_codah": (
        ["--vars.steps", "2", "--vars.vocab_size", "1000"],
        {f"metrics/{part}.json": ["choice_acc", "standard_error"] for part in ("dev", "test")},
    ),
}
# The output of the command `show` for the text of a project.
SHOWN = {
    "gliner_custom_labels": ["Entity", "Label", "Score"],
    "quickstart": ["Entities", "Category", "Spans “sc”", "Lena Brandt joined Siemens"],
}
# Runs as its users run it: in processes of its own. Without matplotlib, which is an extra.
IN_PROCESSES = "quickstart"


def read_project(path):
    return srsly.read_yaml(path / "project.yml")


def copy_project(name, folder):
    """Copy the folder of a project, and nothing else of the repository."""
    leave_out = shutil.ignore_patterns("corpus", "training", "metrics", "packages", "project.lock")
    return Path(shutil.copytree(ROOT / "projects" / name, folder / name, ignore=leave_out))


def hide_matplotlib(folder):
    """Environment variables with which matplotlib can't be imported."""
    folder.mkdir()
    (folder / "matplotlib.py").write_text("raise ImportError('hidden')\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


def place_assets(project, shared_data):
    """Put the assets where `spacy project assets` would: by their checksums, or by their names."""
    paths = [p for p in shared_data.rglob("*") if p.is_file() and p.stat().st_size < 10**8]
    files = {hashlib.md5(path.read_bytes()).hexdigest(): path for path in paths}
    packed = {path.name: path for path in paths if path.suffix == ".xz"}
    for asset in read_project(project).get("assets", []):
        target = project / asset["dest"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if "checksum" in asset:
            shutil.copyfile(files[asset["checksum"]], target)
        else:
            target.write_bytes(lzma.decompress(packed[f"{target.name}.xz"].read_bytes()))
        if project.name in SHORTEN:
            SHORTEN[project.name](target)


def outputs_of(project):
    """All declared outputs of the commands of a project."""
    content = read_project(project)
    for command in content["commands"]:
        for file in [*command.get("outputs", []), *command.get("outputs_no_cache", [])]:
            yield re.sub(r"\$\{vars\.(\w+)\}", lambda match: str(content["vars"][match[1]]), file)


def check_package(folder):
    """A package has a pipeline that can be loaded."""
    name = folder.name.rpartition("-")[0]
    script = f"import {name}; print(len({name}.load()('Lena joined Siemens.')))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "4", done.stderr


def run_in_processes(project, overrides, tmp_path):
    """Run all commands of a project without matplotlib."""
    done = subprocess.run(
        [sys.executable, "-m", "spacy", "project", "run", "all", project, *overrides],
        capture_output=True,
        text=True,
        check=False,
        env=hide_matplotlib(tmp_path / "hidden"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (project / "training" / "report.html").read_text(encoding="utf-8")
    assert "<figure" not in page
    assert "matplotlib" in page
    return done.stdout


def run_here(command, **_):
    """Run a Python command in this process: most of its time would be for imports."""
    arguments = [str(argument) for argument in command[1:]]
    with pytest.MonkeyPatch.context() as patch:
        try:
            if arguments[0] == "-m":
                patch.setattr(sys, "argv", arguments[1:])
                runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
            else:
                patch.setattr(sys, "argv", arguments)
                runpy.run_path(arguments[0], run_name="__main__")
        except SystemExit as done:
            if done.code:
                pytest.fail(f"{arguments} ended with {done.code}")


# Folders of the commands' outputs.
LEFT = re.compile("(corpus|training|metrics|packages)/")


def fill(text, variables):
    """A string of project.yml with the values of its variables."""
    return re.sub(r"\$\{vars\.(\w+)\}", lambda match: str(variables[match[1]]), text)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.name)
def test_a_command_depends_on_every_file_of_the_project_that_it_runs(path):
    content = read_project(path)
    for command in content["commands"]:
        words = shlex.split(fill(" ".join(command["script"]), content["vars"]))
        used = [word for word in words if (path / word).is_file() and not LEFT.match(word)]
        scripts = [word for word in words if word.endswith(".py")]
        assert set(scripts) <= set(used), command["name"]
        deps = [fill(file, content["vars"]) for file in command.get("deps", [])]
        missing = [file for file in used if file not in deps and not _is_in(file, deps)]
        assert not missing, command["name"]


def _is_in(file, folders):
    return any(Path(file).is_relative_to(folder) for folder in folders)


DEFAULTS = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ((?:`[^`]+`(?:, )?)+) \|", flags=re.MULTILINE)


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.name)
def test_a_project_needs_nothing_outside_of_its_folder(path):
    for pattern in ("*.yml", "*.md", "scripts/*.py", "configs/*.cfg", "assets/*.md"):
        for file in path.glob(pattern):
            assert "../" not in file.read_text(encoding="utf-8"), file
    assert "requirements.txt" in (path / "README.md").read_text(encoding="utf-8")
    requirements = (path / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [Requirement(line).name for line in requirements] == ["spacy-deberta"]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.name)
def test_the_defaults_in_a_readme_are_those_of_the_project(path):
    readme = (path / "README.md").read_text(encoding="utf-8")
    variables = read_project(path)["vars"]
    told = [map(re.compile("`([^`]+)`").findall, row) for row in DEFAULTS.findall(readme)]
    for names, values in told:
        found = ["null" if variables[n] is None else str(variables[n]) for n in names]
        assert values == found
    # A text that mentions a variable has a table that describes it.
    own_text = readme.partition("<!-- WEASEL")[0]
    named = set(re.findall(r"--vars\.(\w+)", own_text))
    assert named <= {
        name for row in DEFAULTS.findall(readme) for name in re.findall(r"\w+", row[0])
    }


@pytest.mark.parametrize("name", [path.name for path in PROJECTS])
def test_a_copy_of_a_project_runs(name, tmp_path, request, monkeypatch, capsys):
    project = copy_project(name, tmp_path)
    if read_project(project).get("assets"):
        place_assets(project, request.getfixturevalue("shared_data"))
    overrides, metrics = SHORT[name]
    if name == IN_PROCESSES:
        printed = run_in_processes(project, overrides, tmp_path)
    else:
        monkeypatch.setattr(weasel.cli.run, "run_command", run_here)
        run_here([sys.executable, "-m", "spacy", "project", "run", "all", project, *overrides])
        printed = capsys.readouterr().out
    for file, keys in metrics.items():
        scores = srsly.read_json(project / file)
        for key in keys:
            assert 0 <= scores[key] <= 1, f"{file}: {key}"
    for text in SHOWN.get(name, []):
        assert text in printed
    for file in outputs_of(project):
        assert (project / file).exists(), file
    for archive in project.glob("packages/*/dist/*.tar.gz"):
        check_package(archive.parents[1])


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.name)
def test_the_readme_of_a_project_is_that_of_its_commands(path):
    readme = (path / "README.md").read_text(encoding="utf-8")
    for command in read_project(path)["commands"]:
        assert f"| `{command['name']}` | {command['help']} |" in readme
