"""What `spacy deberta prepare` wrote, and what did not fit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wasabi import table

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_deberta.corpora import Problem

_MAX_SHOWN = 10
# Columns of the names, and of the parts.
_ALIGNS: tuple[Literal["l", "r", "c"], ...] = ("l", "r", "r", "r")
_MEANING = {
    "misaligned": "cut a token: see --alignment-mode",
    "overlapping": "overlap with a longer entity: see --spans-key",
    "outside": "are not within the text",
    "empty": "have no characters but whitespace",
}


@dataclass
class Preparation:
    """What was prepared.

    Attributes:
        folder: The folder of the files.
        duplicates: Number of texts that were there before.
        counts: For each part, the number of texts, of tokens, and of each label.
        problems: The spans that did not fit.
    """

    folder: Path
    duplicates: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list["Problem"] = field(default_factory=list)

    @property
    def texts(self) -> int:
        """Number of texts in all files."""
        return sum(counts["texts"] for counts in self.counts.values())

    @property
    def files(self) -> list[Path]:
        """The files, that for training first."""
        return [self.folder / f"{name}.spacy" for name in self.counts]

    def add(self, name: str, docs: Iterable["Doc"], spans_key: str | None) -> None:
        """Count the documents of a part."""
        counts: Counter[str] = Counter()
        for doc in docs:
            counts["texts"] += 1
            counts["tokens"] += len(doc)
            spans = doc.ents if spans_key is None else doc.spans.get(spans_key, ())
            kind = "entity" if spans_key is None else "span"
            counts.update(f"{kind} {span.label_}" for span in spans)
            counts.update(f"category {label}" for label, value in doc.cats.items() if value >= 0.5)
        self.counts[name] = counts

    def show_problem(self, index: int) -> str:
        """A problem in one line."""
        problem = self.problems[index]
        return f"{problem.place}: {problem.reason} {problem.span.label}, {problem.text}"

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "files": [str(path) for path in self.files],
            "duplicates": self.duplicates,
            "counts": {name: dict(counts) for name, counts in self.counts.items()},
            "problems": [
                {
                    "place": problem.place,
                    "reason": problem.reason,
                    "start": problem.span.start,
                    "end": problem.span.end,
                    "label": problem.span.label,
                }
                for problem in self.problems
            ],
        }


def format_preparation(done: Preparation) -> str:
    """The numbers of each part as a table, and the problems as lines."""
    labels = sorted({key for counts in done.counts.values() for key in counts})
    rows = ["texts", "tokens", *(key for key in labels if key not in ("texts", "tokens"))]
    numbers = [(key, *(f"{counts[key]:,}" for counts in done.counts.values())) for key in rows]
    aligns = _ALIGNS[: len(done.counts) + 1]
    lines = [table(numbers, header=("", *done.counts), divider=True, aligns=aligns, max_col=60)]
    if done.duplicates:
        lines.append(f"Repeated texts: {done.duplicates:,}, each in the file of the first")
    without = [key for key in rows[2:] if not done.counts["train"][key]]
    if without:
        lines.append(f"Not in train.spacy, so nothing can learn them: {', '.join(without)}")
    for reason, number in Counter(problem.reason for problem in done.problems).items():
        lines.append(f"Left out: {number:,} {reason}, which {_MEANING[reason]}")
    shown = range(min(len(done.problems), _MAX_SHOWN))
    lines.extend(f"  {done.show_problem(index)}" for index in shown)
    if len(done.problems) > _MAX_SHOWN:
        lines.append(f"  and {len(done.problems) - _MAX_SHOWN:,} more: --json lists all")
    return "\n".join(lines)
