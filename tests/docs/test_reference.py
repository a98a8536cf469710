import ast
import inspect
import re
import types
from dataclasses import MISSING, fields
from importlib.metadata import entry_points
from typing import Any, Union, get_args, get_origin

import pytest
import spacy
import typer.main
from spacy.util import registry
from thinc.api import Model

import spacy_deberta
import spacy_deberta.layers
import spacy_deberta.tokenization
from spacy_deberta import errors
from spacy_deberta.arrays import Array
from spacy_deberta.cli import deberta_cli
from spacy_deberta.layers import Sequences, piece_windows_v1
from spacy_deberta.models import HEADS, DebertaV2PreTrainedModel, DebertaV2WithHead
from spacy_deberta.nn import PackedPieces
from spacy_deberta.pipeline.fill_mask import FillMask
from spacy_deberta.pipeline.gliner.component import Gliner
from spacy_deberta.pipeline.head_pipe import HeadPipe
from spacy_deberta.pipeline.multiple_choice import MultipleChoice
from spacy_deberta.pipeline.question_answering import QuestionAnswering
from spacy_deberta.pipeline.sequence_classifier import SequenceClassifier
from spacy_deberta.pipeline.token_classifier import TokenClassifier
from spacy_deberta.pipeline.transformer import Deberta
from spacy_deberta.pipeline.vectors import Vectors
from spacy_deberta.pipeline.zero_shot import ZeroShot
from tests.docs.pages import PATHS, ROOT, read_page

API = {path.stem: read_page(path) for path in PATHS if path.parent.name == "api"}
# Inherited from spaCy's classes, and documented here as well.
INHERITED = {
    "Deberta": {
        "create_optimizer",
        "from_bytes",
        "initialize",
        "predict",
        "set_annotations",
        "to_bytes",
    },
    "HeadPipe": {
        "__call__",
        "create_optimizer",
        "finish_update",
        "from_bytes",
        "pipe",
        "score",
        "to_bytes",
        "use_params",
    },
}
# Methods that components define for `HeadPipe`, and that its page describes.
HOOKS = {
    "check_head",
    "config_values",
    "gold_labels",
    "has_gold",
    "training_batch",
    "unknown_labels",
}
# Members that models define for loading and for pipelines.
MODEL_HOOKS = {"layout_options", "score_packed"}
# Heads whose `forward` is that of the base class, which is documented for each as well.
INHERITED.update(
    {
        spec.architecture: {"forward"}
        for spec in HEADS.values()
        if "forward" not in vars(spec.module_class)
    }
)
CLASSES = {
    **{spec.architecture: spec.module_class for spec in HEADS.values()},
    "Deberta": Deberta,
    "DebertaV2Config": spacy_deberta.DebertaV2Config,
    "DebertaV2Model": spacy_deberta.DebertaV2Model,
    "DebertaV2PreTrainedModel": DebertaV2PreTrainedModel,
    "DebertaV2Tokenizer": spacy_deberta.DebertaV2Tokenizer,
    "FillMask": FillMask,
    "Gliner": Gliner,
    "HeadPipe": HeadPipe,
    "MultipleChoice": MultipleChoice,
    "PackedPieces": PackedPieces,
    "Precision": spacy_deberta.Precision,
    "QuestionAnswering": QuestionAnswering,
    "SequenceClassifier": SequenceClassifier,
    "TokenClassifier": TokenClassifier,
    "Vectors": Vectors,
    "ZeroShot": ZeroShot,
}
LITERALS = (type(None), bool, int, float, str, tuple, list)
SECTIONS = [
    (f"{page.name}#{section.attributes['id']}", section)
    for page in API.values()
    for section in page.sections
    if section.attributes.get("tag")
    in ("method", "classmethod", "function", "registry", "dataclass")
]


def documented_function(section):
    """The function that a section of a page describes."""
    if "registry" in section.attributes:
        return getattr(registry, section.attributes["registry"]).get(section.title)
    owner, _, name = section.title.partition(".")
    if not name:
        return getattr(spacy_deberta, owner, None) or getattr(spacy_deberta.tokenization, owner)
    return getattr(CLASSES[owner], name)


def default_of(description):
    """The default in a description; `...` if there is none."""
    match = re.search(r"Defaults to `([^`]+)`", description)
    if match is None:
        return ...
    value = {"null": "None", "true": "True", "false": "False"}.get(match[1], match[1])
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def parameters_of(section):
    """Name, default and whether it is keyword-only, for each row of a table of parameters."""
    keyword_only = False
    for name, description, *_ in section.rows[2:]:
        if name == "_keyword-only_":
            keyword_only = True
        elif match := re.fullmatch(r"`(\w+)`", name):
            yield match[1], default_of(description), keyword_only


def signature_of(function):
    """The same for a function."""
    if isinstance(function, types.WrapperDescriptorType):  # compiled, and tells no signature
        yield "doc", ..., False
        return
    for name, parameter in inspect.signature(function).parameters.items():
        default = parameter.default
        if name in ("self", "cls"):
            continue
        if default is parameter.empty or not isinstance(default, LITERALS):
            default = ...
        keyword_only = parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
        yield name, default, keyword_only and not _is_dataclass(function)


def _is_dataclass(function):
    return hasattr(function, "__dataclass_fields__")


@pytest.mark.parametrize("section", [s for _, s in SECTIONS], ids=[name for name, _ in SECTIONS])
def test_parameters_are_those_of_the_code(section):
    documented = list(parameters_of(section))
    owner = CLASSES.get(section.title.partition(".")[0])
    expected = list(with_settings(signature_of(documented_function(section)), owner))
    assert _by_position(documented) == _by_position(expected)


def with_settings(parameters, owner):
    """With the fields of a component's settings in place of `**settings`."""
    for name, default, keyword_only in parameters:
        if name == "settings" and hasattr(owner, "settings_class"):
            for field in fields(owner.settings_class):
                if not field.metadata.get("saved_only"):
                    made = field.default_factory
                    yield field.name, field.default if made is MISSING else made(), True
        else:
            yield name, default, keyword_only


def _by_position(parameters):
    """Ignore the order of keyword-only parameters."""
    parameters = list(parameters)
    named = sorted((p for p in parameters if p[2]), key=str)
    return [p for p in parameters if not p[2]] + named


def type_name(annotation):
    """A type as spaCy's pages write it."""
    if annotation == Model[Sequences, Array]:  # an alias, which leaves no name
        return "Model[Sequences, Array]"
    if annotation is Any:
        return "Any"
    if isinstance(annotation, str | types.EllipsisType):
        return annotation
    if isinstance(annotation, list):
        return f"[{', '.join(map(type_name, annotation))}]"
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = (type_name(a) for a in arguments if a is not type(None))
        return f"Optional[{inner}]"
    name = getattr(get_origin(annotation) or annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(type_name, arguments))}]" if arguments else name


@pytest.mark.parametrize("section", [s for s in API["architectures"].sections if s.attributes])
def test_types_of_architectures_are_those_of_the_code(section):
    annotations = inspect.get_annotations(documented_function(section))
    assert len(section.rows[2:]) == len(annotations)
    for name, description in section.rows[2:]:
        documented = re.search(r"~~(.+)~~$", description)[1]
        key = "return" if name == "**CREATES**" else name.strip("`")
        assert documented == type_name(annotations[key]), name


def test_every_registered_function_is_documented():
    prefix = "spacy-deberta."
    registered = {
        name
        for kind in (
            "architectures",
            "callbacks",
            "readers",
            "schedules",
            "scorers",
            "span_getters",
        )
        for name in getattr(registry, kind).get_all()
        if name.startswith(prefix)
    }
    sections = [section for page in API.values() for section in page.sections]
    documented = {s.title for s in sections if "registry" in s.attributes}
    assert documented == registered
    assert len(registered) >= 3


def component_pages():
    """The pages of components by the names of their factories."""
    pages = [page for page in API.values() if "api_string_name" in page.front_matter]
    return {page.front_matter["api_string_name"]: page for page in pages}


def test_every_factory_has_a_page():
    group = entry_points(group="spacy_factories")
    ours = {point.name for point in group if point.module.startswith("spacy_deberta.")}
    assert component_pages().keys() == ours


@pytest.mark.parametrize("factory", component_pages())
def test_settings_are_those_of_the_factory(factory):
    (section,) = (
        s for s in component_pages()[factory].sections if s.attributes.get("id") == "config"
    )
    documented = [(name, default) for name, default, _ in parameters_of(section)]
    meta = spacy.blank("en").get_factory_meta(factory)
    make = registry.get("factories", factory)
    defaults = {
        name: next((v for k, v in value.items() if k.startswith("@")), value)
        if isinstance(value, dict)
        else value
        for name, value in meta.default_config.items()
    }
    names = [name for name in inspect.signature(make).parameters if name not in ("nlp", "name")]
    assert sorted(documented) == sorted((name, defaults.get(name, ...)) for name in names)


@pytest.mark.parametrize("name", [n for n, c in CLASSES.items() if issubclass(c, HeadPipe)])
def test_a_component_names_the_page_of_what_it_inherits(name):
    pages = [p for p in API.values() if any(s.title.startswith(f"{name}.") for s in p.sections)]
    (page,) = pages
    assert page.name == "docs/api/head_pipe.md" or "head_pipe.md" in page.links


def public_methods(cls):
    """Methods that this package defines for a class, with `__init__` and `__call__`."""
    names = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("spacy_deberta"):
            continue
        if base is HeadPipe and cls is not HeadPipe:
            # The page of each component refers to that of `HeadPipe`, but has its own settings.
            return (names - HOOKS) | {"__init__"}
        if base in (DebertaV2PreTrainedModel, DebertaV2WithHead) and cls is not base:
            break  # members of all models are described once
        for name, value in vars(base).items():
            is_method = inspect.isfunction(value) or isinstance(value, classmethod)
            is_method |= isinstance(value, property) and issubclass(cls, HeadPipe)
            is_public = not name.startswith("_") or name in ("__init__", "__call__")
            if is_method and is_public and not (name == "__init__" and _is_dataclass(base)):
                names.add(name)
    return names - MODEL_HOOKS


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_is_documented(name):
    titles = [section.title for page in API.values() for section in page.sections]
    documented = {
        title.removeprefix(f"{name}.") for title in titles if title.startswith(f"{name}.")
    }
    assert documented == public_methods(CLASSES[name]) | INHERITED.get(name, set())


def test_everything_exported_is_documented():
    titles = {section.title for page in API.values() for section in page.sections}
    exported = {name: getattr(spacy_deberta, name) for name in spacy_deberta.__all__}
    del exported["__version__"]
    functions = {name for name, value in exported.items() if inspect.isfunction(value)}
    assert functions <= titles
    assert exported.keys() - functions <= {*CLASSES, *titles}


COMMANDS = (
    *("align", "annotate", "convert", "info", "init-config", "migrate-config", "prepare"),
    *("pretrain", "serve", "train", "train-tokenizer", "visualize"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_of_commands_are_those_of_the_command_line(name):
    group = typer.main.get_command(deberta_cli)
    assert set(group.commands) == set(COMMANDS)
    (section,) = (s for s in API["cli"].sections if s.title == name)
    documented = [set(re.findall(r"`([^`]+)`", row[0])) for row in section.rows[2:]]
    expected = [
        {parameter.name} if parameter.param_type_name == "argument" else set(parameter.opts)
        for parameter in group.commands[name].params
    ]
    assert documented == [*expected, {"--help"}]
    defaults = {p.opts[-1]: p.default for p in group.commands[name].params}
    for row in section.rows[2:]:
        option = re.findall(r"`([^`]+)`", row[0])[-1]
        if isinstance(defaults.get(option), str):
            assert default_of(row[1]) == defaults[option]


@pytest.mark.parametrize("page", API.values(), ids=API)
def test_front_matter_is_complete(page):
    assert {"title", "teaser", "tag", "source", "version"} <= set(page.front_matter)
    assert (ROOT / page.front_matter["source"]).is_file()
    released = [int(part) for part in spacy_deberta.__version__.split(".")]
    assert [int(part) for part in page.front_matter["version"].split(".")] <= released


def test_the_example_of_a_message_is_what_users_see():
    (block,) = (b for b in read_page(ROOT / "docs" / "errors.md").blocks if b.language == "text")
    with pytest.raises(ValueError) as raised:
        piece_windows_v1(window=64, overlap=64)
    assert str(raised.value).split() == block.text.split()


def test_every_code_is_listed_with_its_meaning():
    rows = [
        row
        for section in read_page(ROOT / "docs" / "errors.md").sections
        for row in section.rows
        if row[0].startswith("`")
    ]
    codes = [
        name
        for catalogue in (errors.Errors, errors.Warnings)
        for name in dir(catalogue)
        if re.fullmatch(r"[EW]\d{3}", name)
    ]
    assert [code.strip("`") for code, _ in rows] == codes
    meanings = [meaning for _, meaning in rows]
    assert len(set(meanings)) == len(meanings)
    assert all(meaning.endswith(".") and len(meaning) < 100 for meaning in meanings)
