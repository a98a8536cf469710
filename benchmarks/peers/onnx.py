"""ONNX Runtime, by which `spacy-accelerate` replaces an encoder.

A traced export of Hugging Face's DeBERTa is incorrect at every length but the traced one, because
relative positions are constants in the trace. Here they are an input of the model, and it is
exported without tracing: correct at every length, which `check_lengths` verifies.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measures.results import WRONG
from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import huggingface

INSTALL = "pip install -r benchmarks/requirements.txt"
TOLERANCE = 1e-4


class PositionedEncoder(nn.Module):
    """Hugging Face's encoder, with the relative positions as an input."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, relative_pos: Tensor) -> Tensor:
        """Hidden states of the last layer, (sequences, length, width)."""
        embedded = self.model.embeddings(input_ids=input_ids, mask=attention_mask)
        return self.model.encoder(
            embedded,
            attention_mask,
            output_hidden_states=False,
            relative_pos=relative_pos,
            return_dict=False,
        )[0]


class OnnxEncoder:
    """A session of ONNX Runtime with the encoder of a checkpoint.

    Args:
        path: The exported model.
        config: Hugging Face's config of it.
        threads: Number of CPU threads.
    """

    def __init__(self, path: Path, config: Any, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._positions = huggingface.position_settings(config)

    def __call__(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode (sequences, length): hidden states, (sequences, length, width)."""
        mask = torch.ones_like(ids) if mask is None else mask.long()
        positions = huggingface.relative_positions(ids.shape[1], *self._positions)
        values = (ids, mask, positions)
        names = (value.name for value in self._session.get_inputs())
        inputs = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        return torch.from_numpy(self._session.run(None, inputs)[0])


def load_encoder(model: Any, path: Path, *, threads: int) -> OnnxEncoder:
    """Export Hugging Face's encoder, unless the file exists, and load it.

    Raises:
        CannotMeasureError: ONNX Runtime is not installed, or the export is incorrect.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise CannotMeasureError(f"{error.name} is not installed: {INSTALL}") from None
    if not path.exists():
        export(model, path)
    encoder = OnnxEncoder(path, model.config, threads)
    check_lengths(encoder, model)
    return encoder


def load_int8_encoder(model: Any, path: Path, *, threads: int) -> OnnxEncoder:
    """Quantize the exported encoder dynamically, unless that file exists, and load it.

    Args:
        model: Hugging Face's encoder.
        path: The export in float32, made if it does not exist.
        threads: Number of CPU threads.

    Raises:
        CannotMeasureError: As `load_encoder`.
    """
    load_encoder(model, path, threads=threads)
    return OnnxEncoder(quantize_export(path), model.config, threads)


def quantize_export(path: Path) -> Path:
    """The file of an export, quantized dynamically to int8 by channel; made unless it exists."""
    quantized = path.with_name(f"int8-{path.name}")
    if not quantized.exists():
        from onnxruntime.quantization import quantize_dynamic

        beside = path.with_name(f"part-{quantized.name}")
        logging.getLogger().setLevel(logging.ERROR)
        quantize_dynamic(path, beside, per_channel=True)
        beside.replace(quantized)
    return quantized


def export(model: Any, path: Path) -> None:
    """Export Hugging Face's encoder with a dynamic number and length of sequences."""
    count, length = torch.export.Dim("count"), torch.export.Dim("length")
    ids, mask = _example(model, 3, 17)
    positions = huggingface.relative_positions(17, *huggingface.position_settings(model.config))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"part-{path.name}")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            PositionedEncoder(model),
            (ids, mask, positions),
            str(beside),
            dynamo=True,
            external_data=False,
            input_names=["input_ids", "attention_mask", "relative_pos"],
            dynamic_shapes={
                "input_ids": {0: count, 1: length},
                "attention_mask": {0: count, 1: length},
                "relative_pos": {1: length, 2: length},
            },
        )
    beside.replace(path)


def check_lengths(encoder: Callable[[Tensor, Tensor], Tensor], model: Any) -> None:
    """Compare the hidden states with Hugging Face's at several lengths, with padding.

    Raises:
        CannotMeasureError: They differ.
    """
    for count, length in ((1, 5), (3, 17), (2, 64), (2, 300)):
        ids, mask = _example(model, count, length)
        with torch.no_grad():
            expected = model(input_ids=ids, attention_mask=mask).last_hidden_state
        differences = (encoder(ids, mask) - expected)[mask.bool()].abs()
        if differences.max() > TOLERANCE:
            raise CannotMeasureError(
                f"the export differs by {differences.max():.1g} at length {length}", WRONG
            )


def _example(model: Any, count: int, length: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(length)
    ids = torch.randint(3, model.config.vocab_size, (count, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[0, length - length // 3 :] = 0
    return ids, mask
