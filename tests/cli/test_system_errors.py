"""Errors of the system in commands: the way out fits reading and writing."""

import errno
import os

import pytest

from spacy_deberta.cli._util import show_errors


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "Make room"),
        (errno.EDQUOT, "Make room"),
        (errno.EACCES, "permission to read or write"),
        (errno.EROFS, "permission to read or write"),
        (errno.ENOENT, "for one to write its folder"),
    ],
)
def test_the_way_out_fits_the_error(number, way_out, capsys):
    with pytest.raises(SystemExit), show_errors():
        raise OSError(number, os.strerror(number), "file")
    message = " ".join(capsys.readouterr().err.split())
    assert "E501" in message
    assert way_out in message
