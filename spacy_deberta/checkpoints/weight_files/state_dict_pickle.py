"""Parser for the pickle in a `.bin` file, which does not execute it.

Only opcodes and functions for dictionaries and dense tensors are supported. Names of classes and
functions are compared, never looked up, so that a file can't call any function.
"""

import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

# torch has no tensors of more dimensions.
_MAX_DIMS = 64
# Longer than any name of a function or class that pickles of tensors have.
_MAX_NAME = 256
# More than the arguments of any function that they name.
_MAX_ARGUMENTS = 32

# The dtypes of storages, by the class names in pickles.
STORAGES: Mapping[str, torch.dtype] = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class StorageRecord:
    """A storage: the memory of one or several tensors.

    Attributes:
        key: Its name in the file.
        holds: The class that the pickle names, a key of `STORAGES` if the file is to be read.
        count: Number of its elements.
    """

    key: str
    holds: str
    count: int


@dataclass(frozen=True)
class TensorRecord:
    """A dense tensor of the file.

    Attributes:
        storage: Its storage.
        offset: Offset of its first element in the storage, in elements.
        size: Its shape.
        stride: Stride of each axis, in elements.
    """

    storage: StorageRecord
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class OtherRecord:
    """A value other than a dense CPU tensor; `description` names its kind."""

    description: str


@dataclass(frozen=True)
class _Name:
    """The name of a class or function, which is not resolved."""

    name: str


class ForbiddenPickleError(ValueError):
    """A pickle calls a function that does not build dictionaries or tensors."""


def read_pickle(file: BinaryIO) -> Any:
    """Parse one pickle; the file is then at the byte after it.

    Args:
        file: At the start of the pickle. The memory used is linear in its size.

    Returns:
        Plain values, with `StorageRecord`, `TensorRecord` and `OtherRecord` in place of objects.

    Raises:
        ForbiddenPickleError: It calls a function that is not known to build dictionaries or
            tensors.
        Exception: It is damaged, or is no pickle; almost any kind.

    Source:
        `pickletools`, which describes the opcodes of pickles, and PyTorch's `torch._utils`, whose
        functions the pickles name.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    operations: Iterator[tuple[pickletools.OpcodeInfo, Any, Any]] = pickletools.genops(file)
    for opcode, argument, _ in operations:
        name = opcode.name
        if name in _PLAIN_VALUES:
            stack.append(argument)
        elif name in _NEW_VALUES:
            stack.append(_NEW_VALUES[name]())
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in _TUPLES:
            stack[len(stack) - _TUPLES[name] :] = [tuple(stack[len(stack) - _TUPLES[name] :])]
        elif name == "TUPLE":
            stack.append(tuple(_pop_marked(stack)))
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _fill(stack[-1], [key, value])
        elif name == "SETITEMS":
            items = _pop_marked(stack)
            _fill(stack[-1], items)
        elif name == "APPEND":
            value = stack.pop()
            _extend(stack[-1], [value])
        elif name == "APPENDS":
            values = _pop_marked(stack)
            _extend(stack[-1], values)
        elif name == "GLOBAL":
            stack.append(_name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(_name(stack.pop(-2), stack.pop()))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_build(stack.pop(), arguments))
        elif name == "BUILD":
            # Versions of modules beside a state dict.
            stack.pop()
            if not isinstance(stack[-1], dict):
                raise ForbiddenPickleError
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise ForbiddenPickleError
    raise EOFError("the pickle has no end")


class _Mark:
    """The start of the items of a tuple, list or dictionary on the stack."""


_PLAIN_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
    *("BINFLOAT", "BINBYTES", "SHORT_BINBYTES"),
}
_NEW_VALUES: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": _Mark,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _pop_marked(stack: list[Any]) -> list[Any]:
    start = len(stack) - 1
    while not isinstance(stack[start], _Mark):
        start -= 1
    marked = stack[start + 1 :]
    del stack[start:]
    return marked


def _fill(target: Any, items: list[Any]) -> None:
    if not isinstance(target, dict):
        raise ForbiddenPickleError
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Hashing tuples that are nested too deeply would end the process.
        if not isinstance(key, str | int):
            raise ForbiddenPickleError
        target[key] = value


def _extend(target: Any, values: list[Any]) -> None:
    if not isinstance(target, list):
        raise ForbiddenPickleError
    target.extend(values)


# A pickle can refer to a value again in two bytes. What is made of a value may therefore not be
# larger than a constant, or the memory would grow with the square of the file.


def _name(module: Any, attribute: Any) -> _Name:
    for part in (module, attribute):
        if not isinstance(part, str) or len(part) > _MAX_NAME:
            raise ForbiddenPickleError
    return _Name(f"{module}.{attribute}")


def _storage(identifier: Any) -> StorageRecord:
    if not isinstance(identifier, tuple) or len(identifier) > _MAX_ARGUMENTS:
        raise ForbiddenPickleError
    kind, holds, key, _device, count, *view = identifier
    if kind != "storage" or not isinstance(holds, _Name) or not isinstance(key, str | int):
        raise ForbiddenPickleError
    if any(part is not None for part in view):
        raise ValueError("it has a storage that is a part of another one")
    return StorageRecord(str(key), holds.name, _natural(count))


def _build(function: Any, arguments: tuple[Any, ...]) -> Any:
    if not isinstance(function, _Name) or function.name not in _BUILDERS:
        raise ForbiddenPickleError
    if not isinstance(arguments, tuple) or len(arguments) > _MAX_ARGUMENTS:
        raise ForbiddenPickleError
    return _BUILDERS[function.name](*arguments)


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    """An ordered dictionary; Python 2 wrote its items as pairs, in a list of their own."""
    dictionary: dict[Any, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ForbiddenPickleError
        _fill(dictionary, list(pair))
    if dictionary:
        # No second dictionary is made of the same list.
        pairs.clear()
    return dictionary


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> TensorRecord:
    if not isinstance(storage, StorageRecord) or len(size) != len(stride):
        raise ValueError("it has a tensor that can't be")
    return TensorRecord(storage, _natural(offset), _naturals(size), _naturals(stride))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _naturals(numbers: Any) -> tuple[int, ...]:
    if len(numbers) > _MAX_DIMS:
        raise ValueError("it has a tensor that can't be")
    return tuple(map(_natural, numbers))


def _natural(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("it has a tensor that can't be")
    return number


def _other(description: str) -> Callable[..., OtherRecord]:
    return lambda *_: OtherRecord(description)


_BUILDERS: Mapping[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_sparse_tensor": _other("a sparse tensor"),
    "torch._utils._rebuild_sparse_csr_tensor": _other("a sparse tensor"),
    "torch._utils._rebuild_nested_tensor": _other("a nested tensor"),
    "torch._utils._rebuild_qtensor": _other("a quantized tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _other("a meta tensor, which has no values"),
    "torch._utils._rebuild_tensor_v3": _other("a tensor of float8 or of unsigned numbers"),
    "torch._utils._rebuild_wrapper_subclass": _other("a tensor of a class of its own"),
    "torch._tensor._rebuild_from_type_v2": _other("a tensor of a class of its own"),
    # What the descriptions of such tensors are made of.
    "torch.serialization._get_layout": _other("a layout"),
    "torch.Size": _other("a shape"),
    "torch.device": _other("a device"),
}
