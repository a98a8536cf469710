"""Sorts the scores of a metrics file or an evaluation into tables."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors

# None if there were no annotations to score.
Score = float | None
PRF = ("p", "r", "f")

_NAMES = {
    "token": "Tokens",
    "token_acc": "Tokens, accuracy",
    "tag_acc": "Tags, accuracy",
    "pos_acc": "Parts of speech, accuracy",
    "morph_acc": "Morphology, accuracy",
    "morph_micro": "Morphology, micro average",
    "morph_per_feat": "Morphology by feature",
    "lemma_acc": "Lemmas, accuracy",
    "dep_uas": "Unlabelled attachment",
    "dep_las": "Labelled attachment",
    "dep_las_per_type": "Labelled attachment by label",
    "sents": "Sentences",
    "ents": "Entities",
    "ents_per_type": "Entities by label",
    "cats_score": "Categories",
    "cats_macro": "Categories, macro average",
    "cats_micro": "Categories, micro average",
    "cats_macro_auc": "Categories, area under the ROC curve (macro average)",
    "cats_f_per_type": "Categories by label",
    "cats_auc_per_type": "Categories by label, area under the ROC curve",
    "choice_acc": "Choices, accuracy",
    "mask_acc": "Masked pieces, accuracy",
    "mask_perplexity": "Masked pieces, perplexity",
    "qa_exact": "Answers, exact",
    "qa_f1": "Answers, F1 of their words",
    "qa_no_answer": "Questions without answer, accuracy",
    "speed": "Words per second",
}
_PARTS = {"p": "precision", "r": "recall", "f": "F"}
_SPANS = re.compile(r"spans_(?P<key>.+?)(?P<per_label>_per_type)?")


@dataclass(frozen=True)
class LabelScores:
    """Scores for each label.

    title (str): The scored annotation.
    columns (tuple[str, ...]): The names of the scores.
    rows (dict[str, tuple[Score, ...]]): The scores of each label, one for each column; best first.
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[Score, ...]]

    @property
    def has_f(self) -> bool:
        """Whether the last column is the F-score."""
        return len(self.columns) == len(PRF)


@dataclass(frozen=True)
class Scores:
    """The scores of a pipeline.

    prf (dict[str, tuple[Score, ...]]): Precision, recall and F-score of each annotation.
    single (dict[str, str]): All other overall scores, formatted.
    by_label (tuple[LabelScores, ...]): Tables of scores for each label.
    """

    prf: dict[str, tuple[Score, ...]]
    single: dict[str, str]
    by_label: tuple[LabelScores, ...]


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a metrics file of `spacy benchmark accuracy --output`.

    path (Path): The file.
    RETURNS (dict[str, Any]): The scores by their keys.
    """
    try:
        metrics = json.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unusable(path, f"it is no JSON: {error}") from error
    if not isinstance(metrics, dict):
        raise _unusable(path, "it is no JSON object")
    if not any(_is_number(value) for value in metrics.values()):
        raise _unusable(path, "it has no scores of the whole pipeline")
    return metrics


def sort_scores(metrics: Mapping[str, Any]) -> Scores:
    """Sort scores into tables.

    metrics (Mapping[str, Any]): The scores by their keys, as `nlp.evaluate` returns them.
    RETURNS (Scores): The tables.
    """
    stems = [key.removesuffix("_f") for key in metrics if key.endswith("_f")]
    stems = [stem for stem in stems if all(f"{stem}_{part}" in metrics for part in PRF)]
    in_prf = {f"{stem}_{part}" for stem in stems for part in PRF}
    single = {}
    for key, value in metrics.items():
        if key in in_prf or _repeats_another(key, metrics):
            continue
        if value is None or _is_number(value):
            note = metrics.get(f"{key}_desc")
            name = f"{name_score(key)} ({note})" if isinstance(note, str) else name_score(key)
            single[name] = f"{value:,.0f}" if key == "speed" and value else format_score(value)
    return Scores(
        prf={
            name_score(stem): tuple(_score(metrics[f"{stem}_{part}"]) for part in PRF)
            for stem in stems
        },
        single=single,
        by_label=tuple(
            _by_label(name_score(key), value)
            for key, value in metrics.items()
            if isinstance(value, dict) and value
        ),
    )


def name_score(key: str) -> str:
    """Get the display name of a score.

    key (str): The key of spaCy's scorer, without the suffix for precision, recall or F-score.
    RETURNS (str): The name, or the key if it is unknown.
    """
    if match := _SPANS.fullmatch(key):
        return f"Spans “{match['key']}”" + (" by label" if match["per_label"] else "")
    return _NAMES.get(key, key)


def name_logged_score(key: str) -> str:
    """Get the display name of a score in a training log.

    key (str): The key of spaCy's scorer, with the suffix for precision, recall or F-score.
    RETURNS (str): The name, or the key if it is unknown.
    """
    stem, _, part = key.rpartition("_")
    if part in PRF and (name := name_score(stem)) != stem:
        return f"{name}, {_PARTS[part]}"
    return name_score(key)


def format_score(value: Score) -> str:
    """Format a score. Scores from 0 to 1 are given in percent.

    value (Score): The score.
    RETURNS (str): The number, or a dash for None.
    """
    if value is None:
        return "–"
    return f"{100 * value:.1f}" if 0 <= value <= 1 else f"{value:,.4g}"


def _repeats_another(key: str, metrics: Mapping[str, Any]) -> bool:
    """Whether a summary score such as `cats_score` duplicates another key of the metrics."""
    note = metrics.get(f"{key}_desc")
    if not key.endswith("_score") or not isinstance(note, str):
        return False
    # spaCy's "macro AUC" of `cats_score` is `cats_macro_auc`.
    other = f"{key.removesuffix('score')}{note.lower().replace(' ', '_')}"
    return other in metrics and metrics[other] == metrics[key]


def _by_label(title: str, values: Mapping[str, Any]) -> LabelScores:
    columns: tuple[str, ...]
    rows: dict[str, tuple[Score, ...]]
    if all(isinstance(value, dict) for value in values.values()):
        columns = PRF
        rows = {key: tuple(_score(row.get(c)) for c in PRF) for key, row in values.items()}
    else:
        columns = ("score",)
        rows = {key: (_score(value),) for key, value in values.items()}
    # The stable sort keeps the file's order between equals.
    best_first = sorted(rows, key=lambda label: -1.0 if (f := rows[label][-1]) is None else f)
    return LabelScores(title, columns, {label: rows[label] for label in reversed(best_first)})


def _score(value: Any) -> Score:
    return float(value) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unusable(path: Path, cause: str) -> ValueError:
    way_out = "Write it with `spacy benchmark accuracy MODEL DATA --output METRICS.json`"
    return ValueError(
        Errors.E512.format(kind="metrics file", path=path, cause=cause, way_out=way_out)
    )
