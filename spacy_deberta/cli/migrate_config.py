"""`spacy deberta migrate-config`: migrates configs of other transformer packages."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spacy_deberta.errors import Errors

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors

if TYPE_CHECKING:
    from .migration import Migration

ENCODER_HELP = "Checkpoint of the encoder: a folder, or a name on the Hugging Face hub"


@deberta_cli.command("migrate-config")
def migrate_config_cli(
    old: Annotated[Path, Arg(help="Config of spacy-transformers or spacy-curated-transformers")],
    new: Annotated[Path, Arg(help="The config to write; may be the same file")],
    encoder: Annotated[str | None, Opt("--encoder", "-e", help=ENCODER_HELP)] = None,
) -> None:
    """Migrate a config of spacy-transformers or spacy-curated-transformers to this
    package, and list the changes with their reasons. Without --encoder, the name
    of a DeBERTa checkpoint is kept, and any other becomes a base-size DeBERTa-v3.

    DOCS: docs/api/cli.md#migrate-config
    """
    with show_errors():
        migration = migrate_config(old, new, encoder=encoder)
    msg = make_printer(sys.stdout)
    for change in migration.changes:
        print_text(f"  {change.place}: {change.what}")
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
    """
    from thinc.api import Config

    from .migration import migrate

    text = old.read_text(encoding="utf-8")
    try:
        config = Config().from_str(text, interpolate=False)
    except ValueError as error:
        raise ValueError(Errors.E525.format(path=old, error=error)) from error
    migration = migrate(config, encoder=encoder)
    migration.config.to_disk(new, interpolate=False)
    return migration
