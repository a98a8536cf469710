"""`spacy deberta migrate-config`: migrates configs of other transformer packages."""

import sys
from configparser import Error as ConfigParserError
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy_deberta.errors import Errors

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors

if TYPE_CHECKING:
    from .migration import Migration

ENCODER_HELP = "Checkpoint of the encoder: a folder, or a name on the Hugging Face hub"

UNCHECKED = (
    "the name doesn't say whether it is a DeBERTa-v2 or v3; if it is not, name one with --encoder"
)


@deberta_cli.command(
    "migrate-config", short_help="Migrate a config of another transformer package."
)
def migrate_config_cli(
    old: Annotated[Path, Arg(help="Config of spacy-transformers or spacy-curated-transformers")],
    new: Annotated[Path, Arg(help="The config to write; may be the same file")],
    encoder: Annotated[str | None, Opt("--encoder", "-e", help=ENCODER_HELP)] = None,
) -> None:
    """Migrate a config of spacy-transformers or spacy-curated-transformers to this
    package, and list the changes with their reasons. Without --encoder, the name
    of a DeBERTa-v2 or v3 is kept, that of another family becomes a base-size DeBERTa-v3,
    and names that say neither are kept and listed.

    DOCS: docs/api/cli.md#migrate-config
    """
    with show_errors():
        migration = migrate_config(old, new, encoder=encoder)
    msg = make_printer(sys.stdout)
    for change in migration.changes:
        print_text(f"  {change.place}: {change.what}")
    for place, name in migration.unchecked.items():
        print_text(f'  not checked: {place}, "{name}": {UNCHECKED}')
    if migration.changes:
        msg.good(f"Changed {len(migration.changes)} settings")
    else:
        msg.warn("Nothing to change: the config names no other transformer package")
    print_text(str(new))


def migrate_config(old: Path, new: Path, *, encoder: str | None = None) -> "Migration":
    """Migrate a config of another transformer package to our encoder.

    old (Path): The config.
    new (Path): Where to write the new one.
    encoder (str | None): Checkpoint of the encoder.
    RETURNS (Migration): The new config and its changes.
    RAISES: OSError if a file can't be read or written (E516); ValueError if it is no config
        (E525, E514), or if the name of the encoder is empty (E515).
    """
    from thinc.api import Config

    from .migration import migrate

    if encoder is not None and not encoder.strip():
        raise ValueError(Errors.E515)
    try:
        config = Config().from_str(old.read_text(encoding="utf-8"), interpolate=False)
    # Settings that occur twice are an error of Python's parser, which thinc passes on.
    except (ValueError, ConfigParserError) as error:
        raise ValueError(Errors.E525.format(path=old, error=error)) from error
    migration = migrate(config, encoder=encoder)
    _write(new, migration.config.to_str(interpolate=False))
    return migration


def _write(path: Path, text: str) -> None:
    """Write the config. An existing one stays if that fails; devices can't be replaced."""
    from spacy_deberta.files import write_atomically

    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            write_atomically(path.resolve(), text.encode("utf-8"))
    except OSError as error:
        reason = error.strerror or error
        raise OSError(Errors.E516.format(path=path, error=reason)) from error
