"""`spacy deberta train-tokenizer`: trains a vocabulary on texts."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from wasabi import table

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from .text_splitters import load_splitters

if TYPE_CHECKING:
    from spacy_deberta.pretraining import TokenizerTraining, VocabularyReport

TEXTS_HELP = (
    'Texts: .txt, .jsonl with "text", .spacy, or folders of them; .txt and .jsonl may be '
    "compressed (.xz, .gz, .bz2)"
)
BYTES_HELP = "Encode characters without a piece as bytes; otherwise they are unknown"
COVERAGE_HELP = "Share of the characters of the texts that get a piece, 0.98 to 1"
LINES_HELP = "Train on a random sample of this many lines"
ALL_HELP = "Train on all texts, and measure on the first of them"
FORCE_HELP = "Overwrite the files of an earlier tokenizer"
COMPARE_HELP = "Also measure another vocabulary: a checkpoint, an spm.model or a pipeline"
# Columns of the labels, the new vocabulary and the compared one.
ALIGNS: tuple[Literal["l", "r", "c"], ...] = ("l", "r", "r")
# Names of checkpoints and words may be long.
MAX_COLUMN = 1_000


@deberta_cli.command("train-tokenizer", short_help="Train the vocabulary of a new model on texts.")
def train_tokenizer_cli(
    texts: Annotated[list[Path], Arg(help=TEXTS_HELP)],
    output: Annotated[Path, Arg(help="The folder to write: a new one, or an empty one")],
    vocab_size: Annotated[
        int, Opt("--vocab-size", "-n", help="Number of pieces; [MASK] is added to them")
    ] = 32_000,
    byte_fallback: Annotated[
        bool, Opt("--byte-fallback/--no-byte-fallback", help=BYTES_HELP)
    ] = True,
    character_coverage: Annotated[
        float, Opt("--character-coverage", "-c", help=COVERAGE_HELP)
    ] = 0.9995,
    max_lines: Annotated[int | None, Opt("--max-lines", "-m", help=LINES_HELP)] = None,
    seed: Annotated[int, Opt("--seed", "-s", help="Seed of the sample of --max-lines")] = 0,
    lowercase: Annotated[bool, Opt("--lowercase", "-L", help="Lowercase all texts")] = False,
    all_texts: Annotated[bool, Opt("--all-texts", "-a", help=ALL_HELP)] = False,
    force: Annotated[bool, Opt("--force", "-F", help=FORCE_HELP)] = False,
    compare: Annotated[str | None, Opt("--compare", "-C", help=COMPARE_HELP)] = None,
    as_json: Annotated[bool, Opt("--json", "-j", help="Print JSON instead of tables")] = False,
) -> None:
    """Train the vocabulary of a new model on texts: a SentencePiece unigram model with
    the layout of DeBERTa-v3's. Then measure it on held-out texts: every hundredth,
    up to a million characters.

    DOCS: docs/api/cli.md#train-tokenizer
    """
    with show_errors():
        # Before the training, which takes minutes, so that a wrong name fails at once.
        other = None if compare is None else load_splitters(compare, lang=None).tokenizer
        training = train_tokenizer(
            texts,
            output,
            vocab_size=vocab_size,
            byte_fallback=byte_fallback,
            character_coverage=character_coverage,
            max_lines=max_lines,
            seed=seed,
            lowercase=lowercase,
            all_texts=all_texts,
            force=force,
        )
    reports = {"new": training.report}
    if other is not None and compare is not None:
        from spacy_deberta.pretraining import measure_vocabulary

        reports[compare] = measure_vocabulary(other, training.sample)
    if as_json:
        print(json.dumps(_to_dict(training, reports), indent=2))
        return
    print_text(_format(reports))
    msg = make_printer(sys.stdout)
    if marks := [mark for mark in training.report.without_piece if "!" <= mark <= "~"]:
        msg.warn(f"No pieces of their own: {' '.join(marks)}")
        print_text("  Raise --character-coverage if your texts need them.")
    what = f"{len(training.sample):,} texts ({training.report.words:,} words)"
    if training.held_out:
        msg.info(f"Measured on {what} that were held out of the training")
    else:
        why = "all were trained on" if all_texts else "there are too few to hold some out"
        make_note = msg.info if all_texts else msg.warn
        make_note(f"Measured on {what} of the training: {why}")
    msg.good(f"Saved a tokenizer with {training.report.vocab_size:,} pieces")
    print_text(str(output))


def train_tokenizer(
    texts: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    vocab_size: int = 32_000,
    byte_fallback: bool = True,
    character_coverage: float = 0.9995,
    max_lines: int | None = None,
    seed: int = 0,
    lowercase: bool = False,
    all_texts: bool = False,
    force: bool = False,
) -> "TokenizerTraining":
    """Train a tokenizer on files of texts.

    texts (Sequence[str | os.PathLike[str]]): Files (.txt, .jsonl, .spacy), or folders of them.
    output (str | os.PathLike[str]): The folder to write: a new one, or an empty one, unless
        `force` is true.
    vocab_size (int): Number of pieces; [MASK] is added to them.
    byte_fallback (bool): Whether characters without a piece are encoded as bytes.
    character_coverage (float): Share of the characters of the texts that get a piece.
    max_lines (int | None): Train on a random sample of this many lines.
    seed (int): Seed of the sample.
    lowercase (bool): Whether texts are lowercased, in training and by the tokenizer.
    all_texts (bool): Whether to train on all texts, and hold out none.
    force (bool): Whether the files of an earlier tokenizer are replaced.
    RETURNS (TokenizerTraining): The tokenizer, and its measurements on held-out texts.
    """
    from spacy_deberta import pretraining

    return pretraining.train_tokenizer(
        # The training takes lines as sentences anyway, and lines are smaller units to hold out.
        pretraining.read_texts(texts, lines_are_documents=True),
        output,
        vocab_size=vocab_size,
        byte_fallback=byte_fallback,
        character_coverage=character_coverage,
        max_lines=max_lines,
        seed=seed,
        do_lower_case=lowercase,
        all_texts=all_texts,
        overwrite=force,
    )


def _format(reports: Mapping[str, "VocabularyReport"]) -> str:
    values = {
        "Pieces": lambda report: f"{report.vocab_size:,}",
        "Pieces per word": lambda report: f"{report.pieces_per_word:.3f}",
        "Words of one piece": lambda report: f"{report.whole_words:.1%}",
        "Characters with pieces": lambda report: f"{report.covered:.3%}",
        "Pieces that are bytes": lambda report: f"{report.bytes:.3%}",
        "Unknown pieces": lambda report: f"{report.unknown:.3%}",
    }
    rows = [(label, *map(value, reports.values())) for label, value in values.items()]
    aligns = ALIGNS[: len(reports) + 1]
    text = table(rows, header=("", *reports), divider=True, aligns=aligns, max_col=MAX_COLUMN)
    examples = [
        (split.word, " ".join(split.pieces)) for split in next(iter(reports.values())).most_pieces
    ]
    if examples:
        text += table(examples, header=("Most pieces", ""), divider=True, max_col=MAX_COLUMN)
    return text


def _to_dict(
    training: "TokenizerTraining", reports: Mapping[str, "VocabularyReport"]
) -> dict[str, object]:
    return {
        "folder": str(training.folder),
        "held_out": training.held_out,
        "texts": len(training.sample),
        "vocabularies": {name: report.to_dict() for name, report in reports.items()},
    }
