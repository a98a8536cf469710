"""Seeded damage to files: flipped bits, truncation, values of other types."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import srsly

Mutator = Callable[[random.Random, bytes], bytes]

# Placeholders instead of a file: a pointer of Git LFS, an HTML page for "not found", nothing.
STRANGERS = (
    b"",
    b"\x00" * 100,
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 371146213\n",
    b"<!DOCTYPE html><html><body>Not found</body></html>",
    b"PK\x03\x04" + b"\x00" * 100,
    b"\x80\x02" + b"\xff" * 50,
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
)
# Boundary values of numbers, names and paths.
NUMBERS = (0, -1, 1, 2, 7, 2**15, 2**31 - 1, 2**31, 2**40, 2**63, 10**30, 0.5, -0.5, 1e-300, 1e308)
NOT_NUMBERS = (float("nan"), float("inf"), float("-inf"))
STRINGS = (
    "",
    " ",
    "x",
    "12",
    "[MASK]",
    "[CLS]",
    "none",
    "../x",
    "/x",
    "a/b",
    "\x00",
    "ä",
    "x" * 5000,
)
NESTED: Any = json.loads("[" * 200 + "]" * 200)


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    """Damage independent of the format."""
    if not data or rng.random() < 0.05:
        return rng.choice(STRANGERS)
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 4, 8, 64, 1024)))
    kind = rng.randrange(7)
    if kind == 0:
        return data[:start]
    if kind == 1:
        return data[:start] + data[end:]
    if kind == 2:
        return data[:start] + rng.randbytes(end - start) + data[start:]
    if kind == 3:
        return data[:start] + bytes(end - start) + data[end:]
    if kind == 4:
        return data[:start] + b"\xff" * (end - start) + data[end:]
    if kind == 5:
        return data[:end] + data[start:]
    flipped = bytearray(data)
    # Headers are short and at the ends: half of the flips are there.
    for _ in range(rng.choice((1, 1, 1, 8))):
        place = rng.randrange(len(data))
        if rng.random() < 0.5:
            place = rng.choice((place % 512, len(data) - 1 - place % 512)) % len(data)
        flipped[place] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def mutate_tree(rng: random.Random, tree: Any) -> Any:
    """Replace one value in nested dictionaries and lists."""
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        key = rng.choice(list(tree))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in tree.items() if k != key}
        if kind < 0.15:
            return {**tree, rng.choice(STRINGS): tree[key]}
        return {**tree, key: mutate_tree(rng, tree[key])}
    if isinstance(tree, list) and tree and rng.random() < 0.9:
        place = rng.randrange(len(tree))
        kind = rng.random()
        if kind < 0.1:
            return tree[:place] + tree[place + 1 :]
        if kind < 0.15:
            return [*tree, tree[place]]
        return [*tree[:place], mutate_tree(rng, tree[place]), *tree[place + 1 :]]
    if isinstance(tree, bytes) and rng.random() < 0.9:
        return _mutate_nested(rng, tree)
    return _something_else(rng, tree)


def mutate_json(rng: random.Random, data: bytes) -> bytes:
    """A JSON file with another value, or damaged text."""
    if rng.random() < 0.15:
        return mutate_bytes(rng, data)
    text = json.dumps(mutate_tree(rng, json.loads(data)))
    if rng.random() < 0.02:
        depth = 100_000
        text = text[:-1] + ', "x": ' + "[" * depth + "]" * depth + text[-1:]
    return text.encode("utf-8", "surrogatepass")


def mutate_msgpack(rng: random.Random, data: bytes) -> bytes:
    """A msgpack file with another value, or damaged."""
    if rng.random() < 0.3:
        return mutate_bytes(rng, data)
    try:
        return srsly.msgpack_dumps(mutate_tree(rng, srsly.msgpack_loads(data)))
    except (ValueError, TypeError, OverflowError):
        return mutate_bytes(rng, data)


def mutate_safetensors(rng: random.Random, data: bytes) -> bytes:
    """A safetensors file with another header, or damaged."""
    if rng.random() < 0.4:
        return mutate_bytes(rng, data)
    size = int.from_bytes(data[:8], "little")
    header = json.dumps(mutate_tree(rng, json.loads(data[8 : 8 + size]))).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def mutate_zip(rng: random.Random, data: bytes) -> bytes:
    """A zip file with a member that is damaged, missing, doubled or compressed, or damaged."""
    if rng.random() < 0.3:
        return mutate_bytes(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    # The pickle describes all other members.
    pickled = [name for name in members if name.endswith(".pkl")]
    name = rng.choice(pickled if pickled and rng.random() < 0.6 else list(members))
    kind = rng.randrange(6)
    method = zipfile.ZIP_DEFLATED if kind == 0 else zipfile.ZIP_STORED
    if kind == 1:
        del members[name]
    elif kind == 2:
        members[name + rng.choice(("x", "/", "/../x", "0"))] = members[name]
    else:
        members[name] = mutate_bytes(rng, members[name])
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return target.getvalue()


def _mutate_nested(rng: random.Random, data: bytes) -> bytes:
    """Mutate bytes in a message, which are often a nested message."""
    try:
        nested = srsly.msgpack_loads(data)
    except Exception:  # any error of msgpack for bytes that are not a message
        nested = None
    return mutate_msgpack(rng, data) if isinstance(nested, dict | list) else mutate_bytes(rng, data)


def _something_else(rng: random.Random, value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.5:
        return rng.choice((*NUMBERS, *NOT_NUMBERS, value + 1, value - 1, value * 2, float(value)))
    if isinstance(value, str) and rng.random() < 0.5:
        return rng.choice((*STRINGS, value + "x", value[:-1], value.upper()))
    containers: tuple[Any, ...] = ([], {}, [1], ["x"], {"x": 1}, {"0": None}, NESTED, [None])
    return rng.choice((None, True, False, *containers, *NUMBERS, *NOT_NUMBERS, *STRINGS))
