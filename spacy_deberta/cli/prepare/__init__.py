"""`spacy deberta prepare`: annotated JSONL or CSV → .spacy files for training."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy_deberta.cli._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from spacy_deberta.errors import Errors, check_number

from .splitting import check_shares, split_texts
from .summary import Preparation, format_preparation

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from spacy_deberta.corpora import AlignmentMode, AnnotatedText

__all__ = ["Preparation", "prepare", "prepare_cli"]

DATA_HELP = "Annotated texts: .jsonl, .json, .csv or .tsv, also compressed (.xz, .gz, .bz2)"
LABEL_HELP = (
    "Field of spans or categories; may be given several times. If not given, fields of spaCy, "
    "Prodigy and doccano, such as entities, spans, cats, label"
)
COLUMN_HELP = (
    "Column that is a category itself, with a number from 0 to 1; may be given several times"
)
SEPARATOR_HELP = "What separates the categories of a text, if it has several"
SPANS_KEY_HELP = (
    "Write spans to doc.spans under this key, where they may overlap, and not to doc.ents"
)
ALIGNMENT_HELP = "Leave out spans that cut a token, or contract or expand them to whole tokens"
STRICT_HELP = "Write nothing if a span does not fit"


class _Alignment(str, Enum):
    """The modes of `Doc.char_span`, for typer."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


@deberta_cli.command("prepare", short_help="Convert annotated texts to spaCy's format.")
def prepare_cli(
    data: Annotated[list[Path], Arg(help=DATA_HELP)],
    output: Annotated[Path, Arg(help="The folder for train.spacy, dev.spacy and test.spacy")],
    lang: Annotated[str, Opt("--lang", "-l", help="Language of spaCy's tokenizer")] = "en",
    dev: Annotated[float, Opt("--dev", "-d", help="Share of the texts for evaluation")] = 0.2,
    test: Annotated[float, Opt("--test", "-t", help="Share of the texts for a final test")] = 0.0,
    seed: Annotated[int, Opt("--seed", "-s", help="Seed of the split")] = 0,
    text_field: Annotated[str, Opt("--text", "-T", help="Field of the text")] = "text",
    label_fields: Annotated[list[str] | None, Opt("--label", "-L", help=LABEL_HELP)] = None,
    category_columns: Annotated[
        list[str] | None, Opt("--category-column", "-C", help=COLUMN_HELP)
    ] = None,
    separator: Annotated[str | None, Opt("--separator", "-S", help=SEPARATOR_HELP)] = None,
    spans_key: Annotated[str | None, Opt("--spans-key", "-k", help=SPANS_KEY_HELP)] = None,
    alignment_mode: Annotated[
        _Alignment, Opt("--alignment-mode", "-a", help=ALIGNMENT_HELP)
    ] = _Alignment.strict,
    strict: Annotated[bool, Opt("--strict", help=STRICT_HELP)] = False,
    as_json: Annotated[bool, Opt("--json", "-j", help="Print JSON instead of tables")] = False,
) -> None:
    """Convert annotated texts to spaCy's format, and split them for training and
    evaluation. Spans that do not fit the tokens are counted and shown.

    DOCS: docs/api/cli.md#prepare
    """
    with show_errors():
        done = prepare(
            data,
            output,
            lang=lang,
            dev=dev,
            test=test,
            seed=seed,
            text_field=text_field,
            label_fields=label_fields or (),
            category_columns=category_columns or (),
            separator=separator,
            spans_key=spans_key,
            alignment_mode=alignment_mode.value,
            strict=strict,
        )
    if as_json:
        print(json.dumps(done.to_dict(), indent=2))
        return
    msg = make_printer(sys.stdout)
    print_text(format_preparation(done))
    msg.good(f"Saved {done.texts:,} texts")
    print_text("\n".join(str(path) for path in done.files))


def prepare(
    data: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    lang: str = "en",
    dev: float = 0.2,
    test: float = 0.0,
    seed: int = 0,
    text_field: str = "text",
    label_fields: Sequence[str] = (),
    category_columns: Sequence[str] = (),
    separator: str | None = None,
    spans_key: str | None = None,
    alignment_mode: "AlignmentMode" = "strict",
    strict: bool = False,
) -> Preparation:
    """Convert annotated texts to `.spacy` files, split for training and evaluation.

    The split depends on the texts and the seed alone, not on the order of the rows. The same text
    is never in two files. Texts without characters but whitespace are left out.

    data (Sequence[str | os.PathLike[str]]): Files: .jsonl, .json, .csv or .tsv.
    output (str | os.PathLike[str]): The folder for train.spacy, dev.spacy and test.spacy.
    lang (str): Language of spaCy's tokenizer.
    dev (float): Share of the texts for evaluation.
    test (float): Share of the texts for a final test.
    seed (int): Seed of the split.
    text_field (str): Field of the text.
    label_fields (Sequence[str]): Fields of spans or categories; if empty, those of spaCy, Prodigy
        and doccano.
    category_columns (Sequence[str]): Columns that are categories themselves, with a number.
    separator (str | None): What separates the categories of a text.
    spans_key (str | None): Write spans to `doc.spans` under this key, and not to `doc.ents`.
    alignment_mode (AlignmentMode): What becomes of spans that cut a token; see `Doc.char_span`.
    strict (bool): Whether a span that does not fit is an error (E535).
    RETURNS (Preparation): What was written, and the spans that did not fit.
    """
    from spacy.tokens import DocBin

    from spacy_deberta.corpora import make_doc
    from spacy_deberta.files import staged_folder

    check_shares(dev, test)
    check_number("seed", seed, lambda n: n >= 0, "at least 0", whole=True)
    nlp = _make_tokenizer(lang)
    texts = list(
        _read_all(
            data,
            text_field=text_field,
            label_fields=label_fields,
            category_columns=category_columns,
            separator=separator,
        )
    )
    splits = split_texts(texts, dev=dev, test=test, seed=seed)
    categories = sorted({label for text in texts for label in text.categories or ()})
    done = Preparation(folder=Path(output), duplicates=len(texts) - len({t.text for t in texts}))
    docs: dict[str, list[Doc]] = {}
    for name, part in splits.items():
        docs[name] = []
        for text in part:
            doc, problems = make_doc(
                nlp,
                text,
                categories=categories,
                spans_key=spans_key,
                alignment_mode=alignment_mode,
            )
            docs[name].append(doc)
            done.problems.extend(problems)
        done.add(name, docs[name], spans_key)
    if strict and done.problems:
        raise ValueError(Errors.E535.format(n=len(done.problems), first=done.show_problem(0)))
    names = ("train.spacy", "dev.spacy", "test.spacy")
    with staged_folder(done.folder, replaces=names) as folder:
        for name, part_docs in docs.items():
            DocBin(docs=part_docs).to_disk(folder / f"{name}.spacy")
    return done


def _make_tokenizer(lang: str) -> "Language":
    import spacy

    try:
        return spacy.blank(lang)
    except ImportError as error:  # spaCy's E048, which names what is missing
        raise ValueError(Errors.E536.format(lang=lang, error=error)) from error


def _read_all(
    data: Sequence[str | os.PathLike[str]],
    *,
    text_field: str,
    label_fields: Sequence[str],
    category_columns: Sequence[str],
    separator: str | None,
) -> Iterator["AnnotatedText"]:
    from spacy_deberta.corpora import Fields, read_annotations, read_rows

    fields = Fields(
        text=text_field,
        labels=tuple(label_fields),
        number_per_category=tuple(category_columns),
        separator=separator,
    )
    kinds: Counter[str] = Counter()
    for path in map(Path, data):
        for text in read_annotations(read_rows(path), fields):
            if not text.text.strip():
                continue
            kinds["spans"] += text.spans is not None
            kinds["categories"] += text.categories is not None
            kinds["texts"] += 1
            yield text
    if not kinds["texts"]:
        raise ValueError(Errors.E533.format(n=0, wanted="at least one text"))
    if not kinds["spans"] and not kinds["categories"]:
        raise ValueError(Errors.E534.format(files=", ".join(map(str, data))))
