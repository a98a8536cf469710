"""Fill the templates of a config."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from spacy_deberta.errors import Errors

from .settings import (
    DETAILS,
    ELSEWHERE,
    HEADS,
    PARSER_AND_SENTER,
    SEVERAL,
    TASKS,
    ConfigValues,
    DataSettings,
    Optimize,
)

if TYPE_CHECKING:
    import jinja2

_INITIALIZE = """\
[initialize.components.{name}]
{labels}
labels = null
# true leaves out the head of a fine-tuned checkpoint, and trains a new one.
new_head = false"""
_WIDTH = 98


def render_config(
    factories: Sequence[str],
    *,
    optimize: Optimize,
    settings: ConfigValues,
    batch_size: int | None,
    lang: str,
    path: str,
) -> str:
    """Fill the templates.

    Args:
        factories: The components.
        optimize: Where the config will be trained.
        settings: The encoder, and how it is trained.
        batch_size: Size of a batch; None for that of the settings.
        lang: Code of the language.
        path: The path of the config, for its first lines.

    Returns:
        The config.

    Raises:
        ValueError: A component is unknown, given twice or can't stand beside the others (E537), or
            spaCy has no such language (E536).
    """
    _check(factories)
    weights = _get_score_weights(factories, lang)
    head = HEADS.get(factories[0])
    data = head.data if head else DataSettings()
    names = [head.name] if head else ["transformer", *factories]
    initialize = []
    if head and head.labels is not None:
        initialize.append(_INITIALIZE.format(name=head.name, labels=head.labels))
    return _get_template("pipeline.cfg").render(
        title=_make_title(factories),
        note=SEVERAL if len(factories) > 1 else "",
        parser_and_senter=PARSER_AND_SENTER if {"parser", "senter"} <= set(factories) else "",
        path=path,
        optimize=optimize,
        gpu=" --gpu-id 0" if optimize == "gpu" else "",
        data=data,
        batch_size=batch_size or data.batch_size or settings.batch_size // data.size_divisor,
        owns_encoder=bool(initialize),
        components=list(factories) if head else names,
        encoder=json.dumps(settings.encoder, ensure_ascii=False),
        log=json.dumps(settings.log, ensure_ascii=False) if settings.log else None,
        lang=json.dumps(lang),
        pipeline=json.dumps(names, separators=(",", ":")),
        settings=settings,
        score_weights=weights,
        initialize=initialize,
    )


def _check(factories: Sequence[str]) -> None:
    known = ", ".join((*TASKS, *HEADS))
    if not factories:
        raise ValueError(Errors.E537.format(reason="there are none", known=known))
    for name in factories:
        if name not in TASKS and name not in HEADS:
            reason = ELSEWHERE.get(name, f"'{name}' is unknown")
            raise ValueError(Errors.E537.format(reason=reason, known=known))
        if factories.count(name) > 1:
            reason = f"'{name}' is there twice"
            raise ValueError(Errors.E537.format(reason=reason, known=known))
        if name in HEADS and len(factories) > 1:
            reason = f"'{name}' has an encoder and training data of its own, so it stands alone"
            raise ValueError(Errors.E537.format(reason=reason, known=known))


def _make_title(factories: Sequence[str]) -> str:
    if head := HEADS.get(factories[0]):
        checkpoint = "" if head.labels is None else ", as a checkpoint that Hugging Face opens"
        return f"Fine-tune a DeBERTa-v3 to {head.task}{checkpoint}"
    *most, last = (TASKS[name] for name in factories)
    if not most:
        return f"Train {last} on DeBERTa-v3{DETAILS.get(factories[0], '')}"
    title = f"Train {', '.join(most)} and {last} on one DeBERTa-v3"
    return "\n# ".join(textwrap.wrap(title, _WIDTH))


def _get_score_weights(factories: Sequence[str], lang: str) -> Mapping[str, float | None]:
    """The weights that spaCy gives the scores of these components."""
    import spacy
    from spacy.util import combine_score_weights

    try:
        nlp = spacy.blank(lang)
    except ImportError as error:
        raise ValueError(Errors.E536.format(lang=lang, error=error)) from error
    for name in factories:
        # The factory's module registers its description.
        nlp.has_factory(name)
    return combine_score_weights(
        [nlp.get_factory_meta(name).default_score_weights or {} for name in factories]
    )


def _get_template(name: str) -> "jinja2.Template":
    import jinja2

    folder = files(__package__) / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda path: (folder / path).read_text(encoding="utf-8")),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
