"""Convert restaurant8k's JSON to spaCy's binary format: utterances with slots as spans.

- The files omit values of 0 and empty values: a span without `startIndex` starts at 0, and an
  utterance without `labels` has no spans and is kept.
- White space at the edges of a span is stripped.
- A span that begins or ends inside a token is expanded to token boundaries. Both are counted.

There is no development file, so every tenth distinct utterance of the training file is held out for
it, with all its copies. The split is deterministic, and no utterance is in both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, SpanGroup
from wasabi import msg

DEV_EVERY = 10


@dataclass(frozen=True)
class Slot:
    """A character span with its slot."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Utterance:
    """The text of a guest, with its slots."""

    text: str
    slots: tuple[Slot, ...]


def read_slot(text: str, label: Mapping[str, Any]) -> Slot:
    """Read one of the `labels` of an utterance.

    Raises:
        ValueError: The span has no end, is empty, or is not inside the text.
    """
    span = label["valueSpan"]
    start, end = span.get("startIndex", 0), span.get("endIndex")
    if end is None or not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise ValueError(f"{label['slot']} has the span {span}, which is not one of {text!r}")
    return Slot(start, end, label["slot"])


def read_utterances(path: Path) -> list[Utterance]:
    """Read one of the files."""
    utterances = []
    for record in srsly.read_json(path):
        text = record["userInput"]["text"]
        slots = tuple(read_slot(text, label) for label in record.get("labels", ()))
        utterances.append(Utterance(text, slots))
    return utterances


def split_utterances(
    utterances: Iterable[Utterance],
) -> tuple[list[Utterance], list[Utterance]]:
    """Split the utterances into training and development data."""
    train, dev = [], []
    place: dict[str, int] = {}
    for utterance in utterances:
        place.setdefault(utterance.text, len(place) + 1)
        (train if place[utterance.text] % DEV_EVERY else dev).append(utterance)
    return train, dev


def trim(text: str, slot: Slot) -> Slot:
    """The slot without the white space at its edges."""
    value = text[slot.start : slot.end]
    start = slot.start + len(value) - len(value.lstrip())
    return Slot(start, start + len(value.strip()), slot.label)


def make_doc(nlp: Language, utterance: Utterance, *, spans_key: str = "sc") -> tuple[Doc, int, int]:
    """One document with its spans.

    Returns:
        The document, and the numbers of spans that were stripped and expanded.
    """
    doc = nlp.make_doc(utterance.text)
    trimmed = [trim(utterance.text, slot) for slot in utterance.slots]
    spans = [
        doc.char_span(slot.start, slot.end, label=slot.label, alignment_mode="expand")
        for slot in trimmed
    ]
    doc.spans[spans_key] = SpanGroup(doc, name=spans_key, spans=spans)
    widened = sum(
        (span.start_char, span.end_char) != (slot.start, slot.end)
        for span, slot in zip(spans, trimmed, strict=True)
    )
    changed = sum(slot != whole for slot, whole in zip(trimmed, utterance.slots, strict=True))
    return doc, changed, widened


def main(
    train: Annotated[Path, typer.Argument(help="train_0.json", exists=True)],
    test: Annotated[Path, typer.Argument(help="test.json", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for train, dev and test .spacy")],
) -> None:
    """Convert both files."""
    training, development = split_utterances(read_utterances(train))
    splits = {"train": training, "dev": development, "test": read_utterances(test)}
    nlp = spacy.blank("en")
    output.mkdir(parents=True, exist_ok=True)
    for name, utterances in splits.items():
        made = [make_doc(nlp, utterance) for utterance in utterances]
        DocBin(docs=[doc for doc, _, _ in made]).to_disk(output / f"{name}.spacy")
        lengths = [len(span) for doc, _, _ in made for span in doc.spans["sc"]]
        msg.good(
            f"{name}: {len(made)} utterances, {len(lengths)} spans of up to "
            f"{max(lengths, default=0)} tokens, "
            f"{sum(trimmed for _, trimmed, _ in made)} without the white space at their edges, "
            f"{sum(widened for _, _, widened in made)} widened to whole tokens"
        )


if __name__ == "__main__":
    typer.run(main)
