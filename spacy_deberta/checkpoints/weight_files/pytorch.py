"""Files of `torch.save`, read without PyTorch's own reader: mapped, and bounded by their size."""

import sys
import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch

from spacy_deberta.checkpoints.refusals import RefusedFileError, check_expansion
from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

from .mapped_files import map_file
from .state_dict_pickle import (
    STORAGES,
    ForbiddenPickleError,
    OtherRecord,
    StorageRecord,
    TensorRecord,
    read_pickle,
)

# The first two pickles of the legacy format, which PyTorch wrote before 1.6.
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001

_ZIP_MAGIC = b"PK\x03\x04"
_LOCAL_HEADER_BYTES = 30
# Offsets of the lengths of the file name and of the extra fields, which follow the header.
_LOCAL_HEADER_LENGTHS = (26, 28)
_ENCRYPTED = 1

# The contents of storages, by key.
Memory = dict[str, torch.Tensor]


def read_pytorch(path: Path) -> dict[str, torch.Tensor]:
    """Read the state dict in a file of `torch.save`.

    Args:
        path: The file, of today's format, a zip archive, or of that from before PyTorch 1.6.

    Returns:
        Dense CPU tensors by name, in the dtype of the file. Those of today's format are mapped, if
        the archive is as PyTorch writes it: neither compressed nor written anew. Tensors that share
        memory in the file still do.

    Raises:
        OSError: The file is damaged or holds no state dict (E305), has tensors that are not dense
            numbers in memory (E327), or would take far more memory than its size (E330).

    Source:
        `torch.serialization`; nothing of it is called.
    """
    with path.open("rb") as file:
        return _read(path, file)


def _read(path: Path, file: BinaryIO) -> dict[str, torch.Tensor]:
    try:
        is_archive = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
        file.seek(0)
        return _read_archive(path, file) if is_archive else _read_legacy(path, file)
    except RefusedFileError:
        raise
    except ForbiddenPickleError as error:
        reason = "it is no file of plain tensors; anything else is not loaded, as it could be code"
        raise OSError(Errors.E305.format(path=path, error=reason)) from error
    except Exception as error:  # damage shows as almost any kind of exception, some without a text
        reason = str(error) or type(error).__name__
        raise OSError(Errors.E305.format(path=path, error=reason)) from error


def _read_archive(path: Path, file: BinaryIO) -> dict[str, torch.Tensor]:
    archive = zipfile.ZipFile(file)
    check_expansion(path, sum(info.file_size for info in archive.infolist()))
    records = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in records if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise ValueError("it has no 'data.pkl', as PyTorch writes it")
    folder = pickles[0].removesuffix("data.pkl")
    order = records.get(f"{folder}byteorder")
    if order is not None:
        _check_byte_order(_unpacked(archive, order) == b"little")
    state_dict = _state_dict(path, read_pickle(BytesIO(_unpacked(archive, records[pickles[0]]))))
    content = map_file(path, file)
    memory: Memory = {}
    for storage in _storages(state_dict):
        record = records[f"{folder}data/{storage.key}"]
        is_stored = record.compress_type == zipfile.ZIP_STORED
        data = _stored(content, record) if is_stored else _in_memory(_unpacked(archive, record))
        # Numbers have addresses that are multiples of their size.
        is_aligned = data.storage_offset() % STORAGES[storage.holds].itemsize == 0
        memory[storage.key] = data if is_aligned else data.clone()
    return _tensors(path, state_dict, memory)


def _unpacked(archive: zipfile.ZipFile, record: zipfile.ZipInfo) -> bytes:
    """Decompress a record, at most to the size in the central directory.

    `ZipFile.read` decompresses the whole record and truncates it afterwards. The decompressors
    of bzip2 and LZMA have no limit at all in `zipfile`.
    """
    if record.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            f"its record '{record.filename}' is compressed by another method than deflate, which "
            "is not read; unpack the archive, and pack it again without compression"
        )
    with archive.open(record) as file:
        return file.read(record.file_size)


def _stored(content: torch.Tensor, record: zipfile.ZipInfo) -> torch.Tensor:
    """The contents of an uncompressed record, as a slice of the file."""
    header = bytes(content[record.header_offset :][:_LOCAL_HEADER_BYTES].tolist())
    lengths = (int.from_bytes(header[at : at + 2], "little") for at in _LOCAL_HEADER_LENGTHS)
    start = record.header_offset + _LOCAL_HEADER_BYTES + sum(lengths)
    end = start + record.file_size
    is_plain = record.compress_size == record.file_size and not record.flag_bits & _ENCRYPTED
    if not header.startswith(_ZIP_MAGIC) or end > len(content) or not is_plain:
        raise ValueError(f"its record '{record.filename}' is not where its directory says")
    return content[start:end]


class _BoundedFile:
    """A file for `pickletools`, which requests as many bytes as a length field of the file says.

    Python allocates all of them before it reads, even if the file is shorter.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.readline = file.readline
        self.tell = file.tell

    def read(self, count: int) -> bytes:
        return self._file.read(min(count, self._size - self._file.tell()))


def _read_legacy(path: Path, file: BinaryIO) -> dict[str, torch.Tensor]:
    pickles: Any = _BoundedFile(file, path.stat().st_size)
    if read_pickle(pickles) != LEGACY_MAGIC or read_pickle(pickles) != LEGACY_PROTOCOL:
        raise ForbiddenPickleError
    _check_byte_order(read_pickle(pickles)["little_endian"])
    state_dict = _state_dict(path, read_pickle(pickles))
    declared = {storage.key: storage for storage in _storages(state_dict)}
    if sum(map(_bytes, declared.values())) > path.stat().st_size:
        raise EOFError("it ends within its tensors")
    memory: Memory = {}
    for key in read_pickle(pickles):
        if not isinstance(key, str | int):
            raise ForbiddenPickleError
        storage = declared[str(key)]
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise ValueError(f"its storage '{key}' has another size than its tensors say")
        memory[storage.key] = _in_memory(file.read(_bytes(storage)))
    return _tensors(path, state_dict, memory)


def _check_byte_order(is_little: bool) -> None:
    if is_little != (sys.byteorder == "little"):
        raise ValueError("it was written on a machine with another order of bytes")


def _state_dict(path: Path, content: Any) -> dict[str, TensorRecord]:
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ValueError("it holds no state dict")
    tensors = [value for value in content.values() if isinstance(value, TensorRecord | OtherRecord)]
    if content and not tensors:
        raise ValueError(_describe_wrapper(content))
    for key, record in content.items():
        found = None
        if not isinstance(record, TensorRecord | OtherRecord):
            is_plain = isinstance(record, int | float | str | list | tuple | dict)
            found = f"a value of type {type(record).__name__}" if is_plain else "no tensor"
        elif isinstance(record, OtherRecord):
            found = record.description
        elif record.storage.holds not in STORAGES:
            found = f"a tensor in a {record.storage.holds}"
        if found is not None:
            raise RefusedFileError(Errors.E327.format(path=path, key=key, found=found))
    return content


def _describe_wrapper(content: Mapping[str, Any]) -> str:
    """What is wrong with a dictionary without tensors, such as what a trainer saves."""
    wrapped = [
        key
        for key, value in content.items()
        if isinstance(value, dict)
        and any(isinstance(part, TensorRecord) for part in value.values())
    ]
    if not wrapped:
        return "it holds no state dict"
    names = " and ".join(show(key) for key in wrapped)
    return (
        f"it holds no state dict, but a dictionary with one as {names}. Save that alone, as "
        f"`torch.save(torch.load(path)[{show(wrapped[0])}], path)`"
    )


def _storages(state_dict: Mapping[str, TensorRecord]) -> Iterable[StorageRecord]:
    return dict.fromkeys(record.storage for record in state_dict.values())


def _bytes(storage: StorageRecord) -> int:
    return storage.count * STORAGES[storage.holds].itemsize


def _in_memory(data: bytes) -> torch.Tensor:
    # torch makes no tensor from an empty buffer.
    return torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8)[: len(data)]


def _tensors(
    path: Path, state_dict: Mapping[str, TensorRecord], memory: Memory
) -> dict[str, torch.Tensor]:
    weights = {}
    for key, record in state_dict.items():
        data = memory[record.storage.key]
        size = _bytes(record.storage)
        if size > len(data):
            raise ValueError(f"the storage of '{key}' is longer than what there is")
        numbers = data[:size].view(STORAGES[record.storage.holds])
        _check_place(key, record)
        weights[key] = numbers.as_strided(
            record.size, record.stride, numbers.storage_offset() + record.offset
        )
    # Tensors that share a storage are copied in a model.
    check_expansion(path, sum(tensor.nbytes for tensor in weights.values()))
    return weights


def _check_place(key: str, record: TensorRecord) -> None:
    """Raise if a tensor exceeds its storage, or if its elements overlap in memory."""
    if 0 in record.size:
        return
    extent = 1
    for step, count in sorted(zip(record.stride, record.size, strict=True)):
        if count == 1:
            continue
        if step < extent:
            raise ValueError(f"numbers of '{key}' lie on one another")
        extent += step * (count - 1)
    if record.offset + extent > record.storage.count:
        raise ValueError(f"'{key}' reaches beyond its storage")
