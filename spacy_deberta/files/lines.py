"""Read lines of UTF-8 from files, compressed or not."""

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType

from spacy_deberta.errors import Errors

# The class that opens a compressed file, by its suffix.
COMPRESSIONS: Mapping[str, Callable[[Path], BufferedIOBase]] = MappingProxyType(
    {".xz": lzma.LZMAFile, ".gz": gzip.GzipFile, ".bz2": bz2.BZ2File}
)


def read_lines(path: Path, *, longest: int = -1) -> Iterator[tuple[int, str]]:
    """Read a file line by line.

    Args:
        path: The file. A byte order mark at its start is skipped.
        longest: Maximum number of bytes of a line in memory; a longer line is yielded in parts with
            the same number. A negative number for no limit.

    Yields:
        `(number, line)`, counted from 1, without the line break.

    Raises:
        ValueError: The file can't be opened or read (E701), is not UTF-8 (E703), or is a damaged
            archive (E706).
    """
    number, before = 1, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for data in _read_data(path, longest):
        whole = data.endswith(b"\n")
        # Bytes of a character that continues in the next part.
        waiting = len(decoder.getstate()[0])
        try:
            line = decoder.decode(data, final=whole or len(data) != longest)
        except UnicodeDecodeError as error:
            byte = before - waiting + error.start + 1
            raise ValueError(
                Errors.E703.format(path=path, line=number, byte=byte, reason=error.reason)
            ) from error
        if not before:
            line = line.removeprefix("\ufeff")
        before += len(data)
        yield number, line.removesuffix("\n").removesuffix("\r") if whole else line
        number += whole


def _read_data(path: Path, longest: int) -> Iterator[bytes]:
    open_archive = COMPRESSIONS.get(path.suffix.lower())
    try:
        with path.open("rb") if open_archive is None else open_archive(path) as file:
            while data := file.readline(longest):
                yield data
    except (lzma.LZMAError, zlib.error, EOFError) as error:
        raise ValueError(Errors.E706.format(path=path, error=error)) from error
    except OSError as error:
        # Errors of archives have no errno.
        message = Errors.E701 if error.errno else Errors.E706
        raise ValueError(message.format(path=path, error=error.strerror or error)) from error
