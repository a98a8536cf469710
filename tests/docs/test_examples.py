import configparser
import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
import typer

from tests.docs.pages import PATHS, ROOT, all_blocks, read_page

pytestmark = pytest.mark.slow

LANGUAGES = {"python", "ini", "bash", "console", "text"}
SPACY = (["spacy"], ["python", "-m", "spacy"])

SHORT_PRETRAINING = shlex.split(
    "--pretraining.max_steps 2 --pretraining.batch_pieces 128 --pretraining.max_length 32"
    " --pretraining.held_out 0 --corpora.train.lines_are_documents true"
)
SMALL_MODEL = {
    "pretrain": shlex.split(
        "--model.config.hidden_size 32 --model.config.num_hidden_layers 2"
        " --model.config.num_attention_heads 2 --model.config.intermediate_size 64"
    )
}

pages = pytest.mark.parametrize("path", PATHS, ids=[read_page(path).name for path in PATHS])


def commands_of(block):
    """The command lines of a block, as lists of words; of a console, those after a `$`."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def spacy_arguments(command):
    """What comes after `spacy`, or None for another command."""
    for start in SPACY:
        if command[: len(start)] == start:
            return command[len(start) :]
    return None


def check_make(arguments):
    """Every target and variable is one of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)[1].split()
    for argument in arguments:
        name, is_variable, _ = argument.partition("=")
        if is_variable:
            assert f"$({name})" in makefile, f"the Makefile has no variable {name}"
        else:
            assert name in targets, f"the Makefile has no target {name}"


def check_pip(arguments):
    """Installs this repository, with files and extras that it has."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    assert arguments.pop(0) == "install"
    while arguments:
        word = arguments.pop(0)
        if word in ("-c", "--constraint"):
            assert (ROOT / arguments.pop(0)).is_file()
        elif word not in ("-e", "--editable"):
            match = re.fullmatch(r"\.(?:\[([\w,]+)\])?", word)
            assert match, f"{word} is not this repository"
            for extra in (match[1] or "").split(","):
                assert not extra or extra in setup["options.extras_require"]


def run_curl(arguments):
    """Send the request to a service that the page has started."""
    url, options = arguments[0], dict(zip(arguments[1::2], arguments[2::2], strict=True))
    name, value = options.pop("-H").split(": ")
    response = requests.post(url, data=options.pop("-d"), headers={name: value}, timeout=60)
    assert not options
    response.raise_for_status()
    return response.text


def options_of(command):
    """The options of a command of typer."""
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


def check_benchmarks(module, arguments):
    """The module is in `benchmarks`, and has these options."""
    is_package = find_spec(module).submodule_search_locations is not None
    command_line = import_module(f"{module}.__main__" if is_package else module)
    if hasattr(command_line, "make_parser"):
        known = set(command_line.make_parser().format_help().split())
    elif hasattr(command_line, "app"):
        known = options_of(typer.main.get_command(command_line.app).commands[arguments[0]])
    else:
        single = typer.Typer()
        single.command()(command_line.main)
        known = options_of(typer.main.get_command(single))
    unknown = {word for word in arguments if word.startswith("--")} - known
    assert not unknown, f"{module} has no {', '.join(unknown)}"


def run_command(command, *, run_spacy, default_model, service_port=0):
    """Run a command of spaCy on small data, or check the arguments of a slow one."""
    arguments = spacy_arguments(command)
    if arguments is None:
        if command[:2] == ["python", "-m"] and command[2].partition(".")[0] == "benchmarks":
            check_benchmarks(command[2], command[3:])
            return ""
        check = {"make": check_make, "pip": check_pip, "curl": run_curl}
        assert command[0] in check, f"nobody knows how to check {command}"
        return check[command[0]](command[1:]) or ""
    if arguments[0] == "train" or arguments[:2] == ["deberta", "train"]:
        arguments = [*arguments, "--training.max_steps", "2", "--corpora.train.limit", "12"]
    if arguments[:2] == ["deberta", "train-tokenizer"]:
        arguments = [*arguments, "--vocab-size", "400"]
    if arguments[:2] == ["deberta", "pretrain"]:
        arguments = [*arguments, *SHORT_PRETRAINING, *SMALL_MODEL.get(Path(arguments[2]).stem, ())]
    if arguments[:2] == ["deberta", "serve"]:
        arguments = [*arguments, "--port", service_port]
    if arguments[:2] == ["deberta", "align"] and not {"-m", "--model"} & set(arguments):
        arguments = [*arguments, "--model", default_model]
    return run_spacy(*arguments)


@pages
def test_examples_and_commands_run_in_their_order(
    path, workspace, localize, hub_checkpoint, run_spacy, service_port
):
    """Python runs as it stands when it is copied alone; of earlier blocks it has the files."""
    page = read_page(path)

    def adapt(text):
        return localize(text).replace(":8000", f":{service_port}")

    for block in page.blocks:
        if block.not_run or block.needs:  # what needs a package is run by test_integrations.py
            continue
        try:
            if block.language == "python":
                # Empty lines in front, so that a traceback names the line of the page.
                code = "\n" * block.line + adapt(block.text)
                exec(compile(code, page.name, "exec"), {"__name__": "__main__"})
            elif block.language in ("bash", "console"):
                for command in commands_of(block):
                    words = [adapt(word) for word in command]
                    run_command(
                        words,
                        run_spacy=run_spacy,
                        default_model=hub_checkpoint,
                        service_port=service_port,
                    )
        except Exception as error:
            error.add_note(f"in the block at {block.place}")
            raise


@pytest.mark.parametrize("block", all_blocks("console"), ids=lambda block: block.place)
def test_shown_output_is_that_of_the_genuine_vocabulary(block, v3_vocabulary, run_spacy):
    (command,) = commands_of(block)
    shown = block.text.partition("\n")[2]
    printed = run_command(command, run_spacy=run_spacy, default_model=v3_vocabulary)
    assert printed.strip() == shown.strip()


@pages
def test_every_block_has_a_language_that_is_checked(path):
    wrong = {b.place: b.language for b in read_page(path).blocks if b.language not in LANGUAGES}
    assert not wrong


def test_hardly_anything_is_not_run():
    left_out = [block.place for block in all_blocks(*LANGUAGES) if block.not_run]
    assert len(left_out) <= 2, left_out


@pytest.mark.parametrize(
    "command",
    [
        "make fly",
        "make demo HOPS=3",
        "pip install '.[wings]'",
        "python -m benchmarks run --fast",
        "python -m benchmarks.saving --fast",
        "python -m benchmarks.downstream run --fast",
    ],
)
def test_wrong_commands_are_noticed(command):
    with pytest.raises(AssertionError):
        run_command(shlex.split(command), run_spacy=None, default_model="")


@pages
def test_commands_in_running_text_exist(path):
    """`make …` and `python -m benchmarks …` within a sentence."""
    text = path.read_text(encoding="utf-8")
    for command in re.findall(r"`make ([^`]+)`", text):
        check_make(shlex.split(command))
    for module, arguments in re.findall(r"python -m\s+(benchmarks[.\w]*)([^`]*)`", text):
        check_benchmarks(module, shlex.split(arguments))
