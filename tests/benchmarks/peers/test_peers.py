"""The outputs of other implementations are equal to Hugging Face's, or reported as incorrect."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import DebertaV2Config

from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import disentangled_flash, flashdeberta, huggingface, onnx, ours, products
from spacy_deberta import nn
from spacy_deberta.nn.ops.processor import has_vnni
from spacy_deberta.nn.relative_positions import slot_table

BASE = DebertaV2Config(
    hidden_size=64,
    intermediate_size=128,
    num_attention_heads=4,
    num_hidden_layers=3,
    relative_attention=True,
    position_buckets=256,
    max_relative_positions=-1,
)


@pytest.fixture(scope="module")
def model(settings):
    return huggingface.load_encoder(settings.checkpoint)


@pytest.fixture(scope="module")
def exported(settings, model):
    pytest.importorskip("onnxruntime", reason="comes with `make bench`")
    pytest.importorskip("onnxscript", reason="comes with `make bench`")
    return onnx.load_encoder(model, settings.work / "encoder.onnx", threads=1)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "length"), [(1, 1), (2, 40), (5, 7), (1, 600)])
def test_onnx_runtime_has_hugging_faces_rows_at_every_length(exported, model, count, length):
    ids = torch.randint(3, 450, (count, length), generator=torch.Generator().manual_seed(length))
    mask = torch.ones_like(ids)
    mask[-1, 1 + length // 2 :] = 0
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask).last_hidden_state
    torch.testing.assert_close(exported(ids, mask)[mask.bool()], expected[mask.bool()])


def test_a_wrong_export_is_noticed(exported, model):
    def wrong(ids, mask):
        return exported(ids, mask) + (1e-3 if ids.shape[1] == 64 else 0)

    with pytest.raises(CannotMeasureError, match="at length 64") as raised:
        onnx.check_lengths(wrong, model)
    assert raised.value.problem == "wrong"


def test_missing_peers_say_how_they_are_installed(model, settings, monkeypatch):
    for name in ("onnx", "flashdeberta", "disentangled_flash"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    kernel = {"buckets": 256, "max_distance": 512, "scale": 1.0}
    loads = (
        lambda: onnx.load_encoder(model, settings.work / "encoder.onnx", threads=1),
        lambda: flashdeberta.load_encoder(settings.checkpoint, device="cpu"),
        lambda: flashdeberta.load_attention(**kernel),
        lambda: disentangled_flash.load_encoder(settings.checkpoint, device="cpu"),
        lambda: disentangled_flash.load_attention(count=1, length=4, device="cpu", **kernel),
    )
    for load in loads:
        with pytest.raises(CannotMeasureError, match="pip install -r benchmarks/requirements"):
            load()


@pytest.mark.parametrize("length", [1, 32, 128, 200, 256, 512, 700])
def test_products_have_the_slots_that_our_encoder_reaches(length):
    config = nn.DebertaV2Config.from_dict({**BASE.to_dict(), "far_positions": "huggingface"})
    slots = slot_table(length, config, torch.device("cpu"))
    assert huggingface.reachable_slots(length, BASE) == slots.stop - slots.start


@pytest.mark.parametrize(("backward", "factor"), [(False, 1), (True, 3)])
def test_products_are_those_of_the_formula(backward, factor, monkeypatch):
    # The counter does not count oneDNN's operators.
    monkeypatch.setattr(products, "prepare_onednn", lambda *arguments, **options: None)
    sequences, length, width, inner, heads = 3, 20, 64, 128, 4
    work = products.make_products(BASE, sequences=sequences, length=length, dtype="fp32")
    with FlopCounterMode(display=False) as counter:
        work.backward() if backward else work.forward()
    pieces, slots = sequences * length, 2 * length - 1
    layer = 2 * pieces * width * (4 * width + 2 * inner)
    layer += 4 * pieces * length * width + 4 * pieces * slots * width
    assert counter.get_total_flops() == factor * 3 * layer
    assert width % heads == 0


def test_dense_products_are_products():
    inputs, weight = torch.randn(5, 64), torch.randn(32, 64)
    product = products.make_dense_product(inputs, weight, dtype="fp32")
    torch.testing.assert_close(product.multiply(inputs), inputs @ weight.T)
    product = products.make_dense_product(inputs, weight, dtype="int8")
    # Without VNNI, inputs have 7 bits.
    zero = 128 if has_vnni() else 64
    exact = (product.inputs.double() - zero) @ product.weight.double().T
    torch.testing.assert_close(product.multiply(product.inputs).double(), exact)


def test_ours_computes_what_hugging_face_does(settings, model):
    encoder = ours.load_encoder(settings.checkpoint)
    ids = torch.randint(3, 450, (2, 30), generator=torch.Generator().manual_seed(1))
    for kernel in ("auto", "reference"):
        rows = ours.ours_forward(encoder, ours.pack(ids), kernel=kernel)
        torch.testing.assert_close(rows, huggingface.forward(model, ids))
    gradient = torch.randn(60, 32, generator=torch.Generator().manual_seed(2))
    found = ours.ours_backward(encoder, ours.pack(ids), gradient)
    expected = huggingface.backward(model, ids, gradient)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)
    assert not encoder.training


def test_bf16_is_another_precision(settings, model):
    encoder = ours.load_encoder(settings.checkpoint)
    ids = torch.randint(3, 450, (1, 9), generator=torch.Generator().manual_seed(1))
    exact = huggingface.forward(model, ids)
    for rows in (
        ours.ours_forward(encoder, ours.pack(ids), dtype="bf16"),
        huggingface.forward(model, ids, dtype="bf16"),
    ):
        assert rows.dtype == torch.float32
        assert 1e-6 < float((rows - exact).abs().max()) < 0.1


def test_sizes_can_be_repeated_more_often(settings):
    assert settings.sizes.with_repeats(0) == settings.sizes
    expected = replace(settings.sizes, repeats=7, few_repeats=7, training_repeats=7, long_repeats=7)
    assert settings.sizes.with_repeats(7) == expected
