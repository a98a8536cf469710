"""The files of Hugging Face's TensorFlow classes, without TensorFlow: see test_real_tensorflow."""

import sys

import numpy as np
import pytest
import torch

from spacy_deberta.checkpoints import (
    BARE_MODEL,
    find_checkpoint,
    read_weights,
    save_tensorflow_checkpoint,
)
from spacy_deberta.checkpoints.layouts.tensorflow import to_ours, to_tensorflow
from spacy_deberta.models import (
    HEADS,
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    describe_checkpoint,
)
from tests.checkpoints.folders import names, prefixed, write_index
from tests.huggingface import VARIANTS, make_model, shared_model

h5py = pytest.importorskip("h5py")

CLASSES = [
    DebertaV2Model,
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
]
# The layers of each class in Keras.
KERAS = {
    "DebertaV2Model": BARE_MODEL,
    **{spec.architecture: spec.keras for spec in HEADS.values() if spec.keras},
}
HELD = ["v3", "v2", "own-projections", "token-types", "narrow-embeddings", "no-relative-attention"]


def in_full(model):
    """The weights of a model of Hugging Face, each once, all with the prefix."""
    weights = {
        key: tensor
        for key, tensor in model.state_dict().items()
        if not key.startswith("cls.predictions.decoder.")
    }
    return prefixed(weights) if type(model).__name__ == "DebertaV2Model" else weights


def write_folder(folder, model):
    save_tensorflow_checkpoint(
        folder,
        config=model.config.to_dict(),
        weights=in_full(model),
        architecture=type(model).__name__,
        keras=KERAS[type(model).__name__],
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("variant", HELD)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_there_and_back(cls, variant, tmp_path):
    theirs = make_model(variant, cls=cls.__name__)
    folder = write_folder(tmp_path / "tf", theirs)
    assert names(folder) == ["config.json", "tf_model.h5"]
    assert find_checkpoint(folder).layout == "tensorflow"
    ours = cls.from_pretrained(folder)
    expected = theirs.state_dict()
    state = ours.state_dict()
    assert set(state) == {k for k in expected if not k.startswith("cls.predictions.decoder.")}
    for key, tensor in state.items():
        assert tensor.equal(expected[key]), key


@pytest.mark.parametrize("variant", HELD)
@pytest.mark.parametrize("cls", KERAS)
def test_names_are_those_of_hugging_face(cls, variant):
    keras_names = pytest.importorskip("transformers.modeling_tf_pytorch_utils")
    convert = keras_names.convert_tf_weight_name_to_pt_weight_name
    for key in in_full(shared_model(variant, cls)):
        path = to_tensorflow(key)
        assert to_ours(path, KERAS[cls].layers) == key
        assert to_ours(f"{KERAS[cls].name}/{path}", KERAS[cls].layers) == key
        theirs, _ = convert(f"model/{path}", tf_weight_shape=(1, 1))
        # The names of these two differ from PyTorch's.
        theirs = theirs.replace("pos_proj", "pos_key_proj").replace("pos_q_proj", "pos_query_proj")
        assert theirs == key


def test_axes(tmp_path):
    model = make_model("v2")
    folder = write_folder(tmp_path, model)
    state = model.state_dict()
    with h5py.File(folder / "tf_model.h5") as file:
        encoder = file["deberta/tf_deberta_v2_model/deberta/encoder"]
        dense = encoder["layer_._1/intermediate/dense/kernel:0"][()]
        assert np.array_equal(dense, state["encoder.layer.1.intermediate.dense.weight"].T)
        conv = encoder["conv/conv/kernel:0"][()]
        assert np.array_equal(conv, state["encoder.conv.conv.weight"].permute(2, 1, 0))
        table = encoder["rel_embeddings.weight:0"][()]
        assert np.array_equal(table, state["encoder.rel_embeddings.weight"])
        words = file["deberta/tf_deberta_v2_model/deberta/embeddings/word_embeddings/weight:0"]
        assert np.array_equal(words[()], state["embeddings.word_embeddings.weight"])


def test_keras_attributes(tmp_path):
    folder = write_folder(
        tmp_path, make_model("own-projections", cls="DebertaV2ForSequenceClassification")
    )
    with h5py.File(folder / "tf_model.h5") as file:
        layers = list(file.attrs["layer_names"])
        assert layers == ["deberta", "pooler", "cls_dropout", "classifier"]
        paths = list(file["pooler"].attrs["weight_names"])
        model = "tf_deberta_v2_for_sequence_classification"
        assert paths == [f"{model}/pooler/dense/kernel:0", f"{model}/pooler/dense/bias:0"]
        assert len(file["cls_dropout"].attrs["weight_names"]) == 0
        assert any("/pos_q_proj/" in path for path in file["deberta"].attrs["weight_names"])


def test_a_head_names_the_embeddings_without_a_copy(tmp_path):
    folder = write_folder(tmp_path, make_model("token-types", cls="DebertaV2ForMaskedLM"))
    with h5py.File(folder / "tf_model.h5") as file:
        paths = [path for path in file["cls"].attrs["weight_names"] if "/embeddings/" in path]
        assert len(paths) == 4
        assert all(file["cls"][path] == file["deberta"][path] for path in paths)


def rewrite(path, change):
    """Change the attributes of a file's layers."""
    with h5py.File(path, "r+") as file:
        for layer in file.attrs["layer_names"]:
            change(file[layer].attrs)


def in_parts(attributes):
    """Split a list as Keras does if it is too long for HDF5."""
    for number, part in enumerate(np.array_split(list(attributes["weight_names"]), 11)):
        attributes[f"weight_names{number}"] = part.tolist()
    del attributes["weight_names"]


def as_bytes(attributes):
    attributes["weight_names"] = np.array([n.encode() for n in attributes["weight_names"]])


@pytest.mark.parametrize("change", [in_parts, as_bytes])
def test_other_forms_of_lists(change, tmp_path):
    folder = write_folder(tmp_path, make_model())
    before = read_weights([folder / "tf_model.h5"])
    rewrite(folder / "tf_model.h5", change)
    after = read_weights([folder / "tf_model.h5"])
    assert list(after) == list(before)
    assert all(after[key].equal(before[key]) for key in before)


def test_split_files(tmp_path):
    """Parts have the variables without groups and without the name of the model."""
    model = make_model()
    folder = write_folder(tmp_path, model)
    (folder / "tf_model.h5").rename(tmp_path / "whole")
    index = {}
    with h5py.File(tmp_path / "whole") as whole:
        paths = list(whole["deberta"].attrs["weight_names"])
        for number in (1, 2):
            name = f"tf_model-0000{number}-of-00002.h5"
            with h5py.File(folder / name, "w") as part:
                own = [path.partition("/")[2] for path in paths[number - 1 :: 2]]
                part.attrs["layer_names"] = own
                for path in own:
                    part.create_dataset(path, data=whole[f"deberta/tf_deberta_v2_model/{path}"][()])
                index.update(dict.fromkeys(own, name))
    write_index(folder / "tf_model.h5.index.json", index)
    assert len(find_checkpoint(folder).weights) == 2
    ours = DebertaV2Model.from_pretrained(folder).state_dict()
    assert all(tensor.equal(ours[key]) for key, tensor in model.state_dict().items())


def test_info(tmp_path):
    model = make_model("v3", cls="DebertaV2ForQuestionAnswering")
    found = describe_checkpoint(write_folder(tmp_path, model))
    assert found.layout == "tensorflow"
    assert list(found.heads) == ["qa_outputs"]
    assert sum(found.parts.values()) == sum(p.numel() for p in model.parameters())


def test_without_h5py(tmp_path, monkeypatch):
    folder = write_folder(tmp_path, make_model())
    before = names(folder)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"E315.*pip install 'spacy-deberta\[tf\]'"):
        DebertaV2Model.from_pretrained(folder)
    with pytest.raises(ImportError, match="E315"):
        write_folder(folder, make_model())
    assert names(folder) == before


def no_file(path):
    path.write_bytes(b"damaged")


def truncated(path):
    path.write_bytes(path.read_bytes()[:20_000])


def no_names(path):
    rewrite(path, lambda attributes: attributes.pop("weight_names"))


def lost_variable(path):
    with h5py.File(path, "r+") as file:
        del file["deberta"][file["deberta"].attrs["weight_names"][3]]


def text(path):
    with h5py.File(path, "r+") as file:
        name = file["deberta"].attrs["weight_names"][3]
        del file["deberta"][name]
        file["deberta"][name] = "text"


@pytest.mark.parametrize("damage", [no_file, truncated, no_names, lost_variable, text])
def test_damage(damage, tmp_path):
    folder = write_folder(tmp_path, make_model())
    damage(folder / "tf_model.h5")
    with pytest.raises(OSError, match=r"E305.*tf_model\.h5"):
        DebertaV2Model.from_pretrained(folder)


@pytest.mark.parametrize("way", ["link", "raw", "virtual"])
def test_no_other_file_is_read(way, tmp_path):
    folder = write_folder(tmp_path / "tf", make_model())
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["data"] = np.zeros(32, dtype="float32")
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        group = file["deberta"]
        name = next(n for n in group.attrs["weight_names"] if n.endswith("query_proj/bias:0"))
        del group[name]
        if way == "link":
            group[name] = h5py.ExternalLink(str(secret), "data")
        elif way == "raw":
            group.create_dataset(name, (32,), dtype="float32", external=[(str(secret), 0, 128)])
        else:
            virtual = h5py.VirtualLayout((32,), dtype="float32")
            virtual[:] = h5py.VirtualSource(str(secret), "data", (32,))
            group.create_virtual_dataset(name, virtual)
    with pytest.raises(OSError, match=r"E305.*another file"):
        DebertaV2Model.from_pretrained(folder)


def test_other_shapes_are_an_error(tmp_path):
    model = make_model()
    folder = write_folder(tmp_path, model)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"vocab_size": 97', '"vocab_size": 96'))
    with pytest.raises(ValueError, match="E307"):
        DebertaV2Model.from_pretrained(folder)


def test_half_precision_is_written_as_float32(tmp_path):
    model = make_model().half()
    weights = read_weights([write_folder(tmp_path, model) / "tf_model.h5"])
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert VARIANTS["v3"]["vocab_size"] == len(weights["deberta.embeddings.word_embeddings.weight"])


def of_zeros(group, name):
    """A tensor of zeros, compressed by a factor of a thousand."""
    return group.create_dataset(name, (2**21,), dtype="float32", compression="gzip")


def never_written(group, name):
    """Lengths without data: HDF5 fills in zeros when they are read."""
    return group.create_dataset(name, (2**40,), dtype="float32")


def of_one_chunk(group, name):
    """One number, in a chunk that is read as a whole."""
    return group.create_dataset(
        name, (1,), maxshape=(None,), chunks=(2**24,), dtype="float32", compression="gzip"
    )


@pytest.mark.parametrize("create", [of_zeros, never_written, of_one_chunk])
def test_a_small_file_does_not_fill_the_memory(create, tmp_path):
    folder = write_folder(tmp_path, make_model())
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        group = file["deberta"]
        name = group.attrs["weight_names"][3]
        del group[name]
        create(group, name)
    with pytest.raises(OSError, match=r"E330.*tf_model\.h5"):
        DebertaV2Model.from_pretrained(folder)


def test_a_file_that_was_compressed(tmp_path):
    folder = write_folder(tmp_path, make_model())
    before = read_weights([folder / "tf_model.h5"])
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        group = file["deberta"]
        for name in group.attrs["weight_names"]:
            values = group[name][()]
            del group[name]
            group.create_dataset(name, data=values, compression="gzip", chunks=values.shape)
    after = read_weights([folder / "tf_model.h5"])
    assert all(after[key].equal(before[key]) for key in before)
