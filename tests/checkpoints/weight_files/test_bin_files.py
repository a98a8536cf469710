"""`.bin` files of PyTorch give PyTorch's tensors, and other pickles are rejected."""

import io
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from contextlib import contextmanager

import pytest
import torch

from spacy_deberta.checkpoints import read_weights
from spacy_deberta.models import DebertaV2Model, describe_checkpoint, load_weights
from spacy_deberta.models import DebertaV2Model as Encoder
from spacy_deberta.nn import DebertaV2Config

DTYPES = [
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
]


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    """A function that writes a state dict, and gives what PyTorch reads from it and what we do."""

    def save(state_dict, **options):
        path = tmp_path / "pytorch_model.bin"
        torch.save(state_dict, path, _use_new_zipfile_serialization=request.param, **options)
        # PyTorch's restricted unpickler supports only protocol 2.
        theirs = torch.load(path, weights_only=False, map_location="cpu")
        return theirs, read_weights([path])

    return save


def assert_same(theirs, ours):
    assert list(ours) == list(theirs)
    for key, tensor in theirs.items():
        assert ours[key].dtype == tensor.dtype
        assert ours[key].stride() == tensor.stride()
        assert ours[key].equal(tensor), key


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(dtype, save):
    assert_same(*save({"a": torch.arange(7).to(dtype), "b": torch.ones(2, 3).to(dtype)}))


def test_shapes_and_strides(save):
    base = torch.arange(24.0).reshape(2, 3, 4)
    assert_same(
        *save(
            {
                "transposed": base.permute(2, 0, 1),
                "part": base[1, :2, 1:3],
                "steps": base.flatten()[1::5],
                "one": torch.tensor(3.0),
                "empty": torch.empty(0, 5),
                "expanded by one": torch.arange(5).expand(1, -1),
                "parameter": torch.nn.Parameter(base.clone()),
            }
        )
    )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols(protocol, save):
    state_dict = OrderedDict(a=torch.arange(3.0), b=torch.arange(300).reshape(3, 100))
    assert_same(*save(state_dict, pickle_protocol=protocol))


def test_a_state_dict_with_versions_of_its_modules(save):
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    assert_same(*save(module.state_dict()))


def test_tensors_that_share_memory_are_not_trained_together(make_checkpoint, weights):
    """Hugging Face copies them into the parameters of a model."""
    first, second = (f"encoder.layer.{n}.output.dense.weight" for n in (0, 1))
    tied = {**weights, second: weights[first]}
    assert torch.equal(tied[first], tied[second])
    model = DebertaV2Model.from_pretrained(make_checkpoint(weights=tied, form="bin"))
    with torch.no_grad():
        model.get_parameter(first).zero_()
    assert model.get_parameter(second).equal(weights[first])


def rewritten(path, *, compression=zipfile.ZIP_STORED, change=lambda name, content: content):
    """The same archive, written by another zip tool."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in records.items():
            archive.writestr(name, change(name, content))
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_was_written_again(
    compression, make_checkpoint, rows, expected_rows, weights
):
    folder = make_checkpoint(form="bin")
    path = rewritten(folder / "pytorch_model.bin", compression=compression)
    assert all(tensor.equal(weights[key]) for key, tensor in read_weights([path]).items())
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_can_not_be_bounded(compression, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.rand(10)}, path)
    with pytest.raises(OSError, match="E305.*another method than deflate.*pack it again"):
        read_weights([rewritten(path, compression=compression)])


def test_a_directory_that_says_less_than_there_is(tmp_path):
    """`ZipFile.read` unpacks all, and then takes as much as the directory says."""
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.rand(10)}, path)
    size = 50_000_000
    rewritten(
        path,
        compression=zipfile.ZIP_DEFLATED,
        change=lambda name, old: bytes(size) if name.endswith("byteorder") else old,
    )
    packed = path.read_bytes()
    path.write_bytes(packed.replace(struct.pack("<I", size), struct.pack("<I", 6)))
    with peak_memory() as peak, pytest.raises(OSError, match="E305"):
        read_weights([path])
    assert peak() < size / 10


@contextmanager
def peak_memory():
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_tensors_that_share_their_memory_too_often(tmp_path):
    """A model has memory of its own for each of them."""
    path = tmp_path / "pytorch_model.bin"
    shared = torch.rand(10_000)
    torch.save({str(number): shared for number in range(3)}, path)
    assert len(read_weights([path])) == 3
    torch.save({str(number): shared for number in range(100)}, path)
    with pytest.raises(OSError, match="E330"):
        read_weights([path])


def test_an_archive_that_would_fill_the_memory(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1_000_000)}, path)
    with pytest.raises(OSError, match="E330"):
        read_weights([rewritten(path, compression=zipfile.ZIP_DEFLATED)])


@pytest.mark.parametrize(
    ("tensor", "found"),
    [
        (torch.zeros(2, 3).to_sparse(), "sparse"),
        (torch.eye(3).to_sparse_csr(), "sparse"),
        (torch.empty(2, 3, device="meta"), "meta"),
        (torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), "quantized"),
        (torch.ones(3, dtype=torch.complex64), "ComplexFloat"),
    ],
    ids=["coo", "csr", "meta", "quantized", "complex"],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_that_are_no_plain_numbers(tensor, found, legacy, make_checkpoint, weights):
    folder = make_checkpoint(weights=None)
    content = {**weights, "odd": tensor}
    torch.save(content, folder / "pytorch_model.bin", _use_new_zipfile_serialization=not legacy)
    for load in (DebertaV2Model.from_pretrained, describe_checkpoint):
        with pytest.raises(OSError, match=f"E327.*{found}.*'odd'"):
            load(folder)


@pytest.mark.parametrize("make_odd", [torch.Tensor.to_sparse, lambda tensor: tensor.to("meta")])
def test_a_module_takes_dense_tensors_only(make_odd, tiny_config, weights):
    with torch.device("meta"):
        encoder = Encoder(DebertaV2Config.from_dict(tiny_config))
    key = "encoder.rel_embeddings.weight"
    with pytest.raises(ValueError, match=f"E307.*{key}.*not dense"):
        load_weights(encoder, {**weights, key: make_odd(weights[key])}, source="a file")


class Call:
    """Pickled as a call of what PyTorch's files call, with other arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write_lie(path, offset, size, stride):
    """A tensor with wrong metadata, in a storage of 4 numbers."""
    torch.save({"a": torch.arange(4.0)}, path)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if value == "the storage":
                return "storage", torch.FloatStorage, "0", "cpu", 4
            return None

    buffer = io.BytesIO()
    lie = Call(
        torch._utils._rebuild_tensor_v2, "the storage", offset, size, stride, False, OrderedDict()
    )
    Pickler(buffer, protocol=2).dump({"a": lie})
    return rewritten(
        path,
        change=lambda name, old: buffer.getvalue() if name.endswith("data.pkl") else old,
    )


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (1, (4,), (1,)),
        (0, (5,), (1,)),
        (0, (2, 2), (3, 1)),
        (0, (2**40,), (0,)),
        (0, (2**62, 2**62), (0, 0)),
        (0, (2, 2), (1, 1)),
        (-1, (2,), (1,)),
        (0, (-2,), (1,)),
        (3, (2,), (-1,)),
        (0, (2,), (1, 1)),
        (0.5, (2,), (1,)),
        (2**63, (1,), (1,)),
    ],
)
def test_tensors_that_leave_their_storage(offset, size, stride, tmp_path):
    path = write_lie(tmp_path / "pytorch_model.bin", offset, size, stride)
    with pytest.raises(OSError, match="E305"):
        read_weights([path])


def test_the_lie_would_be_read_if_it_were_none(tmp_path):
    path = write_lie(tmp_path / "pytorch_model.bin", 1, (2,), (2,))
    assert read_weights([path])["a"].tolist() == [1, 3]


@pytest.mark.parametrize(
    "opcodes",
    [
        # A slot of the memo far away, for which C's unpickler takes gigabytes.
        b"]r\xff\xff\xff\x7f.",
        # A key that is nested too deeply to be hashed.
        b"}" + b")" + b"\x85" * 200_000 + b"K\x01s.",
        # Lengths beyond the end.
        b"\x8d" + struct.pack("<Q", 2**60) + b"a.",
        b"\x8b" + struct.pack("<i", 2**30) + b"a.",
        b"." * 3,
        b"\x80\x02}",
    ],
)
def test_pickles_that_attack_their_reader(opcodes, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({}, path)
    rewritten(path, change=lambda name, old: opcodes if name.endswith("data.pkl") else old)
    with pytest.raises(OSError, match="E305"):
        read_weights([path])
    path.write_bytes(opcodes)
    with pytest.raises(OSError, match="E305"):
        read_weights([path])
