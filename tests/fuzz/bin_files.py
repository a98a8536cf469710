"""Attacks on `.bin` files: malicious and random pickles, in archives and in the legacy format."""

import io
import pickle
import pickletools
import random
import struct
import zipfile
from pathlib import Path

import torch

from tests.checkpoints.folders import Attack, write_weights
from tests.fuzz.mutators import mutate_bytes, mutate_zip

FORMS = ("bin", "legacy bin", "bin shards", "legacy bin shards")

# What runs code, opens files or fills the memory when it is called, and what tensors are made with.
GLOBALS = (
    *(b"os system", b"posix system", b"subprocess Popen", b"builtins eval", b"builtins exec"),
    *(b"builtins __import__", b"builtins open", b"builtins getattr", b"builtins bytearray"),
    *(b"importlib import_module", b"runpy run_path", b"shutil rmtree", b"socket socket"),
    *(b"pty spawn", b"code interact", b"pickle loads", b"torch load", b"torch.hub load"),
    *(b"torch.jit load", b"torch.storage _load_from_bytes", b"numpy load", b"functools partial"),
    *(b"operator attrgetter", b"_codecs encode", b"torch zeros", b"copyreg _reconstructor"),
    *(b"collections OrderedDict", b"torch FloatStorage", b"torch._utils _rebuild_tensor_v2"),
    *(b"torch._utils _rebuild_parameter", b"torch._utils _rebuild_sparse_tensor", b"torch Size"),
)
VALUES = (
    *(b"N", b"]", b"}", b")", b"(", b"K\x01", b"J\xff\xff\xff\x7f", b"\x8a\x08" + b"\xff" * 8),
    *(b"X\x04\0\0\0true", b"X\xff\xff\xff\x7fa", b"\x8d" + b"\xff" * 8, b"G" + b"\x7f" * 8),
    *(b"h\x00", b"h\x01", b"h\x05", b"j\xff\xff\xff\x7f", b"\x8b\xff\xff\xff\x7f", b"U\x01a"),
)
ACTIONS = (
    *(b"R", b"b", b"\x81", b"\x92", b"o", b"t", b"\x85", b"\x86", b"\x87", b"s", b"u", b"a"),
    *(b"e", b"Q", b"\x93", b"2", b"0", b"1", b"\x94", b"q\x00", b"r\xff\xff\xff\x7f", b"."),
    *(b"\x82\x01", b"\x83\x01\x01", b"Pkey\n", b"ios\nsystem\n", b"\x98", b"\x97", b"\x8f"),
)


def write_files(folder: Path, weights: dict[str, torch.Tensor], *, form: str) -> list[Path]:
    """Write whole files of a form; returns those with tensors."""
    folder.mkdir(parents=True)
    if "legacy" in form and "shards" in form:
        for index in range(3):
            shard = dict(list(weights.items())[index::3])
            path = folder / f"pytorch_model-0000{index + 1}-of-00003.bin"
            torch.save(shard, path, _use_new_zipfile_serialization=False)
    else:
        write_weights(folder, weights, form=form)
    return sorted(folder.glob("*.bin"))


def attack(rng: random.Random, content: bytes, proof: Path) -> bytes:
    """A damaged or malicious file in place of another.

    Args:
        rng: Source of random numbers.
        content: A whole file, of either format.
        proof: A file that exists if code of a pickle was run.
    """
    if rng.random() < 0.4:
        is_archive = content.startswith(b"PK") and rng.random() < 0.7
        return (mutate_zip if is_archive else mutate_bytes)(rng, content)
    if not content.startswith(b"PK"):
        start, end = _pickles(content)[rng.choice((3, 3, 3, 4))]
        return content[:start] + _attack_pickle(rng, content[start:end], proof) + content[end:]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in records if name.endswith("data.pkl"))
    records[name] = _attack_pickle(rng, records[name], proof)
    return _archive(rng, records)


def _attack_pickle(rng: random.Random, content: bytes, proof: Path) -> bytes:
    places = [place or 0 for _, _, place in pickletools.genops(content)]
    kind = rng.randrange(6)
    if kind == 0:
        return pickle.dumps({"a": Attack(proof)}, protocol=rng.randrange(6))
    if kind == 1:
        return b"\x80\x02" + b"".join(_part(rng) for _ in range(rng.randrange(1, 300))) + b"."
    if kind == 2:
        return _repeated(rng)
    if kind == 3:
        for name in rng.sample(GLOBALS, 5):
            old = b"ctorch._utils\n_rebuild_tensor_v2\n"
            content = content.replace(old, b"c" + name.replace(b" ", b"\n") + b"\n", 1)
        return content
    place = rng.choice(places)
    inserted = b"".join(_part(rng) for _ in range(rng.randrange(1, 6)))
    end = rng.choice(places) if kind == 4 else place
    return content[:place] + inserted + content[max(place, end) :]


def _part(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.25:
        return b"c" + rng.choice(GLOBALS).replace(b" ", b"\n") + b"\n"
    return rng.choice(VALUES if kind < 0.6 else ACTIONS)


def _repeated(rng: random.Random) -> bytes:
    """A large value that is named again and again, each time in a few bytes."""
    count = rng.randrange(100, 10_000)
    tree = b")q\x01" + b"h\x01h\x01\x86q\x01" * 60
    value, use = rng.choice(
        [
            # One long name, put together of two long texts.
            (b"X" + struct.pack("<I", count) + b"a" * count, b"h\x00h\x00\x93"),
            # A dictionary of the same list of pairs.
            (
                b"](" + b"](X\x01\0\0\0aK\x01e" * count + b"e\x85",
                b"ccollections\nOrderedDict\nh\x00R",
            ),
            # A dictionary of pairs that are long lists.
            (
                b"](" + b"K\x01" * count + b"e",
                b"ccollections\nOrderedDict\n](" + b"h\x00" * 200 + b"e\x85R",
            ),
            # A tensor, and a call, with as many sizes and arguments as there are.
            (b"(" + b"K\x01" * count + b"t", b"ctorch._utils\n_rebuild_tensor_v2\nh\x00R"),
            (b"(" + b"K\x01" * count + b"t", b"ctorch\nSize\nh\x00R"),
            (
                b"(" + b"K\x01" * count + b"t",
                b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
                b"X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\x00h\x00h\x00tR",
            ),
            # A storage whose key is a tree of which each branch is the same.
            (tree, b"(X\x07\0\0\0storagectorch\nFloatStorage\nh\x00NK\x01tQ"),
            (tree, b"h\x00h\x00\x93"),
        ]
    )
    return b"\x80\x04" + value + b"q\x00](" + use * count + b"e."


def _archive(rng: random.Random, records: dict[str, bytes]) -> bytes:
    """An archive; some have records of many zeros, or a directory with wrong lengths."""
    target = io.BytesIO()
    method = rng.choice((*[zipfile.ZIP_STORED] * 4, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    lies = rng.random() < 0.2
    if lies and method != zipfile.ZIP_STORED:
        name = rng.choice(list(records))
        records = {**records, name: records[name] + bytes(20_000_000)}
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    packed = target.getvalue()
    if lies:
        size = struct.pack("<I", len(max(records.values(), key=len)))
        packed = packed.replace(size, struct.pack("<I", rng.choice((0, 1, 100, 2**31, 2**32 - 1))))
    return packed


def _pickles(content: bytes) -> list[tuple[int, int]]:
    """Where the five pickles of the old format begin and end."""
    file = io.BytesIO(content)
    places = []
    for _ in range(5):
        start = file.tell()
        for _ in pickletools.genops(file):
            pass
        places.append((start, file.tell()))
    return places
