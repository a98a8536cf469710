"""`spacy deberta info`: prints the contents of a checkpoint."""

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from spacy.cli.info import get_markdown

from ._util import (
    BASE_HELP,
    SUBFOLDER_HELP,
    Arg,
    Opt,
    deberta_cli,
    make_printer,
    print_text,
    show_errors,
)

if TYPE_CHECKING:
    from spacy_deberta.models import CheckpointInfo

UNKNOWN_HEAD = "unknown"
# Wide enough for all values: wasabi does not truncate longer ones, but misaligns the next column.
MAX_COLUMN = 120
# Maximum number of added tokens in tables; the JSON has all.
MAX_TOKENS = 10


@deberta_cli.command("info", short_help="Print what a checkpoint contains.")
def info_cli(
    name_or_path: Annotated[
        str, Arg(help="Checkpoint: a folder, or a name on the Hugging Face hub")
    ],
    revision: Annotated[
        str | None, Opt("--revision", "-r", help="Branch, tag or commit on the hub")
    ] = None,
    subfolder: Annotated[str | None, Opt("--subfolder", "-s", help=SUBFOLDER_HELP)] = None,
    base: Annotated[str | None, Opt("--base", "-b", help=BASE_HELP)] = None,
    as_json: Annotated[bool, Opt("--json", "-j", help="Print JSON instead of tables")] = False,
    markdown: Annotated[
        bool, Opt("--markdown", "-md", help="Generate Markdown for GitHub issues")
    ] = False,
) -> None:
    """Print the config, weight files, parameter counts, heads and vocabulary of a
    checkpoint. Fails if it is damaged, is not a DeBERTa-v2 or v3, or has a
    vocabulary with more pieces than embeddings.

    DOCS: docs/api/cli.md#info
    """
    with show_errors():
        checkpoint = info(name_or_path, revision=revision, subfolder=subfolder or "", base=base)
    total = sum(checkpoint.parts.values())
    if as_json:
        print(json.dumps({**checkpoint.to_dict(), "parameters": total}, indent=2))
        return
    title = f"Info about checkpoint '{checkpoint.name}'"
    summary = {**describe_config(checkpoint), **describe_contents(checkpoint)}
    if markdown:
        print_text(get_markdown({**summary, "Parameters": _in_words(checkpoint.parts)}, title))
        return
    msg = make_printer(sys.stdout)
    if msg.show_color:
        msg.divider(title)
    else:
        # wasabi's divider is bold, in files and pipes too.
        print(f"\n{title}")
    msg.table(summary, max_col=MAX_COLUMN)
    parameters = [(part, f"{n:,}", f"{n / total:.1%}") for part, n in checkpoint.parts.items()]
    msg.table(
        [*parameters, ("total", f"{total:,}", "")],
        header=("Part", "Parameters", "Share"),
        divider=True,
        aligns=("l", "r", "r"),
        max_col=MAX_COLUMN,
    )
    for head, description in checkpoint.heads.items():
        if description == UNKNOWN_HEAD:
            msg.warn(f"'{head}' is no part that DeBERTa checkpoints are known to have")
    for key in checkpoint.non_finite:
        msg.warn(f"'{key}' has numbers that are not finite")
    if checkpoint.pieces is None:
        msg.warn("There is no vocabulary, so texts can't be split into pieces")
    elif not checkpoint.non_finite:
        msg.good("Config, weights and vocabulary are readable, and every piece has an embedding")


def info(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str = "",
    base: str | os.PathLike[str] | None = None,
) -> "CheckpointInfo":
    """Describe the contents of a checkpoint.

    name_or_path (str | os.PathLike[str]): A folder, or a name on the Hugging Face hub.
    revision (str | None): Branch, tag or commit on the hub.
    subfolder (str): The folder within the repository, if it is not the repository itself.
    base (str | os.PathLike[str] | None): The checkpoint that an adapter was made for, if it is not
        where its config says.
    RETURNS (CheckpointInfo): Config, layout, sizes and heads.
    """
    from spacy_deberta.models import describe_checkpoint

    return describe_checkpoint(name_or_path, revision=revision, subfolder=subfolder, base=base)


def describe_config(checkpoint: "CheckpointInfo") -> dict[str, Any]:
    """The settings by which checkpoints differ.

    checkpoint (CheckpointInfo): The checkpoint.
    RETURNS (dict[str, Any]): Values by label, ready to print.
    """
    config = checkpoint.config
    relative = ", ".join(config.pos_att_type) if config.relative_attention else ""
    buckets = f"{config.position_buckets}" if config.position_buckets > 0 else "none"
    convolution = "none"
    if config.conv_kernel_size > 0:
        convolution = f"kernel {config.conv_kernel_size}, {config.conv_act}"
    return {
        "Layers": config.num_hidden_layers,
        "Hidden size": config.hidden_size,
        "Attention heads": config.num_attention_heads,
        "Feed-forward size": config.intermediate_size,
        "Embeddings": f"{config.vocab_size:,}",
        "Position terms": relative or "none",
        "Position buckets": buckets,
        "Absolute positions": "added to the input" if config.position_biased_input else "none",
        "Convolution": convolution,
    }


def describe_contents(checkpoint: "CheckpointInfo") -> dict[str, Any]:
    """The vocabulary, weights and heads.

    checkpoint (CheckpointInfo): The checkpoint.
    RETURNS (dict[str, Any]): Values by label, ready to print.
    """
    files = (f"{name} ({_size(size)})" for name, size in checkpoint.files.items())
    heads = (f"{name} ({description})" for name, description in checkpoint.heads.items())
    pieces = "none"
    if checkpoint.pieces is not None:
        pieces = f"{checkpoint.pieces:,} pieces ({checkpoint.tokenizer})"
    return {
        "Vocabulary": pieces,
        "Unknown characters": checkpoint.unknown_characters or "none",
        "Added tokens": _quoted(checkpoint.added_tokens) or "none",
        "Layout": checkpoint.layout,
        **({} if checkpoint.base is None else {"Adapter of": checkpoint.base}),
        "Weights": ", ".join(files),
        "Stored as": _in_words(checkpoint.dtypes),
        "Heads and extras": ", ".join(heads) or "none",
    }


def _quoted(tokens: Iterable[str]) -> str:
    """A readable list of tokens, truncated to `MAX_TOKENS`."""
    shown = list(tokens)
    more = f" and {len(shown) - MAX_TOKENS:,} more" if len(shown) > MAX_TOKENS else ""
    return ", ".join(map(repr, shown[:MAX_TOKENS])) + more


def _in_words(counts: Any) -> str:
    return ", ".join(f"{name} ({number:,})" for name, number in counts.items())


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
